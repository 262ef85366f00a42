"""Why a clip gets no label."""

from typing import NamedTuple


class NoLabel(NamedTuple):
    """A code for programs, which stays as it is, and a sentence for people."""

    code: str  # docs/data-dictionary.md lists them
    text: str
