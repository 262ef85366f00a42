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


class NotFound(BadInput):
    """A file, folder or intermediate result does not exist where it is expected."""

    code = "not-found"


class UnreadableFile(BadInput):
    """A file or folder is damaged, or not of the kind that is needed."""

    code = "unreadable-file"


class OccupiedOutput(BadInput):
    """The place for the output holds something else."""

    code = "occupied-output"


class BadSetting(BadInput):
    """An option or a setting has an unusable value, or contradicts another one."""

    code = "bad-setting"


class BadArray(BadInput):
    """An array has the wrong shape, type or values."""

    code = "bad-array"


class BadPlugin(BadInput):
    """A Python file or package cannot be used as a plug-in."""

    code = "bad-plugin"


class Duplicate(BadInput):
    """A clip, subject or dataset is listed or given more than once."""

    code = "duplicate"


class TooFewClips(BadInput):
    """There are not enough clips, subjects or datasets for the task."""

    code = "too-few-clips"


class Incompatible(BadInput):
    """Inputs, runs or machines differ in a way that forbids using them together."""

    code = "incompatible"


class MissingDependency(BadInput):
    """An optional package or a system library is not installed; the message names the install command."""

    code = "missing-dependency"


class LimitExceeded(BadInput):
    """A file or a task is too large, or too slow, for the stated limit or for the disk."""

    code = "limit-exceeded"


class InUse(BadInput):
    """Another process is writing to the folder, or another task is using the clip."""

    code = "in-use"


class ChangedSettings(BadInput):
    """A folder holds results of other settings or other data."""

    code = "changed-settings"


class WorkerKilled(MerError):
    """A worker process was killed, perhaps for lack of memory."""

    code = "worker-killed"


class NothingToScore(MerError):
    """The clip is readable but cannot be scored: no face, or fewer than two frames that show it."""

    code = "nothing-to-score"
    exit_code = 3


class UnknownName(BadInput):
    """An unknown name; the message offers the nearest one and lists all known names."""

    code = "unknown-name"
    exit_code = 2
