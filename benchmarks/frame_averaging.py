"""Do more than two frames make flow more accurate? The frames around onset and apex are aligned and averaged.

    python -m benchmarks.frame_averaging PORTRAITS HEAD_MODEL --cache DIR --out FILE

Portraits that no training has seen move by expressions of scanned people along a known time course, while the
head drifts, at 100 and 200 fps. Every frame has noise of its own; then clips are used as they are, frame by
frame through JPEG, or as one H.264 stream. Clips that are measured are not measured again.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import cv2
import numpy as np
import pandas as pd

from benchmarks.measured_pairs import change
from flow.benchmark.analytic_motion import to_uint8
from flow.benchmark.pairs import MAX_BIAS, MAX_DRIFT_PX, MAX_GAIN_CHANGE, NOISE_LEVELS, PEAK_PX
from flow.benchmark.scanned import GRAIN_LEVELS
from flow.estimate import Method, estimate, load_method
from flow.sampling import log_uniform
from flow.splatting.dense_motion import area_ratio
from flow.splatting.head_model import HeadModel, load_head_model
from flow.splatting.muscles import expression_timing
from flow.splatting.portrait_motion import (
    MARGIN_PX,
    MIN_AREA_RATIO,
    FittedPortrait,
    add_grain,
    dense_motion,
    frame_portrait,
    portrait_texture,
    scale_to_peak,
    skin_mask,
    visible_mask,
    warp_texture,
)
from flow.splatting.scanned_motion import random_expression, random_turn
from flow.splatting.sensor import h264_round_trip, jpeg_round_trip
from flow.srflownet.data.animated_portraits import fit_portraits, load_fitted_portrait
from flow.srflownet.data.pulled_renders import N_GRAINS, skin_grain
from flow.warp import warp
from mer_core import markdown
from mer_core.io import atomic_replace, write_text
from mer_core.progress import say

SIZE = 224  # px
FINEST = 200  # fps at which clips are made; slower ones leave frames out
RISE = (0.08, 0.25)  # s from onset to apex
HOLD, FALL = 0.04, 0.3  # s
BEFORE, AFTER = 12, 6  # frames at `FINEST` before the onset and after the apex
JPEG, H264 = 80, 24
# (fps, half a window in s) -> 1 + 2 * fps * half frames
WINDOWS = ((100, 0.01), (100, 0.02), (200, 0.005), (200, 0.01), (200, 0.02))
CODERS = ("none", f"JPEG {JPEG}", f"H.264 at {H264}")
ALIGNED = {"no": "not aligned", "head": "head aligned", "dense": "every pixel aligned"}
METHODS = ("srflownet", "variational")
# Set beforehand: what averaging must bring to be built in, and with how many frames.
NEEDED_GAIN, MAX_FRAMES = 0.2, 5


@dataclass(frozen=True)
class Clip:
    """Frames without noise (H, W, 3) float32 0..255 at `FINEST` fps, with the truth between two of them."""

    frames: list[np.ndarray]
    onset: int
    apex: int
    flow: np.ndarray  # (H, W, 2) float32 px from frame `onset` to frame `apex`
    mask: np.ndarray  # (H, W) bool, the face
    noise: float  # grey levels
    peak: float  # longest motion of the expression, px


def make_clip(model: HeadModel, face: FittedPortrait, rng: np.random.Generator, peak: float) -> Clip:
    """Move one portrait by an expression of `peak` px."""
    seen = frame_portrait(
        face, SIZE, rng.uniform(0.30, 0.37), np.deg2rad(rng.uniform(-8, 8)), rng.uniform(-0.03, 0.03, 2)
    )
    expression, _ = random_expression(rng, model, face.fit, seen.unit, "held_out")
    both = np.concatenate([expression, random_turn(rng, face.fit)], axis=1)
    field, covered = dense_motion(model, face, seen, both)
    mask = skin_mask(seen, covered)
    shown = scale_to_peak(field[..., :2], mask, peak)
    turned = scale_to_peak(field[..., 2:], mask, rng.uniform(0, MAX_DRIFT_PX) * (rng.random() < 0.5))
    while (area_ratio(shown + turned) < MIN_AREA_RATIO)[
        mask
    ].any():  # nothing folds, so the whole face counts
        shown = 0.8 * shown
    texture = add_grain(
        portrait_texture(face, seen, MARGIN_PX),
        seen,
        skin_grain(int(rng.integers(N_GRAINS))),
        rng.uniform(*GRAIN_LEVELS),
        rng.integers(0, 1 << 16, 2),
    )
    apex = 2 * round(rng.uniform(*RISE) * FINEST / 2)  # even, so that 100 fps has this frame as well
    gain, bias = rng.uniform(-MAX_GAIN_CHANGE, MAX_GAIN_CHANGE), rng.uniform(-MAX_BIAS, MAX_BIAS)
    frames = []
    for number in range(-BEFORE, apex + AFTER + 1):
        level = expression_timing(number / FINEST, 0, apex / FINEST, HOLD, FALL)
        way = number / apex
        _, frame, residual = warp_texture(
            texture, MARGIN_PX, (level * shown + way * turned).astype(np.float32)
        )
        frames.append(frame * np.float32(1 + gain * way) + np.float32(bias * way))
        if number == apex:
            mask = mask & visible_mask(shown + turned, residual)
    longest = float(np.linalg.norm(shown, axis=-1)[mask].max())
    return Clip(frames, BEFORE, BEFORE + apex, shown + turned, mask, rng.uniform(*NOISE_LEVELS), longest)


def recorded(clip: Clip, fps: int, coder: str, seed: int) -> tuple[list[np.ndarray], int, int]:
    """Return uint8 frames of the clip at `fps`, and the numbers of onset and apex among them."""
    rng = np.random.default_rng(seed)
    noisy = [to_uint8(frame + rng.normal(0, clip.noise, frame.shape)) for frame in clip.frames]
    step = FINEST // fps
    frames = noisy[clip.onset % step :: step]
    if coder == CODERS[1]:
        frames = [jpeg_round_trip(frame, JPEG) for frame in frames]
    elif coder == CODERS[2]:
        frames = h264_round_trip(frames, H264, fps)
    return frames, clip.onset // step, clip.apex // step


def combine(frames: list[np.ndarray], middle: int, reach: int, aligned: str, aligner: Method) -> np.ndarray:
    """Average frames `middle` - `reach` ... `middle` + `reach`, each brought to where the middle one is."""
    target, total = frames[middle], np.zeros(frames[middle].shape, np.float32)
    for number in range(middle - reach, middle + reach + 1):
        frame = frames[number].astype(np.float32)
        if number != middle and aligned != "no":
            flow = estimate(aligner, target, frames[number])
            if aligned == "head":
                flow = _similarity(flow)
            frame = warp(frame, flow)
        total += frame
    return to_uint8(total / (2 * reach + 1))


def _similarity(flow: np.ndarray) -> np.ndarray:
    """Return the shift, turn and zoom that most of a flow agrees with, (H, W, 2) float32 px."""
    points = np.moveaxis(np.mgrid[8 : SIZE - 8 : 8, 8 : SIZE - 8 : 8][::-1], 0, -1).reshape(-1, 2)
    moved = points + flow[points[:, 1], points[:, 0]]
    matrix, _ = cv2.estimateAffinePartial2D(
        points.astype(np.float64), moved.astype(np.float64), ransacReprojThreshold=0.1
    )
    if matrix is None:
        return np.zeros_like(flow)
    y, x = np.mgrid[:SIZE, :SIZE]
    return np.stack(
        [row[0] * x + row[1] * y + row[2] - own for row, own in zip(matrix, (x, y))], axis=-1
    ).astype(np.float32)


def measure(clip: Clip, methods: list[Method], aligner: Method, seed: int) -> Iterator[dict]:
    """Yield the errors of each method: two frames alone, and every window and way of aligning."""
    for coder in CODERS:
        for fps in sorted({fps for fps, _ in WINDOWS}):
            frames, onset, apex = recorded(clip, fps, coder, seed)
            settings = [(0.0, "no")]
            settings += [(half, how) for rate, half in WINDOWS if rate == fps for how in ALIGNED]
            for half, how in settings:
                reach = round(half * fps)
                pair = [combine(frames, middle, reach, how, aligner) for middle in (onset, apex)]
                for method in methods:
                    error = np.linalg.norm(estimate(method, *pair) - clip.flow, axis=-1)
                    yield {
                        "coder": coder,
                        "fps": fps,
                        "half": half,
                        "aligned": how,
                        "method": method.name,
                        "weights": method.weights or "",
                        "peak": clip.peak,
                        "epe": float(error[clip.mask].mean()),
                    }


@click.command(help=__doc__.splitlines()[0])
@click.argument("portraits", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("head_model", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--cache", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--clips", default=16, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(portraits: Path, head_model: Path, cache: Path, out: Path, clips: int, seed: int) -> None:
    model = load_head_model(head_model)
    names = fit_portraits(portraits, model, cache / "fits", "held_out")
    methods = [load_method(name, "cpu") for name in METHODS]
    aligner = load_method("variational")
    parts = []
    for number in range(clips):
        path = cache / f"averaging-{seed}-{number}.csv"
        if not path.exists():
            rng = np.random.default_rng([seed, number])
            peak = log_uniform(rng, *PEAK_PX)
            face = load_fitted_portrait(portraits, names[number % len(names)], cache / "fits")
            rows = pd.DataFrame(measure(make_clip(model, face, rng, peak), methods, aligner, seed + number))
            with atomic_replace(path) as temporary:
                rows.assign(clip=number).to_csv(temporary, index=False)
            say(f"{number + 1} of {clips} clips")
        parts.append(pd.read_csv(path, keep_default_na=False))
    text = page(pd.concat(parts))
    write_text(out, text)
    click.echo(text)


def page(errors: pd.DataFrame) -> str:
    """Return docs/results/frame-averaging.md: what each window changes, with intervals over clips."""
    keys = ["method", "coder", "fps", "half", "aligned"]
    of = {key: group.sort_values("clip")["epe"].to_numpy() for key, group in errors.groupby(keys)}
    rows, means = [], []
    for method, coder, (fps, half) in itertools.product(errors["method"].unique(), CODERS, WINDOWS):
        alone = of[method, coder, fps, 0.0, "no"]
        changes = [change(alone, of[method, coder, fps, half, how]) for how in ALIGNED]
        frames = f"{2 * round(half * fps) + 1} (±{1000 * half:g} ms)"
        rows.append([method, coder, fps, frames, f"{alone.mean():.4f}", *changes])
        for how in ALIGNED:
            ratio = of[method, coder, fps, half, how].mean() / alone.mean() - 1
            means.append(
                (method, coder, ratio, 1 + 2 * round(half * fps), f"{frames} at {fps} fps, {ALIGNED[how]}")
            )
    header = ["method", "coder", "fps", "frames averaged", "EPE of two frames, px", *ALIGNED.values()]
    counts = errors["clip"].nunique()
    weights = ", ".join(errors.loc[errors["method"] == "srflownet", "weights"].unique())
    return f"""# Are more than two frames more accurate?

