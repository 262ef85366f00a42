"""Shared by every package: errors, files, locks, progress, the registry, devices, settings, the version."""

__version__ = "0.1.0"
