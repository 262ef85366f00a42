"""The truth that the engine hands out is true. Each check is also run on a planted fault, which it must
notice.
"""

import cv2
import numpy as np
import pytest

from flow.splatting import gaussians as gaussians_module
from flow.splatting.camera import HeadPose
from flow.splatting.ground_truth import BACKGROUND_DEPTH_CM, RenderedView, exact_motion
from flow.splatting.head import FaceState
from flow.splatting.rasterize import blend_weights

STATES = {
    "smile": FaceState({"12": 0.5}),
    "brows": FaceState({"1": 0.4, "2": 0.4}),
    "mouth": FaceState({"26": 0.3, "25": 0.4}),
    "blink": FaceState({"43": 0.7}),
    "head": FaceState(pose=HeadPose(yaw=1.5, roll=-1.0)),
    "gaze": FaceState(gaze=(8, 2)),
}


def views(scene, second: FaceState, first: FaceState = FaceState()) -> tuple[RenderedView, RenderedView]:
    """Two views with the shading of the first, so that colour moves exactly as the surface does."""
    before = scene.view(first)
    return before, scene.view(second, scene.paint(before.splats))


def warp(picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return cv2.remap(picture.astype(np.float32), x + flow[..., 0], y + flow[..., 1], cv2.INTER_CUBIC)


def inner(scene, view: RenderedView, margin: int = 5) -> np.ndarray:
    """Skin pixels of one surface: away from other parts, and where the discs blended lie at one depth."""
    skin = scene.masks(view.weights)[2].astype(np.uint8)
    depth = view.splats.depth - view.splats.depth.mean()
    spread = view.weights.mean(depth**2) - view.weights.mean(depth) ** 2
    return (cv2.erode(skin, np.ones((margin, margin))) > 0) & (spread < 0.01)


def warp_error(
    before: RenderedView, after: RenderedView, flow: np.ndarray, valid: np.ndarray
) -> tuple[float, float]:
    """Mean and 99th percentile, in grey levels, of warping the second view back."""
    error = 255 * np.abs(warp(after.picture, flow) - before.picture).mean(2)[valid]
    return float(error.mean()), float(np.percentile(error, 99))


def check_warp(before: RenderedView, after: RenderedView, flow: np.ndarray, valid: np.ndarray) -> None:
    """The mean error is that of resampling the first view itself, by half a pixel and back.

    `valid` lies in the face.
    """
    half = np.full(flow.shape, 0.5, np.float32)
    floor = 255 * np.abs(warp(warp(before.picture, half), -half) - before.picture).mean(2)[valid]
    mean, worst = warp_error(before, after, flow, valid)
    assert mean < 1.1 * floor.mean() and worst < 2.5 * np.percentile(floor, 99), (mean, worst)


@pytest.mark.parametrize("name", STATES)
def test_warping_the_second_view_back_gives_the_first(scene, name):
    before, after = views(scene, STATES[name])
    truth = exact_motion(before, after)
    assert truth["valid"].mean() > 0.85
    check_warp(before, after, truth["flow"], truth["valid"] & scene.masks(before.weights)[1])


@pytest.mark.parametrize("fault", ["late", "bled", "doubled", "swapped", "still"])
def test_the_warp_check_notices_a_wrong_flow(scene, fault):
    before, after = views(scene, FaceState({"12": 0.5}, pose=HeadPose(yaw=1.5)))
    truth = exact_motion(before, after)
    flow = truth["flow"]
    faults = {
        "late": np.roll(flow, 40, axis=1),
        "bled": 0.7 * flow,
        "doubled": 2 * flow,
        "swapped": flow[..., ::-1],
    }
    wrong = faults.get(fault, np.zeros_like(flow))
    with pytest.raises(AssertionError):
        check_warp(
            before, after, np.ascontiguousarray(wrong), truth["valid"] & scene.masks(before.weights)[1]
        )


def analytic(scene, view: RenderedView, pose: HeadPose) -> np.ndarray:
    """Flow of a rigid move: lift each pixel to its depth, move it, project it."""
    camera, depth = scene.camera, view.depth().astype(float)
    y, x = np.mgrid[: depth.shape[0], : depth.shape[1]].astype(float)
    points = np.stack(
        [
            (x - camera.centre[0]) * depth / camera.focal,
            (y - camera.centre[1]) * depth / camera.focal,
            depth - camera.distance,
        ],
        2,
    ).reshape(-1, 3)
    there, _ = camera.project(pose.move(points))
    return there.reshape(*depth.shape, 2) - np.stack([x, y], 2)


RIGID = {
    "shift": HeadPose(shift=(0.15, -0.1, 0.0)),
    "near": HeadPose(shift=(0, 0, -1.0)),
    "roll": HeadPose(roll=1.0),
    "yaw": HeadPose(yaw=1.0),
}


def check_rigid(flow: np.ndarray, expected: np.ndarray, where: np.ndarray) -> None:
    error = np.linalg.norm(flow - expected, axis=2)[where]
    assert where.sum() > 2000
    assert np.median(error) < 1e-3 and np.percentile(error, 99) < 0.01, (
        np.median(error),
        np.percentile(error, 99),
    )


@pytest.mark.parametrize("name", RIGID)
def test_a_rigid_move_gives_the_analytic_flow(scene, name):
    before, after = views(scene, FaceState(pose=RIGID[name]))
    check_rigid(
        exact_motion(before, after)["flow"], analytic(scene, before, RIGID[name]), inner(scene, before)
    )


@pytest.mark.parametrize("name", ["roll", "near"])
def test_the_rigid_check_notices_discs_that_do_not_turn(scene, name):
    before, after = views(scene, FaceState(pose=RIGID[name]))
    with pytest.raises(AssertionError):
        check_rigid(
            exact_motion(before, after)["flow_centres"],
            analytic(scene, before, RIGID[name]),
            inner(scene, before),
        )


def bleed(scene, view: RenderedView) -> np.ndarray:
    """How much of what lies more than 0.5 cm behind the skin shows through it, per pixel."""
    weights, depth = view.weights, view.splats.depth
    hidden = np.zeros(weights.opacity.shape)
    for low in np.arange(
        depth.min(), depth.max(), 1.0
    ):  # slices of depth, so that one blend serves many pixels
        slab = ((depth >= low) & (depth < low + 1.0)).astype(np.float32)
        hidden += np.where(view.depth() + 0.5 < low, weights.blend(slab), 0)
    return hidden


def check_bleed(scene, view: RenderedView, where: np.ndarray) -> None:
    hidden = bleed(scene, view)[where]
    assert where.sum() > 2000
    assert hidden.mean() < 0.001 and np.percentile(hidden, 99) < 0.02, (
        hidden.mean(),
        np.percentile(hidden, 99),
    )


def test_what_lies_behind_the_skin_does_not_show_through(scene):
    view = scene.view(FaceState())
    check_bleed(scene, view, inner(scene, view))
    before, after = views(scene, FaceState({"43": 1.0}, gaze=(25, 0)), FaceState({"43": 1.0}))
    truth = exact_motion(before, after)
    eyes = scene.camera.project(np.array([*scene.face.head.eyes.values()]))[0].round().astype(int)
    for x, y in eyes:  # the eyes turn behind closed lids
        assert np.abs(truth["flow"][y - 2 : y + 1, x - 2 : x + 3]).max() < 0.05


@pytest.mark.parametrize("fault", ["thin", "sparse"])
def test_the_bleed_check_notices_skin_that_is_not_opaque(scene, fault):
    view = scene.view(FaceState())
    placed = view.splats
    skin = scene.face.gaussians.of("skin")
    if fault == "thin":
        placed.opacity = np.where(skin, 0.5, 1) * placed.opacity
    else:
        placed.opacity = np.where(skin & (np.arange(len(skin)) % 3 == 0), 0, placed.opacity)
    weights = blend_weights(placed, scene.camera.width, scene.camera.height)
    with pytest.raises(AssertionError):
        check_bleed(scene, RenderedView(view.picture, placed, weights), inner(scene, view))


def test_the_two_flow_forms_agree_where_discs_only_shift(scene):
    before, after = views(scene, FaceState(pose=HeadPose(shift=(0.2, 0.1, 0.0))))
    truth = exact_motion(before, after)
    apart = np.linalg.norm(truth["flow"] - truth["flow_centres"], axis=2)[inner(scene, before)]
    assert np.percentile(apart, 99) < 0.01
    before, after = views(scene, FaceState({"12": 0.1}))
    truth = exact_motion(before, after)
    apart = np.linalg.norm(truth["flow"] - truth["flow_centres"], axis=2)[truth["valid"]]
    assert apart.mean() < 0.01 and np.percentile(apart, 99) < 0.1


def check_hidden(scene, before: RenderedView, after: RenderedView, visible: np.ndarray) -> None:
    covered = (before.weights.opacity < 0.02) & (after.weights.opacity > 0.98)
    empty = (before.weights.opacity < 0.02) & (after.weights.opacity < 0.02)
    free = cv2.erode(empty.astype(np.uint8), np.ones((3, 3))) > 0
    assert covered.sum() > 50
    assert not visible[covered].any() and visible[free].all()


def test_background_that_the_head_covers_is_marked_hidden(scene):
    before, after = views(scene, FaceState(pose=HeadPose(shift=(0.8, 0, 0))))
    visible = exact_motion(before, after)["visible"]
    check_hidden(scene, before, after, visible)
    with pytest.raises(AssertionError):
        check_hidden(scene, before, after, np.ones_like(visible))


def test_colour_flow_and_masks_share_one_set_of_weights(scene):
    view = scene.view(FaceState())
    ones = view.weights.blend(np.ones(len(scene.face.gaussians)))
    assert np.allclose(ones, view.weights.opacity, atol=1e-5)
    parts, face, skin = scene.masks(view.weights)
    assert (parts[view.weights.opacity < 0.4] == 0).all() and (face | ~skin).all()
    assert (view.depth()[view.weights.opacity < 0.4] == BACKGROUND_DEPTH_CM).all()


def test_discs_keep_covering_the_skin_when_it_stretches(scene):
    open_mouth = scene.view(FaceState({"26": 1.0, "25": 1.0, "20": 1.0}))
    check_bleed(scene, open_mouth, inner(scene, open_mouth))


def test_gaussians_keep_their_order_when_the_head_turns_a_little(scene):
    """Neighbours lie at different heights, so a small turn must not reshuffle which of them is in front."""
    first = scene.view(FaceState()).weights.matrix
    turned = HeadPose(yaw=0.2)
    placed = gaussians_module.project_gaussians(
        scene.face.gaussians, scene.face.head.vertices(FaceState(pose=turned)), scene.camera
    )
    same_place = scene.view(FaceState()).splats
    same_place.depth = placed.depth  # only the order changes
    second = blend_weights(same_place, scene.camera.width, scene.camera.height).matrix
    assert abs(first - second).sum() / first.sum() < 0.02
