"""What a table leaves open is spotted, between what it gives; a clip in which nothing is found says so."""

import pandas as pd
import pytest

from data_prep.annotations import read_clips
from data_prep.prepare import prepare
from mer.inference import table_spotting
from mer.inference.spotting import Interval
from mer.inference.table_spotting import spot_missing
from mer_core.errors import NothingToScore


def interval(kind, onset, apex, offset, strength):
    return Interval(kind, onset, apex, offset, onset / 50, apex / 50, offset / 50, strength)


FOUND = {
    "a.mp4": [
        interval("micro", 5, 9, 12, 3.0), interval("macro", 20, 26, 40, 2.0),
        interval("macro", 500, 520, 540, 9.0), interval("blink", 1, 2, 3, 90.0),
    ],
    "b.mp4": [interval("head", 1, 5, 9, 50.0)],
}  # fmt: skip


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Annotations of a table whose recordings are watched by nobody; c.mp4 shows no face."""
    watched = []

    def spot(path, *, fps, label):
        watched.append(path.name)
        if path.name not in FOUND:
            raise NothingToScore(f"{path.name}: no face was found.")
        return None, FOUND[path.name]

    monkeypatch.setattr(table_spotting, "spot", spot)
    monkeypatch.setattr(
        table_spotting, "find_recording", lambda root, row: (tmp_path / f"{row.clip[0]}.mp4", 50.0)
    )

    def read(*rows: dict):
        plain = {"file": "frames/a", "subject": "anna", "label": "joy", "fps": 50}
        for i in range(3):
            (tmp_path / "frames" / "abc"[i]).mkdir(parents=True, exist_ok=True)
            for number in (1, 600):
                (tmp_path / "frames" / "abc"[i] / f"{number:04d}.png").write_bytes(bytes([i]))
        pd.DataFrame([plain | row for row in rows]).to_csv(tmp_path / "mine.csv", index=False)
        path = tmp_path / "mine.csv"
        return spot_missing(read_clips("table", path), path), watched

    return read


def test_the_strongest_expression_that_fits_what_is_given(read):
    rows = [
        {"clip": "a1"}, {"clip": "a2", "onset": 15}, {"clip": "a3", "onset": 2, "offset": 15},
        {"clip": "a4", "apex": 8}, {"clip": "a5", "onset": 1, "apex": 2},
        {"clip": "a6", "onset": 4, "offset": 30},
    ]  # fmt: skip
    annotations, watched = read(*rows)
    table = annotations.table
    assert table[["onset", "apex"]].values.tolist() == [[500, 520], [15, 26], [2, 9], [5, 8], [1, 2], [4, 9]]
    assert list(table["onset_source"]) == [
        "spotted",
        "annotated",
        "annotated",
        "spotted",
        "annotated",
        "annotated",
    ]
    assert list(table["apex_source"]) == [
        "spotted",
        "spotted",
        "spotted",
        "annotated",
        "annotated",
        "spotted",
    ]
    assert watched == ["a.mp4"] and not any(finding.outcome for finding in annotations.findings)


def test_a_clip_in_which_nothing_is_found_is_a_row_with_that_reason(read, tmp_path):
    rows = [
        {"clip": "b1", "file": "frames/b", "onset": 1, "offset": 9}, {"clip": "c1", "file": "frames/c"},
        {"clip": "a1", "onset": 30},
    ]  # fmt: skip
    annotations, _ = read(*rows)
    refused = {one.clip_id: (one.outcome, one.detail) for one in annotations.findings if one.outcome}
    assert refused == {
        "table/anna/b1": ("not spotted", "no expression was found with the onset 1 and with the offset 9"),
        "table/anna/c1": ("not spotted", "c.mp4: no face was found"),
        "table/anna/a1": ("not spotted", "no expression was found with the onset 30"),
    }
    outcome = prepare("table", tmp_path / "mine.csv", tmp_path / "out", annotations=annotations)
    assert list(outcome["outcome"]) == ["not spotted"] * 3 and outcome["apex"].isna().all()
