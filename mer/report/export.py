"""Write intervals and tracks as tables: CSV, JSON, Parquet, Excel, ELAN, BIDS, and OpenFace's columns."""

import csv
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mer.inference import action_units
from mer.inference.regions import REGIONS, region_motion
from mer.inference.spotting import Interval
from mer.inference.track import Track
from mer_core.errors import BadSetting
from mer_core.io import atomic_replace, write_json

# Column of a BIDS events file -> what it holds (BIDS specification 1.10, task events).
BIDS_COLUMNS = {
    "onset": ("Start of the interval, from the first frame of the video", "s"),
    "duration": ("Length of the interval", "s"),
    "trial_type": ("Kind of the interval", None),
    "apex": ("Time of the strongest moment, from the first frame", "s"),
    "strength": ("Motion in % of the inter-ocular distance; closure in %; turn of the head in degrees", None),
    "label": ("What an expression resembles; n/a if the bundle gives no label", None),
    "probability": ("Calibrated probability of the label, 0 to 1", None),
}
KIND_LEVELS = {
    "micro": "expression of less than half a second",
    "macro": "longer expression",
    "blink": "both eyes shut for at most 0.6 s",
    "eyes_closed": "both eyes shut for longer",
    "head": "turn, nod or tilt of the head",
}


def interval_table(intervals: list[Interval]) -> pd.DataFrame:
    """Return one row per interval; the columns are the fields of `Interval`."""
    return pd.DataFrame(
        [asdict(interval) for interval in intervals], columns=[*Interval.__dataclass_fields__]
    )


def write_intervals(intervals: list[Interval], out: Path) -> None:
    """Write intervals in the format of the suffix; BIDS's `_events.tsv` gets its JSON file too.

    Raises
    ------
    BadInput
        If the suffix is unknown.
    """
    check_suffix(out)
    with atomic_replace(out) as temporary:
        WRITERS[out.suffix.lower()](intervals, temporary)
    if out.suffix.lower() == ".tsv":
        write_json(out.with_suffix(".json"), _bids_sidecar())


def check_suffix(out: Path) -> None:
    """Raise `BadInput` for a suffix that `write_intervals` does not know.

    Called before a long video is tracked.
    """
    if out.suffix.lower() not in WRITERS:
        raise BadSetting(f"{out} must end in {', '.join(WRITERS)}.")


def _write_json(intervals: list[Interval], path: Path) -> None:
    path.write_text(
        json.dumps([interval.to_dict() for interval in intervals], indent=2) + "\n", encoding="utf-8"
    )


def _write_elan(intervals: list[Interval], path: Path) -> None:
    """Write a tier per kind, times in ms; ELAN refuses annotations without a duration."""
    from pympi.Elan import Eaf

    eaf = Eaf(author="mer")
    eaf.remove_tier("default")
    for kind in dict.fromkeys(interval.kind for interval in intervals) or ["micro"]:
        eaf.add_tier(kind)
    for interval in intervals:
        begin, end = round(interval.onset_s * 1000), round(interval.offset_s * 1000)
        eaf.add_annotation(interval.kind, begin, max(end, begin + 1), _describe(interval))
    eaf.to_file(str(path))


def _describe(interval: Interval) -> str:
    unit = {"micro": "%", "macro": "%", "head": "degrees"}.get(interval.kind, "% closed")
    label = f", {interval.label} {interval.probability:.2f}" if interval.label else ""
    return f"apex frame {interval.apex}, {interval.strength:.1f} {unit}{label}"


def _write_bids(intervals: list[Interval], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, delimiter="\t", lineterminator="\n")
        rows.writerow(BIDS_COLUMNS)
        for i in intervals:
            probability = "n/a" if np.isnan(i.probability) else f"{i.probability:.4f}"
            times = (f"{seconds:.4f}" for seconds in (i.onset_s, i.offset_s - i.onset_s))
            rows.writerow(
                [*times, i.kind, f"{i.apex_s:.4f}", f"{i.strength:g}", i.label or "n/a", probability]
            )


def _bids_sidecar() -> dict[str, dict[str, Any]]:
    sidecar: dict[str, dict[str, Any]] = {
        name: {"Description": text} | ({"Units": unit} if unit else {})
        for name, (text, unit) in BIDS_COLUMNS.items()
    }
    sidecar["trial_type"]["Levels"] = KIND_LEVELS
    return sidecar


WRITERS: dict[str, Callable[[list[Interval], Path], None]] = {
    ".csv": lambda intervals, path: interval_table(intervals).to_csv(path, index=False),
    ".json": _write_json,
    ".parquet": lambda intervals, path: interval_table(intervals).to_parquet(path, index=False),
    ".xlsx": lambda intervals, path: interval_table(intervals).to_excel(path, index=False),
    ".eaf": _write_elan,
    ".tsv": _write_bids,
}


def frame_table(track: Track, intervals: list[Interval]) -> pd.DataFrame:
    """Return one row per measured frame: OpenFace's leading columns, then ours.

    docs/data-dictionary.md, "Frames of a clip", describes them.
    """
    pose = np.column_stack([track.position_mm(), np.radians(track.turn[:, [1, 0, 2]])])
    columns: dict[str, np.ndarray | list] = {
        "frame": track.number,
        "face_id": np.full(len(track.number), track.face_id),
        "timestamp": np.round(track.time, 4),
        "confidence": np.round(np.nan_to_num(track.plausibility), 3),
        "success": track.seen.astype(int),
    }
    for name, values in zip(("Tx", "Ty", "Tz", "Rx", "Ry", "Rz"), pose.T):
        columns[f"pose_{name}"] = np.round(values, 4)
    columns |= {"measured": (track.run >= 0).astype(int), "n_faces": track.n_faces}
    for i, side in enumerate(("right", "left")):
        columns[f"lids_{side}"] = np.round(track.lids[:, i], 3)
        columns[f"closed_{side}"] = np.round(1 - track.lids[:, i] / track.open_lids[i], 3)
    for i, name in enumerate(("opening", "corner_height", "width", "tilt")):
        columns[f"mouth_{name}"] = np.round(track.mouth[:, i], 3)
    motion = region_motion(track.displacement)
    for i, region in enumerate(REGIONS):
        name = region.replace(" ", "_")
        columns[f"motion_{name}_x"] = np.round(motion[:, i, 0], 3)
        columns[f"motion_{name}_y"] = np.round(motion[:, i, 1], 3)
    columns["motion"] = np.round(track.activity, 3)
    units, activations = action_units.unit_activations(track.displacement)
    for (unit, side), activation in zip(units, activations.T):
        suffix = "" if side == "both" else f"_{side}"
        columns[f"activation_AU{int(unit):02d}{suffix}"] = np.round(activation, 3)
    columns["interval"] = _kinds_of_frames(track, intervals)
    return pd.DataFrame(columns)


def _kinds_of_frames(track: Track, intervals: list[Interval]) -> list[str]:
    """Return the kinds of the intervals that each frame lies in, joined with +."""
    kinds: list[list[str]] = [[] for _ in track.number]
    for interval in intervals:
        first, last = np.searchsorted(track.number, [interval.onset, interval.offset])
        for row in range(first, last + 1):
            kinds[row].append(interval.kind)
    return ["+".join(row) for row in kinds]


def write_frames(track: Track, intervals: list[Interval], out: Path) -> None:
    """Write `frame_table` as CSV."""
    with atomic_replace(out) as temporary:
        frame_table(track, intervals).to_csv(temporary, index=False)
