"""Sources of training pairs, one file each; `mixture.py` combines them."""
