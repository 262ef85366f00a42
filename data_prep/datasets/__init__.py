"""One file per dataset; the file name is the dataset's name on the command line."""
