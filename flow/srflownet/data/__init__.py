"""Readers and makers of flow training sets: two frames, their true motion, and what of it is known."""
