"""Candidate steps from brightness: the equations of Lucas and Kanade, solved per cell and jointly.

With the mean slopes Ix, Iy of both frames and their difference It after warping by the motion w so far, a
cell has A = [sum Ix^2, sum Ix Iy; sum Ix Iy, sum Iy^2] and b = [sum Ix It; sum Iy It]. There are two kinds of
candidates for the step d:
- local: A d = -b, summed over a window of cells;
- smooth: the d that minimises sum d'Ad + 2 b'd + first |grad(w + d)|^2 + second |laplacian(w + d)|^2, for
  several weights of smoothness.
Nothing here is learned; the regularisers weigh the candidates.

References
----------
B. Lucas, T. Kanade, IJCAI 1981; B. Horn, B. Schunck, Artificial Intelligence 17, 1981.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from flow.srflownet.resample import box_mean, correlate_axis, enlarge, sample_doubled
from flow.srflownet.smooth_steps_cpu import smooth_steps_compiled
from mer_core.jit import HAS_NUMBA

WINDOW_SIDES = (1, 3, 7)  # cells
# (first, second) of each smooth candidate, and of those on cells twice as wide.
SMOOTHNESS_WEIGHTS = ((0.03, 0.0), (0.3, 0.0), (0.0, 0.03), (0.0, 0.3))
WIDE_SMOOTHNESS_WEIGHTS = ((0.0, 0.03), (0.0, 0.3))
N_STEPS = len(WINDOW_SIDES) + len(SMOOTHNESS_WEIGHTS) + len(WIDE_SMOOTHNESS_WEIGHTS)
# Channels of the maps of `candidate_steps`.
N_STEP_MAPS = 6 * len(WINDOW_SIDES) + 2 * len(SMOOTHNESS_WEIGHTS) + 2 * len(WIDE_SMOOTHNESS_WEIGHTS)
N_CG_ITERATIONS = 20  # need not converge: the next step continues
SMOOTHING_TAPS = (
    0.02,
    0.2285,
    0.503,
    0.2285,
    0.02,
)  # Gaussian of 0.8 px, against noise and aliasing
DERIVATIVE_TAPS = (1 / 12, -8 / 12, 0.0, 8 / 12, -1 / 12)  # central difference of fourth order
LIGHT_CELL_PX = 16  # px of the frame, side of a cell on which slow light is measured
GREY_LEVELS = 15.0  # grey levels of the frame per unit of brightness
DAMPING = 0.002  # squared slope per px of sensor noise
HALF_WEIGHT_RESIDUAL = 0.5  # squared difference at which a pixel counts half: occlusions, highlights
MAX_STEP = 2.0  # px of the level


@torch.no_grad()
def brightness_pyramid(frame: Tensor) -> dict[int, Tensor]:
    """Return the smoothed brightness of a frame at 1, 1/2, 1/4 and 1/8 of its size, by size of a pixel.

    Contrast is not normalised: with uniform noise, a strong slope is more reliable than a weak one.

    Parameters
    ----------
    frame : (N, 3, H, W) 0..255
    """
    with torch.autocast(frame.device.type, enabled=False):
        levels = {1: frame.float().mean(dim=1, keepdim=True) / GREY_LEVELS}
        for pixel in (2, 4, 8):
            levels[pixel] = F.avg_pool2d(levels[pixel // 2], 2)
        return {
            pixel: filter_axis(filter_axis(maps, SMOOTHING_TAPS, 3), SMOOTHING_TAPS, 2)
            for pixel, maps in levels.items()
        }


@torch.no_grad()
def candidate_steps(sums: Tensor, flow: Tensor, rounds: int = N_CG_ITERATIONS) -> tuple[Tensor, Tensor]:
    """Return the candidates for the motion that remains after `flow`.

    Parameters
    ----------
    sums : (N, 6, h, w) from `normal_equations`
    flow : (N, 2, h, w) pixels of the level
    rounds : int
        Iterations of conjugate gradients.

    Returns
    -------
    maps : (N, N_STEP_MAPS, h, w), inputs of the regulariser
    steps : (N, N_STEPS, 2, h, w), pixels of the level
    """
    with torch.autocast(sums.device.type, enabled=False):  # half precision is too coarse
        sums, flow = sums.float(), flow.float()
        maps, steps = [], []
        for window in WINDOW_SIDES:
            local_maps, step = local_step(box_mean(sums, window))
            maps.append(local_maps)
            steps.append(step)
        wide = smooth_steps(F.avg_pool2d(sums, 2), F.avg_pool2d(flow, 2), WIDE_SMOOTHNESS_WEIGHTS, rounds)
        for step in smooth_steps(sums, flow, SMOOTHNESS_WEIGHTS, rounds) + [
            enlarge(step, 2) for step in wide
        ]:
            maps.append(step)
            steps.append(step)
        return torch.cat(maps, dim=1), torch.stack(steps, dim=1)


@torch.no_grad()
def normal_equations(first: Tensor, second: Tensor, flow: Tensor, ratio: int, pixel: int) -> Tensor:
    """Return the means over each cell of Ix^2, Ix Iy, Iy^2, Ix It, Iy It and It^2.

    Slow light is subtracted, so it may differ between frames. This happens after warping: subtracted from the
    frames, the light of a face that moves would stay behind and look like another motion.

    Parameters
    ----------
    first : (N, 1, H, W), level of `brightness_pyramid`
    second : (N, 1, 2 H, 2 W), the same level of the second frame, doubled by `resample.double`
    flow : (N, 2, H / ratio, W / ratio) pixels of the level
    ratio : int
        Pixels of the level along a cell.
    pixel : int
        Pixels of the frame per pixel of the level.

    Returns
    -------
    (N, 6, H / ratio, W / ratio)
    """
    with torch.autocast(first.device.type, enabled=False):
        return _normal_equations(first.float(), second.float(), flow.float(), ratio, pixel)


def _normal_equations(first: Tensor, second: Tensor, flow: Tensor, ratio: int, pixel: int) -> Tensor:
    warped = sample_doubled(second, enlarge(flow, ratio) if ratio > 1 else flow)
    mean, it = _subtract_light(torch.cat([0.5 * (first + warped), warped - first], dim=1), pixel).split(1, 1)
    ix, iy = filter_axis(mean, DERIVATIVE_TAPS, 3), filter_axis(mean, DERIVATIVE_TAPS, 2)
    products = torch.cat([ix * ix, ix * iy, iy * iy, ix * it, iy * it, it * it], dim=1)
    products = products / (1 + products[:, 5:] / HALF_WEIGHT_RESIDUAL)
    return F.avg_pool2d(products, ratio) if ratio > 1 else products


def _subtract_light(maps: Tensor, pixel: int) -> Tensor:
    """Subtract from `maps` (N, C, h, w) their mean over some 80 px of the frame."""
    cell = LIGHT_CELL_PX // pixel
    slow = box_mean(box_mean(F.avg_pool2d(maps, cell), 5), 5)
    return maps - (enlarge(slow, cell) if cell > 1 else slow)


def local_step(sums: Tensor) -> tuple[Tensor, Tensor]:
    """Solve the equations of each window.

    Returns
    -------
    maps : (N, 6, h, w), the step, strength and direction of the slopes, and the explained fraction of It^2
    step : (N, 2, h, w)
    """
    xx, xy, yy, xt, yt, tt = sums.unbind(1)
    determinant = (xx + DAMPING) * (yy + DAMPING) - xy * xy
    dx = MAX_STEP * torch.tanh((xy * yt - (yy + DAMPING) * xt) / determinant / MAX_STEP)
    dy = MAX_STEP * torch.tanh((xy * xt - (xx + DAMPING) * yt) / determinant / MAX_STEP)
    trace = xx + yy + 1e-5
    explained = -(dx * xt + dy * yt) / (tt + 1e-4)
    maps = torch.stack(
        [dx, dy, 0.3 * trace.log() + 1, 2 * (xx - yy) / trace, 4 * xy / trace, explained], dim=1
    )
    return maps, torch.stack([dx, dy], dim=1)


def smooth_steps(
    sums: Tensor, flow: Tensor, strengths: tuple[tuple[float, float], ...], rounds: int = N_CG_ITERATIONS
) -> list[Tensor]:
    """Return the smooth step (N, 2, h, w) for each (first, second) of `strengths`, by conjugate gradients."""
    if HAS_NUMBA and sums.device.type == "cpu" and not _is_traced():
        strong = np.array(strengths, np.float32)
        steps = torch.from_numpy(smooth_steps_compiled(sums.numpy(), flow.numpy(), strong, rounds))
    else:
        steps = smooth_steps_plain(sums, flow, strengths, rounds)
    return [MAX_STEP * torch.tanh(s / MAX_STEP) for s in steps.unbind(0)]


def _is_traced() -> bool:
    """Return whether the network is being exported or compiled, which only supports torch operations."""
    return torch.jit.is_tracing() or torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export()


def smooth_steps_plain(
    sums: Tensor, flow: Tensor, strengths: tuple[tuple[float, float], ...], rounds: int
) -> Tensor:
    """Return the steps (S, N, 2, h, w) of `smooth_steps` without their limit; readable reference in torch.

    `smooth_steps_cpu.py` is the compiled version.
    """
    xx, xy, yy, xt, yt, _ = sums[None].split(1, dim=2)  # (1, N, 1, h, w)
    first, second = sums.new_tensor(strengths).T[:, :, None, None, None, None]  # (S, 1, 1, 1, 1)

    def roughness(field: Tensor) -> Tensor:
        curved = laplacian(field)
        return first * curved + second * laplacian(curved)

    def system(step: Tensor) -> Tensor:
        dx, dy = step.split(1, dim=2)
        return torch.cat([xx * dx + xy * dy, xy * dx + yy * dy], dim=2) + roughness(step) + 1e-5 * step

    def dot(a: Tensor, b: Tensor) -> Tensor:
        return (a * b).sum(dim=(2, 3, 4), keepdim=True)

    residual = -torch.cat([xt, yt], dim=2) - roughness(flow.expand(len(strengths), *flow.shape))
    inverse_diagonal = 1 / (torch.cat([xx, yy], dim=2) + 4 * first + 20 * second + 1e-5)
    step, scaled = torch.zeros_like(residual), inverse_diagonal * residual
    direction, energy = scaled, dot(residual, scaled)
    for _ in range(rounds):
        product = system(direction)
        length = energy / (dot(direction, product) + 1e-20)
        step, residual = step + length * direction, residual - length * product
        scaled = inverse_diagonal * residual
        energy, previous = dot(residual, scaled), energy
        direction = scaled + energy / (previous + 1e-20) * direction
    return step


def laplacian(maps: Tensor) -> Tensor:
    """Return four times each cell minus its four neighbours, (..., h, w), with replicated borders."""
    flat = maps.reshape(-1, 1, *maps.shape[-2:])
    p = F.pad(flat, (1, 1, 1, 1), mode="replicate")
    return (4 * flat - p[..., 1:-1, 2:] - p[..., 1:-1, :-2] - p[..., 2:, 1:-1] - p[..., :-2, 1:-1]).reshape(
        maps.shape
    )


def filter_axis(maps: Tensor, taps: tuple[float, ...], along: int) -> Tensor:
    """Correlate `maps` (N, C, H, W) with five taps along dimension 2 (down) or 3 (right)."""
    room = (2, 2, 0, 0) if along == 3 else (0, 0, 2, 2)
    return correlate_axis(F.pad(maps, room, mode="replicate"), taps, along)
