"""Corrections of published annotations: `corrections/NAME.csv`, one row per value, each with its reason and
source.

A correction names its clip and both values, never a row number, which a re-saved spreadsheet shifts.
"""

from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parent / "corrections"
COLUMNS = ("clip_id", "column", "published", "corrected", "reason", "source")


def read(dataset: str) -> pd.DataFrame:
    """The corrections listed for a dataset, all as text; an empty table if there are none."""
    path = FOLDER / f"{dataset}.csv"
    if not path.is_file():
        return pd.DataFrame(columns=list(COLUMNS), dtype=str)
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def apply(table: pd.DataFrame, dataset: str) -> tuple[pd.DataFrame, list[dict]]:
    """Correct the clip table where it still holds the published value (empty stands for no value).

    Returns the table and the corrections that were applied, in the order of the file. A corrected apex says
    so in `apex_source`, a corrected onset in `onset_source`, and every corrected row in `note`.
    """
    table, applied = table.copy(), []
    for correction in read(dataset).itertuples(index=False):
        printed = table[correction.column].astype("string").fillna("")
        row = (table["clip_id"] == correction.clip_id) & (printed == correction.published)
        if not row.any():
            continue
        numeric = table[correction.column].dtype == "Int64"
        table.loc[row, correction.column] = int(correction.corrected) if numeric else correction.corrected
        if correction.column == "apex":
            table.loc[row, "apex_source"] = "corrected"
        if correction.column == "onset":
            table.loc[row, "onset_source"] = "corrected"
        change = f"from {correction.published or 'none'} to {correction.corrected}"
        note = f"{correction.column} corrected {change}: {correction.reason}"
        before = table.loc[row, "note"]
        table.loc[row, "note"] = [f"{one}; {note}" if one else note for one in before]
        applied.append(correction._asdict())
    return table, applied
