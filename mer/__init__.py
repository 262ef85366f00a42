"""Micro-expression recognition: features of facial motion -> leave-one-subject-out evaluation -> report."""

__version__ = "0.1.0"
