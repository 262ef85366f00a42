"""The frame that an apex is compared with shows the same face at rest: not a hand in front of it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mer import bundle
from mer.cli import main
from mer.inference import onset_apex, reliability, spotting
from mer.inference.appearance import MAX_CHANGED, N_POINTS, POINTS, changed_fraction, read_appearance
from mer.inference.recorder import track_clip
from tests.mer.inference.covers import draw_hand
from tests.mer.inference.tracks import bump, move, plateau, resting_track, with_neutral
from tests.mer.inference.video_files import APEX, ONSET, REST, write_video

# Frames per second; times that the rest is repeated; frames until a hand is away.
FPS, N_RESTS, PASSING = 30, 5, 10
LONG_REST_ONSET, LONG_REST_APEX = N_RESTS * REST + ONSET, N_RESTS * REST + APEX
FACE_PX = 64


def made_up_face(seed: int = 0) -> np.ndarray:
    """Grey levels of a face that is not plain anywhere."""
    return np.kron(np.random.default_rng(seed).uniform(60, 200, (16, 16)), np.ones((4, 4)))


def landmarks() -> np.ndarray:
    return np.random.default_rng(1).uniform(0, FACE_PX - 1, (478, 2))


def test_a_face_looks_the_same_in_other_light_and_moved_by_a_pixel():
    seen = read_appearance(made_up_face(), landmarks())
    brighter, moved = made_up_face() + 30, np.roll(made_up_face(), 1, axis=1)
    others = np.stack([read_appearance(face, landmarks()) for face in (brighter, moved)])
    assert changed_fraction(seen, others)[0] == 0 and changed_fraction(seen, others)[1] < 0.05


@pytest.mark.parametrize("light", [1.0, 0.3])
@pytest.mark.parametrize("fraction", [0.25, 0.5])
def test_a_plain_cover_changes_the_points_that_it_hides(fraction, light):
    face, covered = light * made_up_face(), light * made_up_face()
    covered[:, : int(FACE_PX * fraction)] = light * 130
    found = changed_fraction(read_appearance(face, landmarks()), read_appearance(covered, landmarks())[None])
    hidden = (landmarks()[POINTS, 0] < FACE_PX * fraction).mean()
    assert 0.7 * hidden < found[0] < hidden + 0.05


def smiling_track(start: float = 5.0):
    track = resting_track(10.0)
    move(track, bump(track, start, start + 0.4), 2.0)
    return with_neutral(track)


def cover(track, start: float, end: float, fraction: float = 0.4):
    """Cover a fraction of the face between two times, s."""
    rows = (track.time >= start) & (track.time < end)
    track.appearance[np.ix_(rows, range(3), range(int(fraction * N_POINTS)))] = 90
    return track


def moment_of(track):
    return onset_apex.choose_moment(track, spotting.find_intervals(track), "clip")


def obstacle(track, moment):
    seen = reliability.measure_conditions(Path("clip"), track, moment, [], 1.5)
    return reliability.find_obstacle(moment, seen, bundle.read_recipe(bundle.default_path()))


def test_a_cover_shortly_before_the_onset_puts_the_rest_before_it():
    moment = moment_of(cover(smiling_track(), 4.5, 5.1))
    assert 4.3 < resting_track(10.0).time[moment.onset] < 4.5 and moment.reason is None


def test_a_cover_that_is_too_small_to_matter_changes_nothing():
    small = moment_of(cover(smiling_track(), 4.5, 5.1, fraction=MAX_CHANGED / 2))
    assert small[:2] == moment_of(smiling_track())[:2]


def test_implausible_landmarks_are_no_rest_either():
    track = smiling_track()
    track.plausibility[(track.time > 4.5) & (track.time < 5.1)] = 0.2
    moment = moment_of(track)
    assert 4.3 < track.time[moment.onset] <= 4.5 and moment.reason is None


def test_a_face_that_is_covered_until_the_expression_is_compared_with_the_rest_after_it():
    track = cover(smiling_track(), 0.0, 5.1)
    moment = moment_of(track)
    assert moment.reason.code == "neutral-not-seen" and moment.onset > moment.apex
    assert track.at_rest[moment.onset] > 0.5 and obstacle(track, moment) == moment.reason


def test_without_any_rest_the_uncovered_row_that_is_nearest_to_it_is_compared():
    track = resting_track(10.0)
    move(track, plateau(track, 5.0, 20.0), 6.0)  # and the film ends within the expression
    track = with_neutral(track)
    apex = moment_of(track).apex
    moment = moment_of(cover(track, 0.0, 5.1))
    assert moment.reason.code == "neutral-not-seen" and moment.onset < apex
    assert track.activity[moment.onset] < 0.5 * track.activity[apex]


def test_an_apex_behind_a_cover_compares_with_no_rest():
    track = cover(smiling_track(), 5.1, 5.3)
    assert obstacle(track, moment_of(track)).code == "not-comparable"


def test_where_a_film_begins_within_an_expression_a_covered_end_is_passed_over():
    track = resting_track(10.0)
    move(track, plateau(track, -1.0, 2.0), 6.0)
    track = with_neutral(track)
    uncovered = moment_of(track)
    end_s = track.time[uncovered.onset]
    covered = moment_of(cover(track, end_s - 0.2, end_s + 1.0))
    assert covered.reason.code == "neutral-not-seen"
    assert end_s + 1.0 <= track.time[covered.onset] < end_s + 1.2


def test_frames_of_the_users_choice_are_held_to_the_same():
    track = cover(smiling_track(), 0.0, 2.0)
    assert obstacle(track, onset_apex.moment_between(track, 50, 260, "clip")).code == "not-comparable"
    assert obstacle(track, onset_apex.moment_between(track, 240, 260, "clip")) is None


def test_that_nothing_is_found_comes_before_a_cover_in_the_largest_motion():
    track = cover(with_neutral(resting_track(10.0)), 5.0, 5.5)
    moment = moment_of(track)._replace(onset=200, apex=260)
    assert obstacle(track, moment).code == "no-expression"


def test_a_face_that_is_implausible_throughout_is_compared_all_the_same():
    track = smiling_track()
    rows = np.arange(len(track.number))
    assert replace(track, plausibility=np.full(len(rows), 0.2)).is_comparable(rows, 0).all()


@pytest.fixture
def smile_with_long_rests(smile_frames) -> list[np.ndarray]:
    return N_RESTS * smile_frames[:REST] + smile_frames + N_RESTS * smile_frames[-REST:]


def frames_away(number: int, first: int, last: int) -> int:
    return max(first - number, number - last, 0)


def with_passing_hand(images, first: int, last: int, centre, tone: float) -> list[np.ndarray]:
    """Hold a hand before the face from the first to the last frame; it comes and goes at the left."""
    away = (frames_away(number, first, last) for number in range(len(images)))
    return [
        draw_hand(image, (centre[0] - 12 * n, centre[1]), 70, tone) if n <= PASSING else image
        for image, n in zip(images, away)
    ]


@pytest.mark.parametrize(
    "first, last, centre, tone",
    [
        (0, LONG_REST_ONSET, (100, 140), 0.8),  # over the mouth, until the expression begins
        (0, LONG_REST_APEX - 2, (60, 110), 1.2),  # over a cheek, half of the film
        (LONG_REST_ONSET - 5, LONG_REST_ONSET, (100, 120), 1.0),  # passes nose and mouth before it begins
        (LONG_REST_APEX - 1, LONG_REST_APEX + 1, (100, 145), 0.7),  # over the mouth at the apex
    ],
)
def test_a_covered_face_is_never_compared_with_a_bare_one(
    first, last, centre, tone, smile_with_long_rests, tmp_path
):
    frames = with_passing_hand(smile_with_long_rests, first, last, centre, tone)
    _, track = track_clip(write_video(tmp_path / "covered.mp4", frames, fps=FPS))
    moment = moment_of(track)
    onset, apex = (frames_away(int(track.number[row]), first, last) for row in moment[:2])
    is_seen_and_covered = sorted([onset, apex])[0] == 0 < PASSING < max(onset, apex)
    assert not is_seen_and_covered or obstacle(track, moment).code == "not-comparable"


def test_faces_that_do_not_compare_are_shown_without_regions_and_units(smile_with_long_rests, tmp_path):
    frames = with_passing_hand(smile_with_long_rests, 0, 6, (60, 110), 0.8)
    clip = write_video(tmp_path / "hand.mp4", frames, fps=FPS)
    command = ["--json", "score", str(clip), "--onset", "3", "--apex", str(LONG_REST_APEX), "--out"]
    answer = CliRunner().invoke(main.cli, [*command, str(tmp_path / "p"), "--blur"])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert (found["label"], found["reason_code"]) == (None, "not-comparable")
    assert found["regions"] == found["units"] == [] and found["motion"] is None
    pictures = {path.name for path in (tmp_path / "p").glob("*.png")}
    assert {"onset.png", "apex.png"} <= pictures and not pictures & {"arrows.png", "flow.png", "strain.png"}
    page = (tmp_path / "p" / "page.html").read_text()
    assert "do not compare</h1>" in page and "<h2>Where</h2>" not in page
