"""One file per dataset: its name is the name typed on the command line."""
