"""A portrait is reproduced, moves, and moves with a true flow."""

import numpy as np
import pytest
from skimage import data

from flow.splatting.actor import Actor
from flow.splatting.camera import HeadPose
from flow.splatting.ground_truth import exact_motion
from flow.splatting.head import FaceState
from flow.splatting.portrait import PortraitScene, fit_portrait
from mer_core.errors import NothingToScore


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[15:215, 120:320])


@pytest.fixture(scope="module")
def made(photograph) -> PortraitScene:
    return fit_portrait(photograph, gaussians=16_000)


def test_the_render_reproduces_the_photograph(made, photograph):
    assert made.psnr > 35
    whole = made.scene.view(FaceState()).picture
    assert 255 * np.abs(whole - photograph / 255).mean() < 6  # with hair and background


def test_the_expression_moves_the_face_and_leaves_the_rest(made):
    before = made.scene.view(FaceState())
    after = made.scene.view(FaceState({"43": 1.0}))
    face = made.scene.masks(before.weights)[1]
    moved = np.linalg.norm(exact_motion(before, after)["flow"], axis=2)
    assert moved[face].max() > 3 and moved[:40].max() < 1e-3


def test_the_flow_of_a_portrait_is_true(made):
    import cv2

    before, after = (
        made.scene.view(FaceState()),
        made.scene.view(FaceState({"12": 0.4}, pose=HeadPose(yaw=1.0))),
    )
    truth = exact_motion(before, after)
    inside = truth["valid"] & made.scene.masks(before.weights)[1]
    y, x = np.mgrid[: inside.shape[0], : inside.shape[1]].astype(np.float32)

    def error(flow: np.ndarray) -> float:
        back = cv2.remap(after.picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_CUBIC)
        return float(255 * np.abs(back - before.picture)[inside].mean())

    assert error(truth["flow"]) < 1.5
    assert error(0 * truth["flow"]) > 5 and error(0.8 * truth["flow"]) > 1.5 * error(truth["flow"])


def test_hidden_teeth_and_eyes_have_colours_of_their_own(made):
    face = made.scene.face
    teeth = face.surface.albedo[face.gaussians.of("teeth lower")]
    assert teeth.mean() > 0.2 and teeth.std() > 0.01


def test_an_actor_can_be_a_portrait(made):
    actor = Actor(0, size=96, identity=made.scene.face)
    assert actor.frame({"12": 0.5}).shape == (96, 96, 3)


def test_a_picture_without_a_face_is_refused():
    with pytest.raises(NothingToScore):
        fit_portrait(np.full((120, 120, 3), 128, np.uint8))
