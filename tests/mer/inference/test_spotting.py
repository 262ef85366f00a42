"""Intervals of made-up tracks, where everything is known to the frame, and of one short film from the file to
the table.
"""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from mer.cli import main
from mer.inference import predict, reliability, spotting
from mer.inference.site_motion import NAMES
from mer.report.coding import iou
from tests.mer.inference.tracks import FPS, bump, move, plateau, resting_track, with_neutral


def spotted(track):
    return spotting.find_intervals(with_neutral(track))


def only(found, kind):
    assert [interval.kind for interval in found] == [kind]
    return found[0]


def overlap(found, onset_s, offset_s):
    return iou((found.onset_s, found.offset_s), (onset_s, offset_s))


def test_a_face_at_rest_has_no_intervals():
    assert spotted(resting_track()) == []


@pytest.mark.parametrize(
    "lasts, far, kind", [(0.3, 1.0, "micro"), (0.45, 0.6, "micro"), (1.5, 5.0, "macro"), (2.5, 5.0, "macro")]
)
def test_an_expression_is_found_where_it_is(lasts, far, kind):
    track = resting_track()
    move(track, bump(track, 8.0, 8.0 + lasts), far)
    found = only(spotted(track), kind)
    assert overlap(found, 8.0, 8.0 + lasts) > 0.55
    assert found.apex_s == pytest.approx(8.0 + lasts / 2, abs=0.1 + lasts / 10)
    assert (found.onset, found.offset) == (round(found.onset_s * FPS), round(found.offset_s * FPS))


@pytest.mark.parametrize(
    "onset, offset",
    [(3.0, 17.0), (-1.0, 8.0), (12.0, 21.0)],
    ids=["held for most of the film", "starts before it", "runs to its end"],
)
def test_a_held_expression_is_one_interval(onset, offset):
    track = resting_track()
    move(track, plateau(track, onset, offset), 12.0, opening=15.0)
    found = only(spotted(track), "macro")
    assert found.onset_s == pytest.approx(max(onset, 0), abs=0.3)
    assert found.offset_s == pytest.approx(min(offset, 20), abs=0.3)


@pytest.mark.parametrize("lasts, far", [(0.3, 1.5), (0.45, 2.5), (1.2, 8.0)])
def test_a_clip_cut_from_onset_to_offset_is_one_interval(lasts, far):
    track = resting_track(lasts)
    move(track, bump(track, 0, lasts), far)
    found = spotted(track)
    assert overlap(max(found, key=lambda interval: interval.strength), 0, lasts) > 0.5


def test_a_drifting_neutral_face_is_followed():
    track = resting_track()
    track.sites[:, :, 1] += 4 * (track.time / track.time[-1])[:, None]
    move(track, bump(track, 12.0, 13.5), 6.0)
    assert only(spotted(track), "macro").apex_s == pytest.approx(12.75, abs=0.2)


def test_a_blink_is_no_expression_and_needs_both_eyes():
    track = resting_track()
    track.lids[:] -= 11 * bump(track, 5.0, 5.25)[:, None]
    move(track, bump(track, 5.0, 5.25), 6.0, sites=[name for name in NAMES if "lid" in name])
    track.lids[:, 0] -= 11 * bump(track, 12.0, 12.25)
    assert only(spotted(track), "blink").apex_s == pytest.approx(5.12, abs=0.05)


@pytest.mark.parametrize("lasts", [1.0, 6.0])
def test_eyes_that_stay_shut_are_one_row_and_no_row_of_blinks(lasts):
    track = resting_track()
    shut = (track.time >= 5.0) & (track.time < 5.0 + lasts)
    trembling = 0.2 * np.sin(2 * np.pi * 3 * track.time[shut]) + 6 * (np.arange(shut.sum()) % 23 < 2)
    track.lids[shut] = (3 + np.abs(trembling))[:, None]
    found = only(spotted(track), "eyes_closed")
    assert found.onset_s == pytest.approx(5.0, abs=0.1)
    assert found.offset_s == pytest.approx(5.0 + lasts, abs=0.1)
    assert "0 blinks, 1 long eye closure, " in spotting.format_intervals([found])


