"""Spot the onsets and apexes that a table of own recordings leaves open, or say why none was found.

Spotting stands above `data_prep`, so it completes the annotations before `data_prep.prepare` reads them.
"""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pandas as pd

from data_prep.annotation_checks import Finding
from data_prep.annotations import Annotations
from data_prep.datasets.table import find_recording
from mer.inference.predict import spot
from mer.inference.recorder import ASSUMED_FPS
from mer.inference.spotting import Interval
from mer_core.errors import MerError
from mer_core.progress import say

NOT_FOUND = "an onset or apex that was not found"


def spot_missing(annotations: Annotations, root: str | Path) -> Annotations:
    """Complete the clips of a table whose onset or apex is missing.

    Parameters
    ----------
    annotations : Annotations
        As returned by `data_prep.annotations.read_clips("table", root)`.
    root : path
        The table.

    Returns
    -------
    Annotations
        With onset and apex of the strongest expression that fits the numbers given for the clip;
        `onset_source` and `apex_source` say which were spotted. A clip without such an expression has a
        finding that refuses it.
    """
    table, findings = annotations.table.copy(), list(annotations.findings)
    refused = {finding.clip_id for finding in findings if finding.outcome}
    expressions = lru_cache(_spot_expressions)  # several clips may lie in one recording
    is_open = (table["onset"].isna() | table["apex"].isna()) & ~table["clip_id"].isin(refused)
    for row in table[is_open].itertuples():
        try:
            path, fps = find_recording(Path(root), row)
            found = _strongest_fitting(row, expressions(path, fps))
            reason = f"no expression was found {_describe_given(row)}"
        except MerError as error:
            found, reason = None, str(error)
        if found is None:
            findings.append(Finding(NOT_FOUND, row.clip_id, reason.rstrip("."), "not spotted"))
            continue
        if fps is None:
            assumed = f"it is spotted as if at {ASSUMED_FPS:g} frames per second; give fps"
            findings.append(Finding("no frame rate", row.clip_id, assumed))
        for name in ("onset", "apex"):
            if pd.isna(getattr(row, name)):
                table.loc[row.Index, [name, f"{name}_source"]] = [getattr(found, name), "spotted"]
    n_spotted = int(((table["onset_source"] == "spotted") | (table["apex_source"] == "spotted")).sum())
    if is_open.any():
        say(f"Onset or apex spotted in {n_spotted} of the {int(is_open.sum())} clips that lack one.")
    return replace(annotations, table=table, findings=findings)


def _spot_expressions(path: Path, fps: float | None) -> list[Interval]:
    _, intervals = spot(path, fps=fps, label=False)
    return [interval for interval in intervals if interval.is_expression]


def _strongest_fitting(row, intervals: list[Interval]) -> Interval | None:
    """Return the strongest of the intervals that fit the numbers given in the row; None if none fits."""
    given = [name for name in ("onset", "apex", "offset") if pd.notna(getattr(row, name))]

    def fits(interval: Interval) -> bool:
        onset, apex = (getattr(row if name in given else interval, name) for name in ("onset", "apex"))
        if onset >= apex or ("offset" in given and apex > row.offset):
            return False
        if "onset" in given and "offset" in given:
            return True
        # A single number belongs to an expression around it, not to a later one.
        length = interval.offset - interval.onset
        return all(abs(getattr(row, name) - getattr(interval, name)) <= length for name in given)

    return max(filter(fits, intervals), key=lambda interval: interval.strength, default=None)


def _describe_given(row) -> str:
    given = [(name, getattr(row, name)) for name in ("onset", "apex", "offset")]
    return " and ".join(f"with the {name} {value}" for name, value in given if pd.notna(value)) or "in it"
