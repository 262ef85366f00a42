"""Landmarks: point groups as MediaPipe has them, faces that are small or cut off, no memory, no noise on
stderr.
"""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from data_prep import landmarks
from data_prep.landmarks import FaceMesh, interocular
from mer_core.errors import LimitExceeded


@pytest.fixture(scope="module", params=["built in", "model file"])
def mesh(request, face_model):
    with face_model(request.param), FaceMesh() as mesh:
        yield mesh


def test_point_groups_are_mediapipes():
    for name in ("RIGHT_EYE", "LEFT_EYE", "FACE_OVAL"):
        group = getattr(landmarks, name)
        assert len(set(group)) == len(group)
        assert set(group) == _published(name), name


def _published(name: str) -> set[int]:
    try:
        from mediapipe.python.solutions import face_mesh_connections
    except ModuleNotFoundError:
        from mediapipe.tasks.python.vision.face_landmarker import FaceLandmarksConnections

        lines = getattr(FaceLandmarksConnections, f"FACE_LANDMARKS_{name}")
        return {point for line in lines for point in (line.start, line.end)}
    return {point for line in getattr(face_mesh_connections, f"FACEMESH_{name}") for point in line}


def test_a_face_gives_478_points_x_right_y_down(mesh, face):
    points = mesh.landmarks(face)
    assert points.shape == (478, 2) and points.dtype == np.float32
    right, left = points[list(landmarks.RIGHT_EYE)].mean(0), points[list(landmarks.LEFT_EYE)].mean(0)
    assert right[0] < left[0] and points[landmarks.CHIN, 1] > right[1]
    assert interocular(points) == np.float32(interocular(points[:, ::-1]))  # a distance, whatever the axes
    assert 35 < interocular(points) < 50


def test_points_do_not_depend_on_earlier_frames(mesh, face):
    before = mesh.landmarks(face)
    mesh.landmarks(np.ascontiguousarray(face[:, ::-1]))
    assert (mesh.landmarks(face) == before).all()


def test_a_face_cut_by_the_border_is_found_where_it_is(mesh, face):
    points = mesh.landmarks(face)
    low, high = points.min(0), points.max(0)
    low, high = (low + 0.18 * (high - low)).astype(int), (high - 0.18 * (high - low)).astype(int)
    part = np.ascontiguousarray(face[low[1] : high[1], low[0] : high[0]])
    assert mesh._mesh.points(part) is None  # else this tests nothing
    assert np.abs(mesh.landmarks(part) + low - points)[
        list(landmarks.STABLE_POINTS)
    ].max() < 0.1 * interocular(points)


def test_a_small_face_in_a_large_frame_is_found_where_it_is(mesh, face):
    large = cv2.resize(face, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    frame = np.full((2160, 3840, 3), 110, np.uint8)
    frame[300 : 300 + len(large), 2000 : 2000 + len(large)] = large
    assert mesh._mesh.points(frame) is None
    points = mesh.landmarks(large)
    assert np.abs(mesh.landmarks(frame) - (2000, 300) - points)[
        list(landmarks.STABLE_POINTS)
    ].max() < 0.1 * interocular(points)


def test_no_face_is_none(mesh):
    assert mesh.landmarks(np.full((100, 120, 3), 90, np.uint8)) is None


@pytest.mark.parametrize("shape", [(8, 20000, 3), (20000, 8, 3)])
def test_a_picture_on_which_mediapipe_would_end_the_process_is_refused(mesh, shape):
    with pytest.raises(LimitExceeded, match="20000"):
        mesh.landmarks(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("kind", ["built in", "model file"])
def test_nothing_is_printed(kind, face_model):
    code = (
        "import numpy as np, skimage.data; from data_prep.landmarks import FaceMesh\n"
        "with FaceMesh() as mesh:\n"
        "    assert mesh.landmarks(np.ascontiguousarray(skimage.data.astronaut()[10:250, 110:350])) is not "
        "None\n"
        "    mesh.landmarks(np.zeros((900, 1600, 3), np.uint8))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    with face_model(kind):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""
