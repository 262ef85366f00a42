"""Draw the pictures of the engine in `docs/pictures/`, each with one function.

python -m benchmarks.engine_pictures --head-model FILE
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from data_prep.action_units import NAMES
from flow.splatting.actor import Actor, face_state, random_performance
from flow.splatting.camera import HeadPose
from flow.splatting.head_model import load_head_model
from flow.splatting.identity import scanned_face
from flow.splatting.muscles import ACTION_UNITS
from flow.splatting.scenes import RenderedPair
from flow.visualize import draw_flow, draw_legend, place_side_by_side
from mer_core.io import atomic_replace
from mer_core.progress import track


def portrait_beside_render(size: int = 210) -> np.ndarray:
    """Draw scikit-image's astronaut and its renders (rest, smile, closed eyes, surprise, turned)."""
    from skimage import data

    from flow.splatting.portrait import fit_portrait

    photograph = cv2.resize(data.astronaut()[15:215, 120:320], (size, size), interpolation=cv2.INTER_CUBIC)
    made = fit_portrait(photograph, gaussians=60_000)
    shown = [
        face_state(),
        face_state({"6": 0.8, "12": 1.0}),
        face_state(blink=1.0),
        face_state({"1": 1.0, "2": 1.0, "5": 0.7, "26": 0.6}),
        face_state(head=HeadPose(yaw=12)),
    ]
    titles = [f"render, {made.psnr:.1f} dB", "AU 6+12", "AU 43", "AU 1+2+5+26", "turned by 12 degrees"]
    tiles = [titled(photograph, "photograph")]
    tiles += [
        titled((made.scene.view(s).picture.clip(0, 1) * 255).astype(np.uint8), t)
        for s, t in zip(shown, titles)
    ]
    return rows(tiles, 3)


def identities(count: int = 10, size: int = 190) -> np.ndarray:
    """Draw procedural people of the first seeds, turned a little: (H, W, 3) uint8."""
    return rows(
        [
            _small(Actor(seed, 2 * size, 60_000, 0.68, "plain").frame(head=HeadPose(yaw=seed * 37 % 31 - 15)))
            for seed in range(10, 10 + count)
        ],
        5,
    )


def action_units(seed: int = 17, size: int = 160) -> np.ndarray:
    """Draw every action unit at full strength on one face, beside that face at rest: (H, W, 3) uint8."""
    actor = Actor(seed, 2 * size, 50_000, 0.8, "plain")
    tiles = [titled(_small(actor.frame()), "at rest")]
    for action in track(ACTION_UNITS, "action units"):
        tiles.append(titled(_small(actor.frame({action: 1.0})), f"AU {action} {NAMES[int(action)]}"))
    return rows(tiles, 7)


def scanned_action_units(head_model: Path, seed: int = 3, size: int = 150) -> np.ndarray:
    """Draw every action unit at full strength on a procedural head (left) and on one of scans: uint8 RGB."""
    face = scanned_face(seed, load_head_model(head_model), 50_000, split=None)
    actors = [
        Actor(17, 2 * size, 50_000, 0.8, "plain"),
        Actor(seed, 2 * size, 50_000, 0.8, "plain", identity=face),
    ]
    tiles = []
    for action in track([None, *ACTION_UNITS], "action units"):
        shown = {} if action is None else {action: 1.0}
        title = "at rest" if action is None else f"AU {action} {NAMES[int(action)]}"
        tiles.append(titled(np.hstack([_small(actor.frame(shown)) for actor in actors]), title))
    return rows(tiles, 5)


def expression_over_time(seed: int = 14, size: int = 200, count: int = 6) -> np.ndarray:
    """Draw a happy expression from onset to offset above its flow since the onset: uint8 RGB."""
    actor = Actor(seed, size, 40_000, 0.75, "plain")
    happy = {"6": 0.4, "12": 0.6}
    states = random_performance(
        happy,
        60,
        100.0,
        np.random.default_rng(3),
        onset=0.0,
        apex=0.2,
        hold=0.1,
        offset=0.25,
        sway=0.2,
        blinks=False,
    )
    picked = np.linspace(0, 50, count).round().astype(int)
    pairs = [actor.pair(states[0], states[k]) for k in picked]
    radius = float(np.ceil(max(np.linalg.norm(p.flow, axis=2).max() for p in pairs)))
    top = [titled(p.frame2, f"{10 * k} ms") for p, k in zip(pairs, picked)]
    flows = [draw_flow(p.flow, radius) for p in pairs]
    wheel = draw_legend(radius)
    return np.vstack([place_side_by_side(*top, np.full_like(wheel, 255)), place_side_by_side(*flows, wheel)])


