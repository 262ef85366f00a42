"""Exceptions for errors that a user can fix. The library raises them; the command line prints them and exits.

A message has four parts: what is wrong, where, how many more like it, and what to do. Each class has a
stable `code` that programs and tests can match, whatever the wording; `--json` prints it.
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
    """A folder holds results of other settings or other data."""

    code = "changed-settings"


class NothingToScore(MerError):
    """The clip is readable but cannot be scored: no face, no motion, or a single frame."""

    code = "nothing-to-score"
    exit_code = 3


class UnknownName(BadInput):
    """An unknown name; the message offers the nearest one and lists all known names."""

    code = "unknown-name"
    exit_code = 2
