"""Write rendered pairs to disk in the layout of SRFlow and SRFlow3D.

OUT/{train,test}/{render,mask,visible,flow,depth,scaled_inv_depth,scaled_inv_depth_change,camera}/<subject>/NNNN.*

A subject is one identity over one short clip; flow NNNN leads from render NNNN to the next. `visible` is
ours: the pixels whose point is also seen in the next frame. `flow/srflownet/data/srflow.py` reads this layout
back.
"""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from flow import io
from flow.sampling import log_uniform
from flow.splatting.actor import random_performance
from flow.splatting.ground_truth import exact_motion
from flow.splatting.head import FaceState
from flow.splatting.head_model import load_head_model
from flow.splatting.recipes import EMOTIONS, draw_actions, facs_code
from flow.splatting.scenes import PAIRS_PER_FACE, Scene, SceneRanges, draw_scene
from mer_core import claims, parallel
from mer_core.errors import BadSetting
from mer_core.io import atomic_replace, read_json, write_json

FPS = 73  # of the captures behind SRFlow (NeRSemble)
TEST_SUBJECT_EVERY = 8  # every eighth subject is a test subject
JPEG_QUALITY = 97  # of the JPEG files


def write_dataset(
    out: str | Path,
    pairs: int,
    seed: int = 1,
    size: int | tuple[int, int] = 256,
    jobs: int = 1,
    white: bool = True,
    gaussians: int = 20_000,
    head_model: Path | None = None,
    portraits: Path | None = None,
) -> int:
    """Render pairs of frames into `out`; return the number of new pairs.

    The files depend on the seed only, not on `jobs`. Complete subjects are kept, so it can be interrupted.

    Parameters
    ----------
    pairs : int
        Number of pairs.
    size : int or (int, int)
        One side or (width, height), px.
    white : bool
        SRFlow's white background, else a random one.
    head_model : path or None
        File of a head model of scans; by default heads are procedural.
    portraits : path or None
        Folder of portraits that provide the skin; by default it is painted.

    Raises
    ------
    BadInput
        If `out` holds pairs of other settings.
    """
    out = Path(out)
    if pairs < 1:
        raise BadSetting(f"--pairs must be at least 1, not {pairs}.")
    width, height = (size, size) if isinstance(size, int) else size
    if not 64 <= min(width, height) <= max(width, height) <= 4096:
        raise BadSetting(f"--size must lie between 64 and 4096 px, not {width} x {height}.")
    settings: dict[str, Any] = dict(seed=seed, width=width, height=height, white=white, gaussians=gaussians)
    if head_model is not None:
        load_head_model(head_model)
        settings["head_model"] = hashlib.sha256(head_model.read_bytes()).hexdigest()[:16]
    elif portraits is not None:
        raise BadSetting("--portraits provides skin for heads of scans. Add --head-model.")
    if portraits is not None:
        settings["portraits"] = len(list(portraits.glob("*.jpg")))
    claims.claim_folder(out, "srflow.json", settings, "rendered pairs")
    subjects = -(-pairs // PAIRS_PER_FACE)
    n_pairs = [min(PAIRS_PER_FACE, pairs - s * PAIRS_PER_FACE) for s in range(subjects)]
    wanted = [(out, settings, s, n_pairs[s], head_model, portraits) for s in range(subjects)]
    todo = [work for work in wanted if not _is_complete(out, work[2], work[3])]
    for _ in parallel.map_items(_render_task, todo, "rendering subjects", jobs=jobs):
        pass
    return sum(work[3] for work in todo)


def _subject_folder(out: Path, subject: int, kind: str) -> Path:
    split = "test" if subject % TEST_SUBJECT_EVERY == TEST_SUBJECT_EVERY - 1 else "train"
    return out / split / kind / f"{subject:05d}"


def _is_complete(out: Path, subject: int, pairs: int) -> bool:
    """Return whether a subject has at least `pairs` pairs; its camera file, written last, says so."""
    path = _subject_folder(out, subject, "camera") / "spirals.json"
    return path.exists() and read_json(path)["frames"] > pairs


def draw_clip(
    seed: int,
    subject: int,
    size: tuple[int, int],
    white: bool = True,
    gaussians: int = 20_000,
    head_model: Path | None = None,
    portraits: Path | None = None,
) -> tuple[Scene, list[FaceState], str]:
    """Draw a subject's scene, its states frame by frame, and its action units in FACS notation."""
    ranges = replace(
        SceneRanges(),
        background="white" if white else "random",
        gaussians=gaussians,
        yaw=(-20.0, 20.0),
        face=(0.6, 0.8),
        head_model=head_model,
        portraits=portraits,
    )
    scene, rng = draw_scene(seed, subject * PAIRS_PER_FACE, size, ranges)
    actions = draw_actions(EMOTIONS[rng.integers(len(EMOTIONS))], rng, strength=log_uniform(rng, 0.05, 1.0))
    apex = rng.uniform(6, 11) / FPS
    states = random_performance(
        actions,
        PAIRS_PER_FACE + 1,
        FPS,
        rng,
        onset=0.0,
        apex=apex,
        hold=rng.uniform(0, 0.04),
        offset=0.1,
        sway=log_uniform(rng, 0.3, 6.0),
    )
    facing = rng.uniform(*ranges.yaw), rng.uniform(-8, 8), rng.uniform(-5, 5)
    states = [
        replace(
            s,
            pose=replace(
                s.pose,
                yaw=s.pose.yaw + facing[0],
                pitch=s.pose.pitch + facing[1],
                roll=s.pose.roll + facing[2],
            ),
        )
        for s in states
    ]
    return scene, states, facs_code(actions)


def _render_task(work: tuple) -> None:
    _render_subject(*work)


def _render_subject(
    out: Path, settings: dict, subject: int, pairs: int, head_model: Path | None, portraits: Path | None
) -> None:
    """Render one subject; every file is written atomically, the camera file last."""
    size = settings["width"], settings["height"]
    scene, states, action_units = draw_clip(
        settings["seed"], subject, size, settings["white"], settings["gaussians"], head_model, portraits
    )
    paint, before = None, None
    for number, shown in enumerate(states[: pairs + 1]):
        view = scene.view(shown, paint)
        paint = scene.paint(view.splats) if paint is None else paint
        name = f"{number:04d}"
        _write_jpeg(
            _subject_folder(out, subject, "render") / f"{name}.jpg",
            np.round(view.picture.clip(0, 1) * 255).astype(np.uint8),
        )
        _write_jpeg(
            _subject_folder(out, subject, "mask") / f"{name}.jpg",
            np.where(view.weights.opacity > 0.5, 255, 0).astype(np.uint8),
        )
        if before is not None:
            _write_motion(
                out, subject, f"{number - 1:04d}", exact_motion(before, view), scene.camera.distance
            )
        before = view
    camera = scene.camera
    write_json(
        _subject_folder(out, subject, "camera") / "spirals.json",
        dict(
            frames=pairs + 1,
            width=camera.width,
            height=camera.height,
            fps=FPS,
            intrinsics=camera.intrinsics(),
            extrinsics=[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, camera.distance], [0, 0, 0, 1]],
            unit="cm",
            action_units=action_units,
        ),
    )


def _write_motion(out: Path, subject: int, name: str, truth: dict[str, np.ndarray], distance: float) -> None:
    """Write flow (zero outside the silhouette, as in SRFlow), depth in cm, and scaled inverse depth."""
    inside = truth["opacity"] > 0.5
    io.write(_subject_folder(out, subject, "flow") / f"{name}.flo", truth["flow"] * inside[..., None])
    near, after = (
        np.where(inside, distance / np.maximum(truth[k], 1e-3), 0).astype(np.float32)
        for k in ("depth", "depth_next")
    )
    arrays = {"depth": truth["depth"], "scaled_inv_depth": near, "scaled_inv_depth_change": after - near}
    for kind, array in arrays.items():
        with atomic_replace(_subject_folder(out, subject, kind) / f"{name}.npy") as temporary:
            np.save(temporary, array)
    with atomic_replace(_subject_folder(out, subject, "visible") / f"{name}.png") as temporary:
        cv2.imwrite(str(temporary), truth["visible"].astype(np.uint8) * 255)


def _write_jpeg(path: Path, image: np.ndarray) -> None:
    with atomic_replace(path) as temporary:
        cv2.imwrite(
            str(temporary),
            image[..., ::-1] if image.ndim == 3 else image,
            [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY],
        )
