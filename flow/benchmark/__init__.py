"""The flow benchmark: pairs of face frames with known motion, the measurements and their tables."""