{_conclusion(means)}

{_answers(means)}

Change of the end-point error (EPE) when onset and apex are each averaged over the frames around them, in
per cent of the error of two single frames, with the 95 % interval over clips.

{markdown.format_table(header, rows, numbers_from=4)}

{counts} clips of portraits that no training has seen, {SIZE} px, moved by expressions of scanned people
that training has not seen either: {RISE[0]:g} to {RISE[1]:g} s from onset to apex, peaks of {PEAK_PX[0]:g}
to {PEAK_PX[1]:g} px, a drifting head in half of them, light that changes by up to {100 * MAX_GAIN_CHANGE:g}
%, and noise of {NOISE_LEVELS[0]:g} to {NOISE_LEVELS[1]:g} grey levels, new in every frame. Windows are
chosen by time, because a face moves as far in 10 ms at any frame rate. "Head aligned": the shift, turn and
zoom that most pixels agree on; "every pixel aligned": the flow to the middle frame, by the variational
method. The combined frames are rounded to uint8 and given to `estimate` as any other pair. Onset and apex
are known exactly here; spotted or annotated ones are off by some frames, which averages motion away.
Weights of `srflownet`: SHA-256 {weights}.

```
python -m benchmarks.frame_averaging PORTRAITS HEAD_MODEL --cache DIR --out FILE
```
"""


def _conclusion(means: list[tuple[str, str, float, int, str]]) -> str:
    """Return whether averaging brings `NEEDED_GAIN` to `srflownet` with up to `MAX_FRAMES`."""
    best = {
        coder: min(
            ratio for method, through, ratio, frames, _ in means
            if (method, through) == (METHODS[0], coder) and frames <= MAX_FRAMES
        )
        for coder in CODERS
    }  # fmt: skip
    reached = [
        f"{-100 * ratio:.0f} % {'without coding' if coder == 'none' else f'through {coder}'}"
        for coder, ratio in best.items()
    ]
    is_enough = min(best.values()) <= -NEEDED_GAIN
    return (
        f"**{'Yes' if is_enough else 'Too little to build it in'}.** The rule set beforehand asks for "
        f"{100 * NEEDED_GAIN:.0f} % less error of `{METHODS[0]}` with up to {MAX_FRAMES} frames. Averaging "
        f"brings at most {', '.join(reached)}."
    )


def _answers(means: list[tuple[str, str, float, int, str]]) -> str:
    """Return the best and worst change of each method through each coder, one line each."""
    lines = []
    for method, coder in dict.fromkeys((method, coder) for method, coder, *_ in means):
        own = sorted(
            (ratio, what) for name, through, ratio, _, what in means if (name, through) == (method, coder)
        )
        (best, how), (worst, _) = own[0], own[-1]
        lines.append(
            f"- {method}, coder {coder}: at best {100 * best:+.0f} % ({how}), at worst {100 * worst:+.0f} %."
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
