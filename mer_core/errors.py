"""What can go wrong for a user, as exceptions. The library raises; the command line prints and exits.

A message has four parts: what is wrong, where, how many more like it, and what to do. Every class has a
`code` that stays the same when the wording changes: programs and tests match it, and `--json` prints it.
"""


class MerError(Exception):
    """Root of every error that a user can fix; its message is printed without a traceback."""

    code = "error"
    exit_code = 1


class BadInput(MerError):
    """A file, folder, table or setting cannot be used as it is."""

    code = "bad-input"


class MissingDependency(BadInput):
    """An optional package or a system library is not installed; the message names the install command."""

    code = "missing-dependency"


class InUse(BadInput):
    """Another process is writing to the same folder."""

    code = "in-use"


class ChangedSettings(BadInput):
    """A folder holds finished work of other settings or other data."""

    code = "changed-settings"


class NothingToScore(MerError):
    """The clip was read but shows nothing that can be scored: no face, no motion, one frame."""

    code = "nothing-to-score"
    exit_code = 3


class UnknownName(BadInput):
    """A name that is not listed; the message offers the nearest one and lists all of them."""

    code = "unknown-name"
    exit_code = 2
