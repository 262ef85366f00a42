"""Own recordings: their table, and the clips that it names."""
