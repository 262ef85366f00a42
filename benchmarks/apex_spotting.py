"""Distance of spotted apexes from known ones, on synthetic clips with noise, changing light and moving heads.

The faces come from the splat engine, so the numbers compare the methods with each other; they do not say how
far off a real apex is.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data_prep import apex as apex_rules
from data_prep.align import fit_similarity
from flow.sampling import log_uniform
from mer_core.io import atomic_replace
from mer_core.progress import track

RATES = (30, 100, 200)  # frames per second of CAS(ME)^3, SMIC, CASME II
WITHIN = (1, 3, 5)  # frames
LENGTH_S = (0.25, 0.5)  # onset to offset
APEX_AT = (0.25, 0.75)  # of the length
PEAK_PX = (0.4, 2.4)  # at the landmark that moves farthest, evenly spread in its logarithm
LEFT_OVER = (0.0, 0.3)  # fraction of the expression that is still there at the offset
# Standard deviation of the head's motion from onset to offset: px right, px down, degrees of roll, yaw and
# pitch.
HEAD = (0.8, 0.8, 0.15, 0.4, 0.3)
BEND = 0.25  # how far the head leaves the straight way, as a fraction of the above
CAMERA: dict[str, Any] = {
    "blur": 0.4,
    "shot": 1e-4,
    "read": 0.004,
    "drift": 0.005,
    "slope": 0.02,
}  # see flow/splatting/sensor.py
SIZE = 240  # px of the frames, which the face fills


@dataclass(frozen=True)
class Clip:
    """One synthetic clip: its frames (number, (H, W, 3) uint8 RGB), its apex, its transform for spotting."""

    frames: list[tuple[int, np.ndarray]]
    apex: int
    matrix: np.ndarray


def make_clip(seed: int, rate: float) -> Clip:
    """Render clip number `seed` at `rate` frames per second; the performance is the same at every rate."""
    from flow.splatting import recipes  # at call time: flow stands above this package
    from flow.splatting.actor import Actor
    from flow.splatting.camera import HeadPose
    from flow.splatting.sensor import Sensor

    rng = np.random.default_rng(seed)
    actor = Actor(int(rng.integers(1000)), SIZE)
    actions = recipes.draw_actions(rng.choice(recipes.EMOTIONS), rng)
    strength = actor.intensity(actions, log_uniform(rng, *PEAK_PX))
    length, at = rng.uniform(*LENGTH_S), rng.uniform(*APEX_AT)
    way, bend, left = rng.normal(0, HEAD), rng.normal(0, BEND, 5) * HEAD, rng.uniform(*LEFT_OVER)
    last = round(length * rate)
    apex = int(np.clip(round(at * length * rate), 1, last - 1))

    cm_per_px = actor.scene.camera.distance / actor.scene.camera.focal
    noise, frames = np.random.default_rng([seed, last]), []
    for number, amount in enumerate(_rise_and_fall(apex, last, left)):
        time = number / last
        right, down, roll, yaw, pitch = way * time + bend * 4 * time * (1 - time)
        pose = HeadPose(yaw, pitch, roll, (right * cm_per_px, down * cm_per_px, 0.0))
        shown = {unit: amount * strength * value for unit, value in actions.items()}
        frames.append(
            (number, actor.frame(shown, head=pose, sensor=Sensor(**CAMERA), number=number, rng=noise))
        )
    return Clip(frames, apex, fit_similarity(actor.landmarks(), apex_rules.SIZE))


def _rise_and_fall(apex: int, last: int, left: float) -> np.ndarray:
    """Return the fraction of the expression in each frame: half a cosine up to `apex`, one down to `left`."""
    rise = (1 - np.cos(np.linspace(0, np.pi, apex + 1))) / 2
    fall = (1 + np.cos(np.linspace(0, np.pi, last - apex + 1))) / 2
    return np.concatenate([rise, left + (1 - left) * fall[1:]])


def spotted(clip: Clip, method: str) -> int:
    """Return the apex of the clip by one of `apex_rules.METHODS`."""
    if method == "midpoint":
        return apex_rules.midpoint(clip.frames[0][0], clip.frames[-1][0])
    return apex_rules.spot_apex(clip.frames, clip.matrix)


def measure(clips: int = 40, rates: tuple[float, ...] = RATES, seed: int = 0) -> pd.DataFrame:
    """Return one row per clip, rate and method: `clip, rate, method, frames, apex, spotted`."""
    rows = []
    for rate in rates:
        for number in track(range(seed, seed + clips), f"clips at {rate} frames per second"):
            clip = make_clip(number, rate)
            for method in apex_rules.METHODS:
                rows.append((number, rate, method, len(clip.frames), clip.apex, spotted(clip, method)))
    return pd.DataFrame(rows, columns=["clip", "rate", "method", "frames", "apex", "spotted"])


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Tabulate per rate and method: mean length, mean absolute error, fraction within 1, 3 and 5 frames."""
    rows = rows.assign(error=(rows["spotted"] - rows["apex"]).abs())
    lines = []
    for (rate, method), part in rows.groupby(["rate", "method"], sort=False):
        within = {f"within {n}": f"{(part['error'] <= n).mean():.0%}" for n in WITHIN}
        error = part["error"].mean()
        lines.append(
            {
                "fps": rate,
                "method": method,
                "frames per clip": f"{part['frames'].mean():.0f}",
                "mean absolute error, frames": f"{error:.1f}",
                "ms": f"{1000 * error / rate:.0f}",
                **within,
            }
        )
    return pd.DataFrame(lines)


def run(out: str | Path, clips: int = 40, seed: int = 0) -> str:
    """Measure, write every clip's row to `out`/spotting.csv, and return the table as Markdown."""
    rows = measure(clips, seed=seed)
    with atomic_replace(Path(out) / "spotting.csv") as temporary:
        rows.to_csv(temporary, index=False)
    lines = table(rows)
    head = "| " + " | ".join(lines.columns) + " |\n|" + "---|" * len(lines.columns)
    return "\n".join(
        [head, *("| " + " | ".join(map(str, line)) + " |" for line in lines.itertuples(index=False))]
    )


if __name__ == "__main__":
    import sys

    print(run(sys.argv[1] if len(sys.argv) > 1 else "spotting-benchmark"))
