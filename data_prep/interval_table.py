"""The interval table of a dataset of long videos: every annotated expression, as ground truth for spotting.

The clip table of such a dataset lists its micro-expressions only. A dataset has intervals if its reader
defines `read_intervals`.
"""

from pathlib import Path

import pandas as pd

from mer_core import registry
from mer_core.errors import BadSetting

# column -> (pandas type, what it means)
COLUMNS: dict[str, tuple[str, str]] = {
    "dataset": ("string", "as in the clip table"),
    "subject": ("string", "as in the clip table"),
    "video": ("string", "the long video; `video_files` of the dataset finds its frames by this name"),
    "kind": ("string", "micro or macro, as the dataset classes the expression"),
    "onset": ("Int64", "frame number of the onset, as the dataset prints it"),
    "apex": ("Int64", "frame number of the apex; empty where none is given"),
    "offset": ("Int64", "frame number of the offset; empty where none is given"),
    "fps": ("Float64", "frames per second of the recording"),
    "emotion": ("string", "the dataset's own word, lower case; empty where it gives none"),
    "action_units": ("string", "FACS action units, as the dataset prints them"),
}
KINDS = ("micro", "macro")


def interval_table(rows: list[dict]) -> pd.DataFrame:
    """Build an interval table from dicts with some or all of `COLUMNS`.

    An apex or offset that is not positive or lies before the onset becomes empty.
    """
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(
        {name: kind for name, (kind, _) in COLUMNS.items()}
    )
    for name in ("apex", "offset"):
        table.loc[((table[name] <= 0) | (table[name] < table["onset"])).fillna(False), name] = pd.NA
    texts = [name for name, (kind, _) in COLUMNS.items() if kind == "string"]
    table[texts] = table[texts].fillna("")
    return table


def read_intervals(name: str, root: str | Path) -> pd.DataFrame:
    """Read the interval table of the dataset `name` in `root`.

    Raises `BadInput` for a dataset without long videos.
    """
    dataset = registry.load("data_prep.datasets", name)
    if not hasattr(dataset, "read_intervals"):
        raise BadSetting(
            f"{name} has no long videos, so there are no intervals to spot. Try casme_squared or samm_lv."
        )
    return dataset.read_intervals(Path(root))


def interval_remarks(table: pd.DataFrame) -> list[str]:
    """Return a line about intervals without both ends, which no spotted interval can match; empty without."""
    open_ended = table[table["onset"].isna() | table["offset"].isna()]
    if open_ended.empty:
        return []
    first = open_ended.iloc[0]
    return [
        f"{len(open_ended)} of {len(table)} intervals lack an onset or offset: it is empty, unreadable or "
        f"before the onset. First: a {first['kind']}-expression in {first['video']}."
    ]


def expression_kind(cell: str) -> str:
    """Return the kind in a cell such as "Micro - 1/2" or "macro-expression"; empty for anything else."""
    return next((kind for kind in KINDS if cell.lower().startswith(kind)), "")
