"""One file per classifier: features of clips -> class probabilities."""
