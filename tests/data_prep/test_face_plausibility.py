"""One measure for meshes that lie on no face: turned, mirrored, folded, or put through a hand."""

import cv2
import numpy as np
import pytest

from data_prep.face_plausibility import (
    LIP_INNER_RIM,
    LIP_RIM,
    LOWER_BROWS,
    MIN_PLAUSIBILITY,
    UPPER_LIDS,
    plausibility,
)


@pytest.fixture(scope="module")
def face_points(mesh, face):
    return mesh.landmarks(face)


def folded(points):
    for lid, brow in zip(UPPER_LIDS, LOWER_BROWS):
        points[list(lid)] = points[list(brow)] - [0, 5]
    return points


@pytest.mark.parametrize(
    "change, weakest",
    [
        (lambda p: p * [1, -1], ("upright", "mirrored")),
        (lambda p: -p, ("upright",)),
        (lambda p: p * [-1, 1], ("mirrored",)),
        (folded, ("brows",)),
    ],
)
def test_meshes_that_no_face_can_have(face_points, change, weakest):
    found = plausibility(change(face_points.astype(float).copy()))
    assert found.value < MIN_PLAUSIBILITY and found.weakest in weakest


def test_a_portrait_is_plausible_until_its_mouth_is_covered(face, face_points):
    assert plausibility(face_points, face).value > MIN_PLAUSIBILITY
    covered, mouth = face.copy(), face_points[list(LIP_RIM)]
    low, high = (mouth.min(0) - 12).astype(int), (mouth.max(0) + 12).astype(int)
    covered[low[1] : high[1], low[0] : high[0]] = np.median(
        face[low[1] : high[1], low[0] : high[0]], axis=(0, 1)
    )
    found = plausibility(face_points, covered)
    assert found.value < MIN_PLAUSIBILITY and found.weakest == "lips"


def test_grey_lips_as_light_as_the_skin_are_seen_by_the_teeth_between_them(face, face_points):
    grey = np.repeat(face.mean(2, keepdims=True), 3, axis=2).astype(np.uint8)
    rim, teeth = (np.rint(face_points[list(points)]).astype(np.int32) for points in (LIP_RIM, LIP_INNER_RIM))
    lips = cv2.fillPoly(np.zeros(face.shape[:2], np.uint8), [rim], 1)
    around = cv2.dilate(lips, np.ones((9, 9), np.uint8)) > lips
    pale, skin = grey.copy(), np.median(grey[around], axis=0) + 5
    pale[cv2.fillPoly(lips, [teeth], 0) > 0] = skin
    assert plausibility(face_points, pale).value > MIN_PLAUSIBILITY
    pale[cv2.fillPoly(np.zeros_like(lips), [teeth], 1) > 0] = skin
    assert plausibility(face_points, pale).value < MIN_PLAUSIBILITY
