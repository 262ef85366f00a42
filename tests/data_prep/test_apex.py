"""Spotting by frame differences finds a planted apex despite blinks, head motion, light and noise."""

import cv2
import numpy as np
import pandas as pd
import pytest

from benchmarks import apex_spotting as benchmark
from data_prep import apex
from data_prep.align import fit_similarity
from data_prep.frames import Frame
from data_prep.landmarks import LEFT_EYE, RIGHT_EYE
from mer_core.errors import NothingToScore

APEX, COUNT = 12, 25


@pytest.fixture
def film(face, mesh):
    """`film(smile=px, blink=frame, drift=px, light=share)`: frames 100 ... 124 of a face at 100 frames per
    second, with noise.
    """
    large = cv2.resize(face, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    points = mesh.landmarks(large)
    y, x = np.mgrid[: len(large), : len(large)].astype(np.float32)
    rng = np.random.default_rng(0)

    def make(smile=0.0, blink=None, drift=0.0, light=0.0):
        frames = []
        for i in range(COUNT):
            dx = np.full_like(x, drift * i / COUNT)
            dy = np.zeros_like(y)
            for corner, side in ((61, -1), (291, 1)):
                reach = np.exp(-((x - points[corner, 0]) ** 2 + (y - points[corner, 1]) ** 2) / (2 * 14**2))
                amount = smile * max(0, 1 - abs(i - APEX) / APEX)
                dx, dy = dx + side * amount * reach, dy - amount * reach
            image = cv2.remap(large, x - dx, y - dy, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            if i == blink:
                for eye in (RIGHT_EYE, LEFT_EYE):
                    cv2.fillConvexPoly(image, cv2.convexHull(points[list(eye)].astype(int)), (190, 150, 130))
            image = image * (1 + light * i / COUNT) + rng.normal(0, 2, image.shape)
            frames.append(Frame(100 + i, i / 100, np.clip(image, 0, 255).astype(np.uint8)))
        return frames

    make.matrix = fit_similarity(points, apex.SIZE)
    return make


def test_the_apex_of_a_small_smile_is_found(film):
    frames = film(smile=1.5, blink=4, drift=1.0, light=0.05)
    assert abs(apex.spot_apex([(f.number, f.image) for f in frames], film.matrix) - (100 + APEX)) <= 1


def test_the_apex_is_found_through_blink_and_light(film):
    frames = [(f.number, f.image) for f in film(smile=2.5, blink=4, light=0.05)]
    assert abs(apex.spot_apex(frames, film.matrix) - (100 + APEX)) <= 1


def test_a_head_that_drifts_further_than_the_face_moves_is_no_apex(film):
    frames = [(f.number, f.image) for f in film(smile=2.5, drift=8.0, light=0.05)]
    assert abs(apex.spot_apex(frames, film.matrix) - (100 + APEX)) <= 2


def test_what_grows_to_the_end_of_the_clip_is_not_what_comes_and_goes():
    rng, time = np.random.default_rng(0), np.arange(1, 41) / 40
    comes, grows = rng.normal(size=(2, 500))
    level = np.interp(time, (0, 0.3, 1), (0, 1, 0.2))
    changes = np.outer(level, comes) + np.outer(5 * time, grows) + rng.normal(0, 0.3, (40, 500))
    assert abs(int(np.argmax(apex._transient_amounts(changes))) - int(np.argmax(level))) <= 1


def test_light_that_turns_and_gain_are_no_difference(film):
    face = apex.grey_face(film()[0].image, film.matrix)
    lit = face * (1.1 + 0.05 * apex._X - 0.03 * apex._Y) + 4
    assert np.abs(apex.face_change(face, lit)).mean() < 0.01 * np.abs(lit - face).mean()


def test_one_frame_is_too_few(film, face):
    with pytest.raises(NothingToScore):
        apex.spot_apex([(0, face)], film.matrix)


def test_the_benchmark_counts_frames_from_the_known_apex():
    rows = pd.DataFrame(
        {
            "clip": [0, 1, 2],
            "rate": 100,
            "method": "frame-difference",
            "frames": 30,
            "apex": 10,
            "spotted": [10, 12, 6],
        }
    )
    (line,) = benchmark.table(rows).to_dict("records")
    assert (line["mean absolute error, frames"], line["ms"]) == ("2.0", "20")
    assert [line[f"within {n}"] for n in (1, 3, 5)] == ["33%", "67%", "100%"]


def test_the_benchmark_runs_every_method_on_clips_that_move_and_rest():
    clip = benchmark.make_clip(3, 30)
    numbers = [number for number, _ in clip.frames]
    assert numbers == list(range(len(numbers))) and 0 < clip.apex < numbers[-1]
    images = [image.astype(float) for _, image in clip.frames]
    assert np.abs(images[clip.apex] - images[0]).mean() > np.abs(images[1] - images[0]).mean()
    assert all(abs(benchmark.spotted(clip, method) - clip.apex) <= 1 for method in apex.METHODS)


def test_midpoint():
    assert apex.midpoint(46, 86) == 66
    assert apex.midpoint(563854, 563857) == 563855
