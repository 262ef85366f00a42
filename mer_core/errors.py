"""What can go wrong for a user, as exceptions. The library raises, the command line prints and exits.

A message has four parts: what is wrong, where, how many more like it, and what to do.
"""


class MerError(Exception):
    """Root of every error that is the user's to mend; its message is printed without a traceback."""

    exit_code = 1


class BadInput(MerError):
    """A file, folder, table or setting cannot be used as it is."""


class NothingToScore(MerError):
    """The clip was read, but shows nothing that can be scored: no face, no motion, one frame."""

    exit_code = 3


class UnknownName(BadInput):
    """A name that is not listed; the message offers the nearest one and lists all of them."""

    exit_code = 2
