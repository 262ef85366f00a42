"""Who and what is kept away from all training: portraits by file name and expressions by name, listed in
held_out.csv.

The benchmark of scanned motion measures on these people and expressions only. Training, and any basis that
ships, may use only the others.
"""

import csv
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

from mer_core.errors import BadInput

Split = Literal["train", "held_out"]


@cache
def held_out_names(kind: Literal["portrait", "expression"]) -> frozenset[str]:
    """Names of the portraits' files or of the expressions that no training may use."""
    text = files("flow.splatting").joinpath("held_out.csv").read_text(encoding="utf-8")
    return frozenset(row["name"] for row in csv.DictReader(text.splitlines()) if row["kind"] == kind)


def in_split(kind: Literal["portrait", "expression"], names: Iterable[str], split: Split) -> list[str]:
    """Those of `names` that belong to `split`, in their order."""
    if split not in get_args(Split):
        raise BadInput(f"A split is one of {', '.join(get_args(Split))}, not {split!r}.")
    kept_back = held_out_names(kind)
    return [name for name in names if (name in kept_back) == (split == "held_out")]
