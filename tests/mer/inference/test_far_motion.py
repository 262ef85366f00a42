"""Where face or head moves far, landmarks begin the flow; where they do not, nothing changes."""

from dataclasses import replace

import numpy as np
import pytest

from data_prep.align import transform_points
from flow.splatting.actor import Actor, face_state
from flow.splatting.camera import HeadPose
from mer import bundle
from mer.inference import models, motion
from mer.inference.far_motion import interpolate_motion
from mer.inference.motion import align_moment, align_pair, measure_pair
from tests.mer.inference.tracks import move, resting_track

SHIFT = HeadPose(shift=(3.0, 0.0, 0.0))  # cm, about half of the inter-ocular distance
SMILE = {"12": 0.5, "6": 0.3}


@pytest.fixture(scope="module")
def moved():
    """A person who smiles and moves the head: two frames, the boxes, and where the landmarks are."""
    person = Actor(7, 200, gaussians=5000)
    images = [person.frame(), person.frame(SMILE, head=SHIFT)]
    found = [models.get_mesh().landmarks(image) for image in images]
    truth = [person.landmarks(), person.landmarks(face_state(SMILE, SHIFT))]
    return images, [np.concatenate([points.min(0), points.max(0)]) for points in found], truth


def test_a_smile_on_a_moving_head_is_found_where_it_is(moved):
    images, boxes, truth = moved
    recipe = bundle.load().recipe
    errors = []
    for apex_box in (None, boxes[1]):
        aligned = align_pair(images, boxes[0], 224, apex_box)
        onset, apex = (transform_points(points, aligned.matrix) for points in truth)
        measured = measure_pair(aligned, recipe).facial.points
        expected = motion.subtract_head_motion(motion.head_motion_basis(onset), apex - onset)
        errors.append(np.linalg.norm(measured - expected, axis=1).mean())
    assert errors[1] < 0.6 * errors[0]


def test_the_motion_between_landmarks_is_theirs_and_around_the_face_the_head_s(moved):
    images, boxes, _ = moved
    aligned = align_pair(images, boxes[0], 224, boxes[1])
    found = interpolate_motion(aligned.landmarks, aligned.apex_landmarks, (224, 224))
    assert found.shape == (224, 224, 2) and np.isfinite(found).all()
    nose = np.rint(aligned.landmarks[4]).astype(int)
    expected = aligned.apex_landmarks[4] - aligned.landmarks[4]
    np.testing.assert_allclose(found[nose[1], nose[0]], expected, atol=1.0)
    np.testing.assert_allclose(found[5, 5], expected, atol=6.0)  # the head shifts by some 45 px


@pytest.mark.parametrize("face, head_px, is_far", [(2.0, 0.0, False), (20.0, 0.0, True), (2.0, 16.0, True)])
def test_only_faces_that_are_far_apart_need_the_landmarks_of_the_apex(face, head_px, is_far, moved):
    images, boxes, _ = moved
    track = resting_track(1.0)
    move(track, np.arange(len(track.number)) > 25, face)
    track.shift[26:] += [head_px, 0.0]  # px; the inter-ocular distance is 80 px
    track = replace(track, box=np.array([boxes[int(row > 25)] for row in range(len(track.number))]))
    aligned = align_moment({0: images[0], 40: images[1]}, track, (0, 40), 224)
    assert (aligned.apex_landmarks is not None) == is_far