def test_narrowed_eyes_are_not_closed():
    track = resting_track()
    track.lids[:] -= 5 * plateau(track, 5.0, 9.0)[:, None]
    assert spotted(track) == []


def test_eyes_that_shut_near_the_end_and_stay_shut_have_not_blinked():
    track = resting_track(1.2)
    closing = np.clip((track.time - 0.5) / 0.15, 0, 1)
    track.lids[:] = 14 - 12 * closing[:, None] + np.random.default_rng(3).normal(0, 0.7, track.lids.shape)
    assert not [found for found in spotted(track) if found.kind == "blink"]


def test_the_apex_of_a_held_expression_is_where_it_arrives():
    track = resting_track(1.5)
    move(track, np.clip((track.time - 0.6) / 0.2, 0, 1) + 0.08 * np.clip(track.time - 0.8, 0, 1), 8.0)
    found = spotting.strongest_expression(spotted(track))
    assert found.onset_s == pytest.approx(0.6, abs=0.06) and found.apex_s == pytest.approx(0.8, abs=0.06)


def test_blinks_apart_are_two():
    track = resting_track()
    for onset in (5.0, 9.0, 9.5):
        track.lids[:] -= 11 * bump(track, onset, onset + 0.25)[:, None]
    found = spotted(track)
    assert {interval.kind for interval in found} == {"blink"}
    assert [interval.onset_s for interval in found] == pytest.approx([5.0, 9.0, 9.5], abs=0.1)


@pytest.mark.parametrize("degrees, left", [(8, 1.2), (20, 4.0)])
def test_a_move_of_the_head_is_no_expression(degrees, left):
    track = resting_track()
    track.turn[:, 0] += degrees * np.clip((track.time - 6.0) / 0.8, 0, 1)
    move(track, bump(track, 6.1, 6.7), left)  # what the head's motion leaves in the face's
    found = only(spotted(track), "head")
    assert found.onset_s == pytest.approx(6.0, abs=0.2) and found.offset_s == pytest.approx(6.8, abs=0.2)
    assert found.strength == pytest.approx(degrees, rel=0.12)


def test_an_expression_stands_out_from_a_large_turn_of_the_head():
    track = resting_track()
    track.turn[:, 0] += 20 * np.clip((track.time - 6.0) / 0.8, 0, 1)
    move(track, bump(track, 6.1, 6.7), 9.0)
    assert sorted(interval.is_expression for interval in spotted(track)) == [False, True]


def test_no_interval_reaches_over_a_gap():
    track = resting_track()
    move(track, bump(track, 9.8, 10.2), 2.0)
    track.run[track.time >= 10.0] = 1
    for found in spotted(track):
        assert found.offset_s < 10 or found.onset_s >= 10


@pytest.mark.parametrize("jump_s, kinds", [(7.0, ["micro"]), (7.95, []), (8.1, []), (9.0, ["micro"])])
def test_no_interval_reaches_over_a_jump_of_the_picture(jump_s, kinds):
    track = resting_track()
    move(track, bump(track, 8.0, 8.3), 1.0)
    track = replace(track, jumps=(round(jump_s * FPS),))
    assert [found.kind for found in spotted(track)] == kinds
    assert any("jump" in remark for remark in track.remarks())


@pytest.mark.parametrize("plausibility, kinds", [(0.0, []), (1.0, ["micro"])])
def test_an_implausible_face_has_no_expressions_and_it_is_said(plausibility, kinds):
    track = resting_track()
    move(track, bump(track, 8.0, 8.3), 1.0)
    track = replace(track, plausibility=np.full(len(track.time), plausibility))
    assert [found.kind for found in spotted(track)] == kinds
    assert any("upright" in remark for remark in track.remarks()) == (not kinds)


