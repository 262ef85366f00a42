"""The clip table: one row per annotated micro-expression. Columns, types, checks, and the file format.

Every dataset reader returns this table; everything downstream joins on `clip_id`, never on position.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from mer_core.errors import Duplicate, NotFound, UnreadableFile
from mer_core.io import atomic_replace
from mer_core.text import format_count

if TYPE_CHECKING:
    from data_prep.sheets.annotation_sheets import AnnotationSources

SOURCES = {
    "onset_source": ("", "annotated", "corrected", "spotted"),
    "apex_source": ("", "annotated", "corrected", "spotted", "midpoint"),
}

# column -> (pandas type, what it means)
COLUMNS: dict[str, tuple[str, str]] = {
    "clip_id": ("string", "dataset/subject/clip, unique"),
    "dataset": ("string", "name of the dataset, as typed on the command line"),
    "subject": ("string", "the person, as the dataset names its subject folders; unique within a dataset"),
    "clip": ("string", "the clip, as the dataset names it; unique within a subject"),
    "onset": ("Int64", "frame number of the onset, as the dataset prints it"),
    "apex": ("Int64", "frame number of the apex; see apex_source for where it comes from"),
    "offset": ("Int64", "frame number of the offset; empty where the dataset gives none"),
    "fps": ("Float64", "frames per second of the recording"),
    "emotion": ("string", "the dataset's own word for the emotion, lower case"),
    "action_units": ("string", "FACS action units, as the dataset prints them; empty where it gives none"),
    "onset_source": ("string", "annotated, corrected or spotted; empty where there is no onset"),
    "apex_source": ("string", "annotated, corrected, spotted or midpoint; empty where there is no apex"),
    "note": ("string", "what a reader should know about this row; empty for most"),
}


def clip_table(rows: list[dict], sources: "AnnotationSources | None" = None) -> pd.DataFrame:
    """Build a clip table; fills `clip_id`, types and column order.

    Irregular rows, such as a clip listed twice, are allowed here: `annotation_checks.py` repairs them, and
    `check` refuses what remains.

    Parameters
    ----------
    rows : list of dict
        Some or all of `COLUMNS` each.
    sources : AnnotationSources or None
        Annotation files that the rows come from; passed on in `attrs["sources"]`.
    """
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["clip_id"] = table["dataset"] + "/" + table["subject"] + "/" + table["clip"]
    table = table.astype({name: kind for name, (kind, _) in COLUMNS.items()})
    for name, (kind, _) in COLUMNS.items():
        if kind == "string":
            table[name] = table[name].fillna("")
    table.loc[table["onset"].notna() & (table["onset_source"] == ""), "onset_source"] = "annotated"
    table.attrs = {} if sources is None else {"sources": sources}
    return table


def check(table: pd.DataFrame) -> pd.DataFrame:
    """Return `table` if it has all `COLUMNS`, unique clips and known `SOURCES`; else raise `BadInput`."""
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise UnreadableFile(
            f"The clip table lacks columns: {', '.join(missing)}. Make it again with mer prepare."
        )
    repeated = table.loc[table["clip_id"].duplicated(), "clip_id"]
    if len(repeated):
        raise Duplicate(
            f"{format_count(len(repeated), 'clip is', 'clips are')} listed twice. "
            f"First: {repeated.iloc[0]}. Remove one row."
        )
    for name, known in SOURCES.items():
        invalid = table.loc[~table[name].isin(known)]
        if len(invalid):
            first = invalid.iloc[0]
            raise UnreadableFile(f"{first['clip_id']}: {name} is {first[name]!r}, not one of {known[1:]}.")
    return table.reset_index(drop=True)


def write(table: pd.DataFrame, path: str | Path) -> None:
    """Check the clip table and write it as Parquet atomically."""
    with atomic_replace(path) as temporary:
        check(table).to_parquet(temporary, index=False)


def read(path: str | Path) -> pd.DataFrame:
    """Read a clip table written by `write`; raise `BadInput` if it is missing or damaged."""
    path = Path(path)
    if not path.is_file():
        raise NotFound(
            f"There is no clip table at {path}. Make one, or finish it, with: mer prepare NAME --root DIR "
            f"--out {path.parent}"
        )
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError, LookupError, TypeError) as error:  # pyarrow raises all of them
        raise UnreadableFile(
            f"The clip table {path} cannot be read: {error}. "
            f"Make it again with: mer prepare NAME --root DIR --out {path.parent}"
        ) from error
    return check(table)
