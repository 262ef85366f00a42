"""Video files: their streams, frames, times and damage."""
