"""The portraits and expressions in held_out.csv, which no training uses.

The benchmark of scanned motion measures on these people and expressions only; training, and any shipped
basis, uses the others.
"""

import csv
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

from mer_core.errors import BadSetting

Split = Literal["train", "held_out"]


@cache
def held_out_names(kind: Literal["portrait", "expression"]) -> frozenset[str]:
    """Return the file names of portraits, or the names of expressions, that no training may use."""
    text = files("flow.splatting").joinpath("held_out.csv").read_text(encoding="utf-8")
    return frozenset(row["name"] for row in csv.DictReader(text.splitlines()) if row["kind"] == kind)


def in_split(kind: Literal["portrait", "expression"], names: Iterable[str], split: Split) -> list[str]:
    """Return those of `names` that belong to `split`, in order."""
    if split not in get_args(Split):
        raise BadSetting(f"A split is one of {', '.join(get_args(Split))}, not {split!r}.")
    excluded = held_out_names(kind)
    return [name for name in names if (name in excluded) == (split == "held_out")]
