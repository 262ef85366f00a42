"""The compact network, with its frozen weights, and the equations it stands on."""

import numpy as np
import pytest
import skimage.data
import torch
from torch.nn.functional import avg_pool2d

from flow.methods.srflownet import WEIGHTS_FOLDER
from flow.srflownet import load_network, lucas_kanade
from flow.srflownet.compact import CompactSRFlowNet, local_contrast
from flow.srflownet.facial_solution import PlacedBasis
from flow.srflownet.regulariser import median_motion
from flow.srflownet.resample import double
from flow.srflownet.smooth_steps_cpu import smooth_steps_compiled
from flow.srflownet.tiled import _tile_starts, estimate_tiled


@pytest.fixture(scope="module")
def network():
    return load_network(WEIGHTS_FOLDER / "srflownet-compact.safetensors")


@pytest.fixture(scope="module")
def picture():
    return torch.from_numpy(skimage.data.cat().astype(np.float32)).permute(2, 0, 1)[None]


def moved(picture, dx, dy, height=120, width=150):
    """Two cuts of the picture, the second `dx`, `dy` whole pixels on: the motion is (-dx, -dy)."""
    return picture[..., 60 : 60 + height, 100 : 100 + width], picture[
        ..., 60 + dy : 60 + dy + height, 100 + dx : 100 + dx + width
    ]


def test_it_is_small():
    assert sum(p.numel() for p in CompactSRFlowNet().parameters()) <= 2_100_000


@torch.no_grad()
def test_an_even_motion_comes_back(network, picture):
    flow = network(*moved(picture, 2, -1))[-1]
    assert flow.shape == (1, 2, 120, 150)
    inside = flow[0, :, 20:-20, 20:-20]
    assert inside.mean(dim=(1, 2)).numpy() == pytest.approx([-2, 1], abs=0.05)


@torch.no_grad()
def test_a_motion_to_start_from_helps_with_what_is_too_far(network, picture):
    onset, apex = moved(picture, 30, 0)
    start = torch.zeros(1, 2, 120, 150)
    start[:, 0] = -29
    flow = network(onset, apex, start)[-1]
    assert flow[0, 0, 20:-20, 40:-20].median() == pytest.approx(-30, abs=0.1)


@torch.no_grad()
def test_a_batch_gives_what_each_pair_gives(network, picture):
    pairs = [moved(picture, 1, 0), moved(picture, 0, 3)]
    together = network(torch.cat([p[0] for p in pairs]), torch.cat([p[1] for p in pairs]))[-1]
    for flow, pair in zip(together, pairs):
        assert torch.allclose(flow, network(*pair)[-1][0], atol=1e-3)


@torch.no_grad()
def test_a_pair_without_a_face_gives_what_no_basis_gives(network, picture):
    onset, apex = moved(picture, 1, 0)
    face = PlacedBasis(torch.zeros(1, 40, 2, 32, 40), torch.zeros(1, 3, 64, 80), 31)
    assert torch.allclose(network(onset, apex, face=face)[-1], network(onset, apex)[-1], atol=1e-4)


def test_the_compiled_smooth_answers_are_the_plain_ones():
    slopes = 0.1 * torch.randn(3, 2, 1, 48, 40, generator=torch.Generator().manual_seed(0))
    ix, iy, it = slopes
    sums = torch.nn.functional.avg_pool2d(
        torch.cat([ix * ix, ix * iy, iy * iy, ix * it, iy * it, it * it], 1), 4
    )
    flow = 0.3 * torch.randn(2, 2, 12, 10, generator=torch.Generator().manual_seed(1))
    strengths = lucas_kanade.SMOOTHNESS_WEIGHTS
    plain = lucas_kanade.smooth_steps_plain(sums, flow, strengths, 12)
    compiled = smooth_steps_compiled(sums.numpy(), flow.numpy(), np.array(strengths, np.float32), 12)
    assert np.abs(compiled - plain.numpy()).max() < 1e-4 * plain.abs().max()


@torch.no_grad()
def test_tiles_join_without_seams(network, picture):
    onset, apex = moved(picture, 1, -1, height=160, width=256)
    whole = network(onset, apex)[-1][..., 24:-24, 24:-24]
    tiled = estimate_tiled(network, onset, apex, tile=160, overlap=96)[..., 24:-24, 24:-24]
    assert (tiled - whole).abs().mean() < 0.01
    steps = [(flow[..., 1:] - flow[..., :-1]).abs().amax() for flow in (tiled, whole)]
    assert steps[0] < steps[1] + 0.02


def test_tiles_cover_a_side_with_the_overlap_asked_for():
    starts = _tile_starts(1000, 400, 100)
    assert starts[0] == 0 and starts[-1] == 600
    assert all(b - a <= 300 for a, b in zip(starts, starts[1:]))
    assert _tile_starts(300, 400, 100) == [0]


