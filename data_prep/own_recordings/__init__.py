"""Recordings of one's own: their table, and the clips that it names."""
