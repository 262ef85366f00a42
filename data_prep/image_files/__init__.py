"""Frames stored as images or arrays, and their numbers from file names."""