def test_local_contrast_forgets_exposure():
    frame = torch.rand(1, 3, 64, 64) * 100 + 50
    before, after = local_contrast(frame), local_contrast(frame * 1.03 + 10)
    assert (after - before).abs().mean() < 0.02 * before.abs().mean()
    assert before.mean().abs() < 0.05


def test_drift_is_the_median():
    flow = torch.zeros(1, 2, 3, 3)
    flow[0, 0], flow[0, 1, 0] = 1.5, 9.0  # v: three of nine cells are wild
    assert median_motion(flow).flatten().tolist() == [1.5, 0.0]


def ramp_pair(dx, dy):
    """A smooth pattern and the same moved by a known fraction of a pixel, (1, 1, 64, 64)."""
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    pattern = lambda x, y: torch.sin(0.31 * x) + torch.cos(0.37 * y) + torch.sin(0.2 * (x + y))  # noqa: E731
    return pattern(x, y)[None, None], pattern(x - dx, y - dy)[None, None]


@pytest.mark.parametrize("answer", range(lucas_kanade.N_STEPS))
def test_every_answer_finds_a_small_even_motion(answer):
    first, second = ramp_pair(0.3, -0.2)
    flow = torch.zeros(1, 2, 16, 16)
    _, steps = lucas_kanade.candidate_steps(lucas_kanade.normal_equations(first, second, flow, 4, 1), flow)
    found = steps[0, answer, :, 4:-4, 4:-4].flatten(1).median(dim=1).values
    assert found.numpy() == pytest.approx([0.3, -0.2], abs=0.055)  # damping shortens the local ones


def test_the_answers_are_to_what_is_left_of_the_motion():
    first, second = ramp_pair(1.3, -0.2)
    flow = torch.tensor([1.0, 0.0])[None, :, None, None].expand(1, 2, 16, 16)
    _, steps = lucas_kanade.candidate_steps(lucas_kanade.normal_equations(first, second, flow, 4, 1), flow)
    assert steps[0, :, :, 4:-4, 4:-4].mean(dim=(0, 2, 3)).numpy() == pytest.approx([0.3, -0.2], abs=0.03)


@pytest.mark.parametrize("light", [0.0, 0.7])
def test_nothing_is_left_of_a_shaded_face_after_its_own_motion(light):
    """Shading moves with the skin; light that changes slowly over the frame does not count."""
    y, x = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    pattern = lambda x: 3 * torch.sin(0.06 * x) + torch.sin(0.31 * x) + torch.cos(0.37 * y)  # noqa: E731
    motion = 3 * torch.exp(-((x - 64) ** 2 + (y - 64) ** 2) / (2 * 14.0**2))
    first, second = pattern(x + motion)[None, None], (pattern(x) + light * torch.sin(0.01 * y))[None, None]
    flow = avg_pool2d(torch.stack([motion, 0 * motion])[None], 4)
    sums = lucas_kanade.normal_equations(first, double(second), flow, 4, 1)
    _, steps = lucas_kanade.candidate_steps(sums, flow)
    at_place = steps[0, len(lucas_kanade.WINDOW_SIDES) - 1, :, 12:-12, 12:-12]
    assert at_place.norm(dim=0).mean() < 0.05


def test_smooth_answers_solve_their_system():
    """Against a dense solution of the same equations on a tiny grid."""
    torch.manual_seed(0)
    slopes = torch.randn(2, 6, 6)
    ix, iy = slopes
    it = torch.randn(6, 6)
    sums = torch.stack([ix * ix, ix * iy, iy * iy, ix * it, iy * it, it * it])[None]
    flow = 0.1 * torch.randn(1, 2, 6, 6)
    (found,) = lucas_kanade.smooth_steps(sums, flow, ((0.5, 0.0),))
    laplacian = lucas_kanade.laplacian(torch.eye(36).reshape(36, 1, 6, 6)).reshape(36, 36).T
    block = lambda m: torch.diag(m.flatten())  # noqa: E731
    smooth = 0.5 * laplacian + 1e-5 * torch.eye(36)
    system = torch.cat(
        [
            torch.cat([block(ix * ix) + smooth, block(ix * iy)], 1),
            torch.cat([block(ix * iy), block(iy * iy) + smooth], 1),
        ]
    )
    right = -torch.cat([(ix * it).flatten(), (iy * it).flatten()])
    right = right - 0.5 * torch.cat([laplacian @ flow[0, 0].flatten(), laplacian @ flow[0, 1].flatten()])
    exact = lucas_kanade.MAX_STEP * torch.tanh(
        torch.linalg.solve(system, right).reshape(2, 6, 6) / lucas_kanade.MAX_STEP
    )
    assert torch.allclose(found[0], exact, atol=0.02)
