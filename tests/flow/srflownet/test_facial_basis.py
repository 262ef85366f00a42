"""The shipped facial basis, how it is laid on a face, and what brightness says of its strengths."""

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from data_prep.landmarks import interocular
from flow.splatting.head_fit import MEDIAPIPE_LANDMARKS
from flow.splatting.held_out import held_out_names
from flow.srflownet import facial_solution, lucas_kanade
from flow.srflownet.facial_basis import N_RIGID, load_basis, motion_cell
from flow.srflownet.facial_solution import PlacedBasis
from flow.srflownet.resample import double, enlarge, sample_doubled
from mer_core.errors import UnreadableFile

SIZE = 224


@pytest.fixture(scope="module")
def points(mesh, face) -> np.ndarray:
    """(478, 2) px of a face in a frame of `SIZE`."""
    return (mesh.landmarks(face) + 0.5) * SIZE / len(face) - 0.5


def test_cells_grow_with_the_frame():
    assert [motion_cell((side, side)) for side in (64, 224, 256, 448, 896)] == [4, 4, 4, 8, 16]


def test_the_points_of_the_landmarks_land_on_them(points):
    """The mouth's corner of the mean face is where the chart says it is."""
    basis = load_basis()
    chart = basis.place(points, (SIZE, SIZE)).chart
    known = chart[2] == 1
    eyes = [basis.landmarks[part].mean(axis=0) for part in (slice(36, 42), slice(42, 48))]
    unit = np.linalg.norm(eyes[1] - eyes[0])
    for number in (30, 33, 17, 26):  # the nose's tip and base, the brows' outer ends
        wanted = (basis.landmarks[number] - (eyes[0] + eyes[1]) / 2)[:2] / unit * [1, -1]
        away = np.where(known, np.hypot(chart[0] - wanted[0], chart[1] - wanted[1]), np.inf)
        row, column = np.unravel_index(away.argmin(), away.shape)
        place = 2 * np.array([column, row]) + 0.5
        assert np.linalg.norm(place - points[MEDIAPIPE_LANDMARKS[number]]) < 0.06 * interocular(points)


def test_no_face_gives_zeros():
    placed = load_basis().place(None, (64, 96))
    assert placed.motion.shape == (load_basis().n_components, 2, 16, 24)
    assert placed.chart.shape == (3, 32, 48)
    assert not placed.motion.any() and not placed.chart.any()


def test_a_larger_frame_holds_the_same_motion(points):
    small = load_basis().place(points, (SIZE, SIZE)).motion
    large = load_basis().place((points + 0.5) * 2 - 0.5, (2 * SIZE, 2 * SIZE)).motion
    assert large.shape == small.shape
    assert np.abs(large - 2 * small).max() < 0.05 * np.abs(large).max()


def test_strengths_are_found_on_skin_that_moves_so(points):
    """A textured frame is moved by known strengths; the answer explains the motion."""
    basis = load_basis()
    placed = basis.place(points, (SIZE, SIZE))
    face = PlacedBasis(
        torch.from_numpy(placed.motion)[None], torch.from_numpy(placed.chart)[None], basis.n_scanned
    )
    strengths = torch.zeros(basis.n_components)
    strengths[[2, 20, -2]] = torch.tensor([0.4, 0.3, 0.2])
    truth = torch.einsum("k,kchw->chw", strengths, face.motion[0])[None]
    texture = torch.from_numpy(np.random.default_rng(0).normal(128, 40, (1, 3, SIZE, SIZE))).float()
    texture = torch.nn.functional.avg_pool2d(texture, 5, 1, 2)
    second = lucas_kanade.brightness_pyramid(texture)
    moved = sample_doubled(double(second[1]), enlarge(truth, 4))
    sums = lucas_kanade.normal_equations(moved, double(second[1]), torch.zeros_like(truth), 4, 1)
    grid = face.on_grids(SIZE, SIZE, [4])[4]
    steps, known = facial_solution.facial_steps(sums, torch.zeros_like(truth), grid, 1, lucas_kanade.MAX_STEP)
    inside = (known[0, 0] == 1) & (grid.weight[0, 0] > 0.9)
    still = truth[0].norm(dim=0)[inside].mean()
    for step in steps[0]:
        assert (step - truth[0]).norm(dim=0)[inside].mean() < 0.25 * still
    first_kept = facial_solution.residual_after(sums, torch.zeros_like(truth))[0, 0][inside].mean()
    assert facial_solution.residual_after(sums, steps[:, 0])[0, 0][inside].mean() < 0.3 * first_kept


def test_the_basis_holds_no_expression_that_is_held_out():
    names = held_out_names("expression")
    assert load_basis().n_scanned == 31 and len(names) == 16
    assert load_basis().n_components == len(load_basis().motion) + N_RIGID


def test_another_file_is_rejected(tmp_path):
    save_file({"x": np.zeros(3, np.float32)}, str(tmp_path / "x.safetensors"))
    with pytest.raises(UnreadableFile, match="x.safetensors"):
        load_basis(tmp_path / "x.safetensors")


def test_trust_of_strong_slopes_is_limited_and_the_solution_stays():
    rng = np.random.default_rng(3)
    slopes, step = rng.normal(0, 1, (40, 2, 3)), np.array([0.3, -0.2])
    matrix = slopes @ slopes.transpose(0, 2, 1)  # (40, 2, 2)
    vector = -(matrix @ step)
    sums = np.stack([*(matrix[:, i, j] for i, j in ((0, 0), (0, 1), (1, 1))), *vector.T, np.ones(40)])
    power = torch.tensor([0.25])
    limited = facial_solution._limit_trust(torch.from_numpy(sums[None]).float(), power)
    xx, xy, yy, xt, yt, _ = limited[0].numpy().astype(float)
    matrices = np.array([[xx, xy], [xy, yy]]).transpose(2, 0, 1)
    solved = np.linalg.solve(matrices, -np.stack([xt, yt], axis=-1)[..., None])[..., 0]
    np.testing.assert_allclose(solved, np.tile(step, (40, 1)), atol=2e-3)
    assert np.linalg.eigvalsh(matrices).max() < facial_solution.HALF_TRUST / 0.25
