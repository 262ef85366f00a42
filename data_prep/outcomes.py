"""Outcomes of preparing a clip, the column `outcome` of outcome.csv."""

from typing import Literal, get_args

Outcome = Literal[
    "ok",
    "missing frame",
    "unreadable frame",
    "implausible face",
    "no face",
    "no onset",
    "no apex",
    "not spotted",
    "bad row",
    "bad name",
    "duplicate",
]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
