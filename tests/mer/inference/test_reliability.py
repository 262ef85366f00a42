"""When a label is given: where the film shows the neutral face, and within the bundle's validated ranges."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mer import bundle
from mer.inference import onset_apex, reliability, spotting
from mer.inference.no_label import NoLabel
from mer.inference.onset_apex import Moment
from tests.mer.inference.tracks import bump, move, plateau, resting_track, with_neutral

SMILE = {"negative": 0.03, "positive": 0.95, "surprise": 0.01, "other": 0.01}
FROWN = {"negative": 0.95, "positive": 0.03, "surprise": 0.01, "other": 0.01}
SPEECH = {"negative": 0.03, "positive": 0.03, "surprise": 0.01, "other": 0.93}


def chosen(track):
    track = with_neutral(track)
    return track, onset_apex.choose_moment(track, spotting.find_intervals(track), "clip")


def conditions(**changes):
    usual = reliability.Conditions(
        motion=1.5,
        head_motion=0.5,
        fps=100.0,
        eyes_px=90.0,
        duration_s=0.4,
        turn=5.0,
        bits_per_pixel=math.nan,
        plausibility=1.0,
    )
    return replace(usual, **changes)


def label_of(moment=Moment(0, 5), probabilities=SMILE, opposite=SPEECH, **changes):
    recipe = bundle.load().recipe
    return reliability.find_label(moment, conditions(**changes), probabilities, opposite, recipe)[0]


def ramp(track, start, end):
    return np.clip((track.time - start) / (end - start), 0, 1)


def test_a_film_that_begins_at_its_apex_gets_no_label():
    track = resting_track(1.2)
    move(track, 1 - ramp(track, 0.1, 0.4), 2.0)
    _, moment = chosen(track)
    assert moment.reason.code == "neutral-not-seen" and label_of(moment) is None


def test_the_neutral_frame_that_a_user_names_stands_in_for_the_onset():
    track = resting_track(1.2)
    move(track, 1 - ramp(track, 0.1, 0.4), 2.0)
    track = replace(with_neutral(track), neutral_frame=50, is_neutral_given=True)
    moment = onset_apex.choose_moment(track, spotting.find_intervals(track), "clip")
    assert moment.reason is None and not moment.is_one_way
    assert track.number[moment.onset] == 50 and moment.apex < 20


def test_what_a_codec_adds_to_a_face_at_rest_does_not_put_the_onset_earlier():
    track = resting_track(1.4, fps=30)
    move(track, bump(track, 0.4, 0.8), 2.0)  # begins at row 12
    move(track, track.number > 10, 0.6, ("inner_brow_right", "inner_brow_left"))
    track = replace(track, neutral=np.zeros_like(track.neutral))
    moment = onset_apex.choose_moment(track, spotting.find_intervals(track), "clip")
    assert 11 <= moment.onset <= 13


@pytest.mark.parametrize("rest_s, is_one_way", [(0.4, True), (1.3, False)])
def test_a_motion_that_does_not_return_is_one_way_unless_the_rest_before_it_is_long(rest_s, is_one_way):
    track = resting_track(rest_s + 0.5)
    move(track, ramp(track, rest_s, rest_s + 0.2), 2.0)
    _, moment = chosen(track)
    assert moment.reason is None and moment.is_one_way == is_one_way


def test_an_expression_that_returns_is_read_forwards():
    track = resting_track(1.2)
    move(track, bump(track, 0.3, 0.7), 2.0)
    _, moment = chosen(track)
    assert moment.reason is None and not moment.is_one_way and moment.onset < moment.apex


def test_a_one_way_motion_gets_a_label_only_where_the_opposite_resembles_none():
    one_way = Moment(0, 5, is_one_way=True)
    assert label_of(one_way, opposite=SPEECH) == "positive"
    assert label_of(one_way, opposite=FROWN) is None
    assert label_of(Moment(0, 5), opposite=FROWN) == "positive"


@pytest.mark.parametrize(
    "changes",
    [
        {"motion": 2.8},
        {"motion": 0.1},
        {"duration_s": 1.5},
        {"fps": 15.0},
        {"eyes_px": 30.0},
        {"head_motion": 6.0},
        {"plausibility": 0.1},
    ],
    ids=lambda changes: "".join(changes),
)
def test_outside_the_range_of_the_bundle_that_ships_there_is_no_label(changes):
    assert label_of() == "positive"
    assert label_of(**changes) is None


def test_an_implausible_face_is_the_reason_even_where_nothing_is_found():
    nothing = Moment(0, 5, reason=NoLabel("no-expression", "nothing"))
    for plausibility, code in ((0.1, "implausible-face"), (1.0, "no-expression")):
        obstacle = reliability.find_obstacle(
            nothing, conditions(plausibility=plausibility), bundle.load().recipe
        )
        assert obstacle.code == code


def test_a_face_that_is_implausible_in_most_frames_gets_no_label_in_the_others():
    track = with_neutral(resting_track())
    track = replace(track, plausibility=np.where(track.time < 1, 1.0, 0.0))
    found = reliability.measure_conditions(Path("."), track, Moment(0, 5), [], 1.0)
    assert reliability.find_obstacle(Moment(0, 5), found, bundle.load().recipe).code == "implausible-face"


def test_frames_of_the_users_choice_lie_in_the_laugh_around_them():
    track = resting_track()
    move(track, plateau(track, 8.0, 11.0), 10.0)
    track = with_neutral(track)
    moment = onset_apex.moment_between(track, 398, 402, "clip")
    found = reliability.measure_conditions(Path("."), track, moment, spotting.find_intervals(track), 1.0)
    assert found.duration_s == pytest.approx(3.0, abs=0.3)
    assert label_of(moment, duration_s=found.duration_s) is None


def test_the_score_beside_a_label_is_of_the_weights_that_ship():
    from flow.estimate import file_digest

    evidence = bundle.load().recipe.evidence
    weights = bundle.default_path() / bundle.WEIGHTS_FILE
    assert file_digest(weights).startswith(evidence.weights)
    card = (bundle.default_path() / bundle.CARD_FILE).read_text()
    assert f"{evidence.uf1:.3f}" in card and f"| {evidence.n_clips} |" in card
    assert f"{evidence.uf1:.2f}" in str(evidence) and evidence.weights in str(evidence)


@pytest.mark.parametrize("jump, inside", [(10, False), (35, True), (45, True), (46, False)])
def test_a_jump_of_the_picture_from_rest_to_the_apex_gets_no_label(jump, inside):
    track = replace(with_neutral(resting_track(2.0)), jumps=(jump,))
    moment = Moment(int(track.row(40)), int(track.row(45)))
    measured = reliability.measure_conditions(Path(__file__).parent, track, moment, [], 1.5)
    reason = reliability.find_obstacle(moment, conditions(jump=measured.jump), bundle.load().recipe)
    assert (reason is not None) == inside and (
        not inside or reason.code == "damaged-picture" and f"frame {jump}" in reason.text
    )


def test_an_expression_as_weak_as_a_face_at_rest_is_noted_in_a_short_clip():
    faint = spotting.Interval("micro", 5, 10, 15, 0.1, 0.2, 0.3, strength=0.5)
    short, long = resting_track(0.6), resting_track(2.0)

    def n_more(track, interval):
        return len(reliability.list_notes(track, [interval])) - len(reliability.list_notes(track, []))

    assert n_more(short, faint) == 1 and n_more(long, faint) == 0
    assert n_more(short, replace(faint, strength=1.5)) == n_more(short, replace(faint, kind="blink")) == 0