def test_the_largest_motion_is_known_where_nothing_is_found():
    track = resting_track()
    move(track, bump(track, 8.0, 10.0), 0.5)
    track = with_neutral(track)
    assert spotting.find_intervals(track) == []
    onset, apex, strength, limit = spotting.find_largest_motion(track)
    assert 8 < track.time[apex] < 10 and onset < apex and 0.2 < strength < limit


def test_the_command_writes_tables(smile_video, tmp_path, monkeypatch):
    for suffix, read in (
        (".csv", pd.read_csv),
        (".json", lambda path: pd.DataFrame(json.loads(path.read_text()))),
        (".parquet", pd.read_parquet),
        (".xlsx", pd.read_excel),
    ):
        answer = CliRunner().invoke(
            main.cli, ["spot", str(smile_video), "--no-label", "--out", str(tmp_path / f"intervals{suffix}")]
        )
        assert answer.exit_code == 0, answer.output
        rows = read(tmp_path / f"intervals{suffix}")
        assert list(rows.columns) == list(spotting.Interval.__dataclass_fields__)
        assert list(rows["kind"]) == ["micro"] and abs(rows["apex"][0] - 10) <= 1
    monkeypatch.setattr(predict, "track_clip", lambda *_, **__: pytest.fail("the video was tracked first"))
    wrong = CliRunner().invoke(main.cli, ["spot", str(smile_video), "--out", str(tmp_path / "x.xls")])
    assert wrong.exception.code == "bad-setting"


def test_labels_come_with_a_statement_of_what_they_are(smile_video):
    labelled = CliRunner().invoke(main.cli, ["spot", str(smile_video)])
    assert labelled.exit_code == 0, labelled.output
    assert "1 micro-expression" in labelled.output and reliability.SYNTHETIC in labelled.output


def test_the_command_prints_one_json_document(smile_video):
    answer = CliRunner().invoke(main.cli, ["spot", str(smile_video), "--no-label", "--json"])
    printed = json.loads(answer.stdout)
    assert [one["kind"] for one in printed["intervals"]] == ["micro"]
    assert printed["intervals"][0]["probability"] is None and printed["frames"] > 0


def test_an_expression_that_follows_before_the_face_has_come_to_rest_is_its_own():
    track = resting_track()
    move(track, np.interp(track.time, [5.0, 6.0, 7.0, 7.5, 8.7, 9.0], [0, 20, 3.3, 9, 9, 0]), 1.0)
    found = [interval for interval in spotted(track) if interval.is_expression]
    assert len(found) == 2 and found[0].offset_s <= found[1].onset_s
    assert found[1].offset_s == pytest.approx(9.0, abs=0.3)


@pytest.mark.parametrize("far, kinds", [(1.2, []), (10.0, ["macro"])], ids=["drift", "expression"])
def test_what_a_long_film_cuts_off_must_be_strong_and_is_no_micro_expression(far, kinds):
    track = resting_track()
    move(track, 1 - np.clip(track.time / 0.4, 0, 1), far)
    assert [interval.kind for interval in spotted(track)] == kinds


@pytest.mark.parametrize("far, kinds", [(0.0, []), (0.4, ["micro"])], ids=["sway", "expression"])
def test_a_small_motion_in_a_second_of_video_stands_out_from_an_even_sway(far, kinds):
    track = resting_track(1.1)
    track.sites[:, :, 0] += 1.5 * track.time[:, None]  # of the head, as far as it was not fitted
    move(track, bump(track, 0.4, 0.7), far)
    found = spotted(track)
    assert [interval.kind for interval in found] == kinds
    assert all(overlap(interval, 0.4, 0.7) > 0.5 for interval in found)


def test_a_face_that_sways_through_a_cut_clip_shows_no_expression():
    track = resting_track(0.4)
    track.sites[:, :, 0] += 1.2 * (track.time / track.time[-1])[:, None]
    assert spotted(track) == []
