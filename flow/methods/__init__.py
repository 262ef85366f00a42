"""One file per flow method: its name is the name typed on the command line."""
