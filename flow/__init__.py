"""Optical flow between two aligned faces: methods, benchmark, strain, pictures and training data."""
