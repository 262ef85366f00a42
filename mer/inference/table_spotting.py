"""Onsets and apexes that a table of own recordings leaves open: spotted in the recording, or a reason why
not.

Spotting stands above `data_prep`, so the command calls it first and hands the completed annotations down to
`prepare`.
"""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pandas as pd

from data_prep.annotation_checks import Finding
from data_prep.annotations import Annotations, read_clips
from data_prep.datasets.table import find_recording
from data_prep.prepare import prepare as prepare_clips
from mer.inference.predict import spot
from mer.inference.spotting import Interval
from mer_core.errors import MerError
from mer_core.progress import say

KIND = "an onset or apex that was not found"


def prepare(
    name: str,
    root: str | Path,
    out: str | Path,
    *,
    size: int = 224,
    jobs: int | None = None,
    apex: str = "midpoint",
    corrections: bool = True,
    skip_missing: bool = False,
    scheduler: str | None = None,
) -> pd.DataFrame:
    """Prepare the dataset `name` in `root` into `out`; of own recordings spot what they lack first.

    Parameters
    ----------
    name : of the dataset; `table` for own recordings.
    root : the dataset as downloaded, or the table of own recordings.
    size : side of the aligned faces, px.
    jobs : processes; all cores by default, and fewer where starting them would take longer than the work.
    apex : what stands in for an apex that a dataset does not annotate, one of `data_prep.apex.METHODS`.
    corrections : apply data_prep/corrections/NAME.csv.
    skip_missing : go on where more clips lack frames than the release itself lacks.
    scheduler : address of a Dask cluster to work on; its machines must see `root` and `out`.

    Returns
    -------
    One row per clip: clip_id, outcome, reason, onset, apex, apex_source, onset_source.

    Raises
    ------
    BadInput : `root` is not the dataset, too many frames are missing, or `out` holds something else.
    """
    annotations = spot_missing(read_clips(name, Path(root)), root) if name == "table" else None
    return prepare_clips(
        name,
        root,
        out,
        size=size,
        jobs=jobs,
        apex=apex,
        corrections=corrections,
        skip_missing=skip_missing,
        scheduler=scheduler,
        annotations=annotations,
    )


def spot_missing(annotations: Annotations, root: str | Path) -> Annotations:
    """Complete the clips of a table whose onset or apex is missing.

    Parameters
    ----------
    annotations : as `data_prep.annotations.read_clips("table", root)` returns them
    root : the table

    Returns
    -------
    The same with onset and apex of the strongest expression in the recording, or between the onset and offset
    that are given; `onset_source` and `apex_source` say which were spotted. A clip in which none was found
    has a finding that says so and refuses it.
    """
    table, findings = annotations.table.copy(), list(annotations.findings)
    refused = {finding.clip_id for finding in findings if finding.outcome}
    intervals = lru_cache(_intervals)  # several clips may lie in one recording
    is_open = (table["onset"].isna() | table["apex"].isna()) & ~table["clip_id"].isin(refused)
    for row in table[is_open].itertuples():
        try:
            found = _strongest(row, intervals(*find_recording(Path(root), row)))
            reason = f"no expression was found {_where(row)}"
        except MerError as error:
            found, reason = None, str(error)
        if found is None:
            findings.append(Finding(KIND, row.clip_id, reason.rstrip("."), "not spotted"))
            continue
        for name in ("onset", "apex"):
            if pd.isna(getattr(row, name)):
                table.loc[row.Index, [name, f"{name}_source"]] = [getattr(found, name), "spotted"]
    n_spotted = int(((table["onset_source"] == "spotted") | (table["apex_source"] == "spotted")).sum())
    if is_open.any():
        say(f"Onset or apex spotted in {n_spotted} of the {int(is_open.sum())} clips that lack one.")
    return replace(annotations, table=table, findings=findings)


def _intervals(path: Path, fps: float | None) -> list[Interval]:
    _, found = spot(path, fps=fps, label=False)
    return [one for one in found if one.is_expression]


def _strongest(row, intervals: list[Interval]) -> Interval | None:
    """The strongest of the intervals that fit what the row gives."""

    def fits(one: Interval) -> bool:
        onset, apex = (
            getattr(one, name) if pd.isna(getattr(row, name)) else getattr(row, name)
            for name in ("onset", "apex")
        )
        if onset >= apex or (pd.notna(row.offset) and apex > row.offset):
            return False
        if pd.notna(row.onset) and pd.notna(row.offset):
            return True
        # One number alone names an expression that it is part of, not any that comes later.
        given = [name for name in ("onset", "apex", "offset") if pd.notna(getattr(row, name))]
        length = one.offset - one.onset
        return all(abs(getattr(row, name) - getattr(one, name)) <= length for name in given)

    return max(filter(fits, intervals), key=lambda one: one.strength, default=None)


def _where(row) -> str:
    given = [(name, getattr(row, name)) for name in ("onset", "apex", "offset")]
    return " and ".join(f"with the {name} {value}" for name, value in given if not pd.isna(value)) or "in it"
