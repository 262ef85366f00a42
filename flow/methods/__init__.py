"""One file per flow method; the file name is the method's name on the command line."""
