"""Intervals of made-up courses, where everything is known to the frame, and of one short film from the file to the table."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from benchmarks import spotting as spot_benchmark
from benchmarks.spotting_films import Event
from mer.cli import main
from mer.inference import reliability, spotting
from mer.inference.track import NAMES, Course

FPS, SECONDS = 50, 20.0


def course(run=0) -> Course:
    """A face at rest, with the noise that `watch` has on a good camera."""
    count, rng = int(FPS * SECONDS), np.random.default_rng(0)
    return Course(
        number=np.arange(count),
        time=np.arange(count) / FPS,
        run=np.full(count, run),
        sites=rng.normal(0, 0.03, (count, len(NAMES), 2)).astype(np.float32),
        head=rng.normal(0, 0.02, (count, 6)).astype(np.float32),
        hidden=np.zeros((count, len(NAMES)), bool),
        lids=np.full((count, 2), 0.3, np.float32) + rng.normal(0, 0.004, (count, 2)).astype(np.float32),
        eyes_px=np.full(count, 80.0),
        box=np.tile([10.0, 10, 90, 90], (count, 1)),
        frames=count,
        faces=1,
        shape=(100, 100),
    )


def bump(seen: Course, onset: float, offset: float) -> np.ndarray:
    """(n,) 0..1, up and down between two times."""
    inside = np.clip((seen.time - onset) / (offset - onset), 0, 1)
    return ((1 - np.cos(2 * np.pi * inside)) / 2).astype(np.float32)


def move(
    seen: Course,
    onset: float,
    offset: float,
    far: float,
    sites=("lip_corner_right", "lip_corner_left", "cheek_left", "cheek_right"),
) -> None:
    for site in sites:
        seen.sites[:, NAMES.index(site), 1] -= far * bump(seen, onset, offset)


def only(found, kind):
    assert [interval.kind for interval in found] == [kind]
    return found[0]


def test_a_face_at_rest_has_no_intervals():
    assert spotting.intervals(course()) == []


@pytest.mark.parametrize(
    "lasts, far, kind", [(0.3, 1.0, "micro"), (0.45, 0.6, "micro"), (1.5, 5.0, "macro"), (2.5, 5.0, "macro")]
)
def test_an_expression_is_found_where_it_is(lasts, far, kind):
    seen = course()
    move(seen, 8.0, 8.0 + lasts, far)
    found = only(spotting.intervals(seen), kind)
    assert spot_benchmark.iou(found_times(found), Event(kind, 8.0, 8.0 + lasts / 2, 8.0 + lasts)) > 0.6
    assert found.apex_s == pytest.approx(8.0 + lasts / 2, abs=0.1 + lasts / 10)
    assert (found.onset, found.offset) == (round(found.onset_s * FPS), round(found.offset_s * FPS))


def test_a_blink_is_no_expression():
    seen = course()
    seen.lids[:] -= 0.2 * bump(seen, 5.0, 5.25)[:, None]
    move(seen, 5.0, 5.25, 6.0, sites=[name for name in NAMES if "lid" in name])
    assert only(spotting.intervals(seen), "blink").apex_s == pytest.approx(5.12, abs=0.05)


@pytest.mark.parametrize("lasts", [1.0, 6.0])
def test_eyes_that_stay_shut_are_one_row_and_no_row_of_blinks(lasts):
    seen = course()
    shut = (seen.time >= 5.0) & (seen.time < 5.0 + lasts)
    trembling = 0.004 * np.sin(2 * np.pi * 3 * seen.time[shut]) + 0.03 * (np.arange(shut.sum()) % 23 < 2)
    seen.lids[shut] = (0.06 + np.abs(trembling))[:, None]
    found = only(spotting.intervals(seen), "closed")
    assert found.onset_s == pytest.approx(5.0, abs=0.1) and found.offset_s == pytest.approx(
        5.0 + lasts, abs=0.1
    )
    assert "1 times of closed eyes" in spotting.to_text([found])


def test_blinks_that_touch_are_one_and_blinks_apart_are_two():
    seen = course()
    for onset in (5.0, 5.26, 9.0, 9.5):
        seen.lids[:] -= 0.2 * bump(seen, onset, onset + 0.25)[:, None]
    found = spotting.intervals(seen)
    assert {interval.kind for interval in found} == {"blink"}
    assert [interval.onset_s for interval in found] == pytest.approx([5.0, 9.0, 9.5], abs=0.1)


def test_a_move_of_the_head_is_no_expression():
    seen = course()
    turn = np.clip((seen.time - 6.0) / 0.8, 0, 1)
    seen.head[:, 2] += 8 * turn.astype(np.float32)
    move(seen, 6.1, 6.7, 1.2)  # what the head's motion leaves in the face's
    found = only(spotting.intervals(seen), "head")
    assert found.onset_s == pytest.approx(6.0, abs=0.2) and found.offset_s == pytest.approx(6.8, abs=0.2)


def test_no_interval_reaches_over_a_gap():
    seen = course()
    move(seen, 9.8, 10.2, 2.0)
    seen.run[seen.time >= 10.0] = 1
    for found in spotting.intervals(seen):
        assert found.offset_s < 10 or found.onset_s >= 10


def found_times(interval: spotting.Interval) -> Event:
    return Event(interval.kind, interval.onset_s, interval.apex_s, interval.offset_s)


def test_matching_follows_the_rules_of_the_challenges():
    known = [Event("micro", 1.0, 1.2, 1.4), Event("micro", 3.0, 3.2, 3.4)]
    found = [Event("micro", 1.1, 1.2, 1.4), Event("micro", 0.9, 1.2, 1.5), Event("micro", 3.3, 3.4, 3.7)]
    assert spot_benchmark.matches(known, found) == [(0, 0)]  # each known one once, and 1/7 is too little
    assert spot_benchmark.f1([1, 2, 3]) == pytest.approx(0.4)


def test_the_command_writes_a_table(smile_video, tmp_path, monkeypatch):
    for suffix, read in (
        (".csv", pd.read_csv),
        (".json", lambda path: pd.DataFrame(json.loads(path.read_text()))),
        (".parquet", pd.read_parquet),
    ):
        answer = CliRunner().invoke(
            main.cli, ["spot", str(smile_video), "--no-label", "--out", str(tmp_path / f"intervals{suffix}")]
        )
        assert answer.exit_code == 0, answer.output
        rows = read(tmp_path / f"intervals{suffix}")
        assert list(rows.columns) == list(spotting.Interval.__dataclass_fields__)
        assert list(rows["kind"]) == ["micro"] and abs(rows["apex"][0] - 10) <= 1
    labelled = CliRunner().invoke(main.cli, ["spot", str(smile_video)])
    assert "positive" in labelled.output and "1 micro-expressions" in labelled.output
    assert (
        reliability.SYNTHETIC in labelled.output and reliability.SYNTHETIC not in answer.output
    )  # where there are labels
    monkeypatch.setattr(spotting, "watch", lambda *_, **__: pytest.fail("the video was watched first"))
    wrong = CliRunner().invoke(
        main.cli, ["spot", str(smile_video), "--no-label", "--out", str(tmp_path / "x.xls")]
    )
    assert "must end in" in str(wrong.exception)
