"""The fast rasterizer equals the readable one in values, and the readable one has gradients."""

import numpy as np
import pytest
import torch

from flow.splatting import rasterize, reference
from flow.splatting.camera import HeadPose
from flow.splatting.gaussians import Splats
from flow.splatting.head import FaceState


def random_splats(count: int, width: int, height: int, seed: int) -> Splats:
    """Discs of all sizes, shapes and opacities, some of them outside the picture."""
    rng = np.random.default_rng(seed)
    mean = rng.uniform([-5, -5], [width + 5, height + 5], (count, 2))
    map = rng.normal(0, 2.0, (count, 2, 2))
    covariance = map @ map.transpose(0, 2, 1) + 0.3 * np.eye(2)
    inverse = np.linalg.inv(covariance)
    conic = np.stack([inverse[:, 0, 0], inverse[:, 0, 1], inverse[:, 1, 1]], 1)
    radius = np.sqrt(np.stack([covariance[:, 0, 0], covariance[:, 1, 1]], 1))
    return Splats(
        mean,
        np.zeros((count, 3, 2)),
        map,
        conic,
        radius,
        rng.uniform(50, 90, count),
        rng.uniform(0, 1, count),
        np.zeros((count, 3)),
        np.zeros((count, 3, 2)),
    )


def by_reference(
    splats: Splats, values: np.ndarray, width: int, height: int, min_light: float
) -> tuple[np.ndarray, np.ndarray]:
    tensors = (
        torch.from_numpy(np.ascontiguousarray(x, np.float64))
        for x in (splats.mean, splats.conic, splats.depth, splats.opacity, values)
    )
    picture, opacity = reference.composite(*tensors, width, height, min_light)
    return picture.numpy(), opacity.numpy()


@pytest.mark.parametrize("min_light", [0.0, rasterize.MIN_LIGHT])
@pytest.mark.parametrize("count, seed", [(1, 0), (40, 1), (400, 2)])
def test_fast_equals_reference_on_random_discs(count, seed, min_light):
    width, height = 37, 29
    splats = random_splats(count, width, height, seed)
    values = np.random.default_rng(seed).uniform(-1, 1, (count, 5))
    picture, opacity = by_reference(splats, values, width, height, min_light)
    weights = rasterize.blend_weights(splats, width, height, min_light)
    assert np.abs(weights.blend(values) - picture).max() < 2e-4
    assert np.abs(weights.opacity - opacity).max() < 2e-4


def test_fast_equals_reference_on_a_face(scene):
    view = scene.view(FaceState({"12": 0.4}, pose=HeadPose(yaw=10)))
    left, top, side = 66, 60, 28  # a window on an eye: mean and picture are shifted together
    splats = view.splats
    near = (np.abs(splats.mean - [left + side / 2, top + side / 2]) < 40).all(1)
    window = Splats(*(getattr(splats, f)[near] for f in Splats.__dataclass_fields__))
    window.mean = window.mean - [left, top]
    colours = scene.paint(splats)[near]
    picture, _ = by_reference(window, colours, side, side, rasterize.MIN_LIGHT)
    assert (
        np.abs(view.weights.blend(scene.paint(splats))[top : top + side, left : left + side] - picture).max()
        < 5e-4
    )


def test_the_comparison_notices_back_to_front():
    splats = random_splats(100, 37, 29, 3)
    values = np.random.default_rng(3).uniform(-1, 1, (100, 3))
    picture, _ = by_reference(splats, values, 37, 29, 0.0)
    splats.depth = -splats.depth
    assert np.abs(rasterize.blend_weights(splats, 37, 29, 0.0).blend(values) - picture).max() > 0.1


def test_reference_has_gradients():
    splats = random_splats(6, 9, 8, 4)
    tensors = [
        torch.from_numpy(np.ascontiguousarray(x, np.float64))
        for x in (splats.mean, splats.conic, splats.depth)
    ]
    mean, conic, depth = tensors
    mean.requires_grad_(), conic.requires_grad_()
    opacity = torch.full((6,), 0.6, dtype=torch.float64, requires_grad=True)
    values = torch.rand(6, 3, dtype=torch.float64, requires_grad=True)
    picture, seen = reference.composite(mean, conic, depth, opacity, values, 9, 8, 0.0)
    (picture.square().sum() + seen.sum()).backward()
    assert all(x.grad is not None and x.grad.abs().sum() > 0 for x in (mean, conic, opacity, values))

    with torch.no_grad():  # against a finite difference
        step = 1e-6
        up, seen_up = reference.composite(
            mean, conic, depth, opacity, values + step * torch.eye(6, 3), 9, 8, 0.0
        )
        rise = ((up.square().sum() + seen_up.sum()) - (picture.square().sum() + seen.sum())) / step
    assert torch.isclose(rise, values.grad.diagonal().sum(), rtol=1e-4)


def test_a_picture_without_gaussians_is_empty():
    splats = random_splats(3, 20, 20, 5)
    splats.opacity = np.zeros(3)
    weights = rasterize.blend_weights(splats, 20, 20)
    assert weights.opacity.max() < 1e-6 and weights.blend(np.ones((3, 2))).max() == 0
