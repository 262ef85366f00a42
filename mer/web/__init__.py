"""The local page that scores clips."""
