"""Corrections of published annotations: `corrections/NAME.csv`, one row per value with reason and source.

A correction names its clip and both values, not a row number, which changes with the spreadsheet.
"""

from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parent / "corrections"
COLUMNS = ("clip_id", "column", "published", "corrected", "reason", "source")


def read(dataset: str) -> pd.DataFrame:
    """Read the corrections listed for a dataset, all cells as text; an empty table if there are none."""
    path = FOLDER / f"{dataset}.csv"
    if not path.is_file():
        return pd.DataFrame(columns=list(COLUMNS), dtype=str)
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def apply(table: pd.DataFrame, dataset: str) -> tuple[pd.DataFrame, list[dict]]:
    """Correct the clip table where it still holds the published value.

    Parameters
    ----------
    table : pandas.DataFrame
        Clip table; not changed.
    dataset : str
        Name of the dataset, whose corrections are applied.

    Returns
    -------
    table : pandas.DataFrame
        Corrected rows say so in `note`, and in `apex_source` or `onset_source`.
    applied : list of dict
        Rows of the corrections file that matched a clip and its published value (empty for no value).
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
        table.loc[row, "note"] = [f"{text}; {note}" if text else note for text in table.loc[row, "note"]]
        applied.append(correction._asdict())
    return table, applied