def masks(seed: int = 15, size: int = 220) -> np.ndarray:
    """Draw one pair with its flow, depth and masks: (H, W, 3) uint8."""
    actor = Actor(seed, size, 40_000, 0.7, "plain")
    pair = actor.pair(
        face_state({"25": 0.2}),
        face_state({"12": 0.8, "25": 0.3, "1": 0.5}, HeadPose(yaw=4, shift=(0.15, 0, 0)), gaze=(6, 0)),
    )
    largest = float(np.ceil(np.percentile(np.linalg.norm(pair.flow, axis=2), 99.5)))
    tiles = {
        "frame 1": pair.frame1,
        "frame 2": pair.frame2,
        f"flow, full colour {largest:g} px": draw_flow(pair.flow, largest),
        "depth": _depth(pair),
        "parts": _parts(pair),
        "face": _mask(pair.face),
        "skin": _mask(pair.skin),
        "seen in both": _mask(pair.visible),
        "valid": _mask(pair.valid),
        "opacity": _mask(pair.opacity),
    }
    return rows([titled(np.ascontiguousarray(t), name) for name, t in tiles.items()], 5)


PICTURES: dict[str, Callable[[], np.ndarray]] = {
    "engine-portrait.png": portrait_beside_render,
    "engine-identities.png": identities,
    "engine-action-units.png": action_units,
    "engine-expression.png": expression_over_time,
    "engine-masks.png": masks,
}


def write_pictures(folder: Path, head_model: Path | None = None) -> list[Path]:
    """Draw all pictures into `folder`, in minutes, and return their paths; scans need a head model."""
    pictures = dict(PICTURES)
    if head_model is not None:
        pictures["engine-scanned.png"] = partial(scanned_action_units, head_model)
    paths = []
    for name, draw in track(pictures.items(), "pictures", len(pictures)):
        paths.append(folder / name)
        with atomic_replace(paths[-1]) as temporary:
            cv2.imwrite(str(temporary), draw()[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return paths


def titled(picture: np.ndarray, title: str) -> np.ndarray:
    """Return the picture under a white strip with its title."""
    strip = np.full((20, picture.shape[1], 3), 255, np.uint8)
    cv2.putText(strip, title, (3, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (30, 30, 30), 1, cv2.LINE_AA)
    return np.vstack([strip, picture])


def rows(tiles: list[np.ndarray], across: int) -> np.ndarray:
    """Return tiles of one size in rows of `across`, the last row filled with white."""
    blank = np.full_like(tiles[0], 255)
    tiles = tiles + [blank] * (-len(tiles) % across)
    return np.vstack([np.hstack(tiles[i : i + across]) for i in range(0, len(tiles), across)])


def _small(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def _mask(mask: np.ndarray) -> np.ndarray:
    return np.repeat((mask.astype(np.float32) * 255).astype(np.uint8)[..., None], 3, axis=2)


def _depth(pair: RenderedPair) -> np.ndarray:
    """Draw depth: near is bright, nothing is black."""
    there = pair.depth > 0
    low, high = np.percentile(pair.depth[there], [1, 99])
    level = np.where(there, 255 - 215 * np.clip((pair.depth - low) / (high - low), 0, 1), 0)
    return cv2.applyColorMap(level.astype(np.uint8), cv2.COLORMAP_BONE)[..., ::-1]


def _parts(pair: RenderedPair) -> np.ndarray:
    """Draw parts: one colour each, the same for both sides, on white."""
    kinds = list(dict.fromkeys(name.split()[0] for name in pair.names))
    hue = np.array(
        [[kinds.index(name.split()[0]) * 179 // len(kinds), 150, 230] for name in pair.names], np.uint8
    )
    hue[0] = 0, 0, 255
    return cv2.cvtColor(hue[pair.parts], cv2.COLOR_HSV2RGB)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine_pictures", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--head-model", type=Path, help="also draw the pictures of scanned heads")
    options = parser.parse_args()
    print(*write_pictures(options.out, options.head_model), sep="\n")


if __name__ == "__main__":
    main()
