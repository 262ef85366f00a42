"""The contract of every flow method, and the two functions that keep it: `estimate` and `estimate_batch`.

A method is one file in `flow/methods/` (see docs/guides/adding-a-flow-method.md). It gets colour frames whose
brightness has already been matched here, so no method does that again. What the methods are worth is measured
in `flow/benchmark/measure.py`.
"""

import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flow import photometric
from mer_core import registry
from mer_core.device import choose_device
from mer_core.errors import BadInput


@dataclass(frozen=True)
class Method:
    """A loaded flow method: its name, all of its options (defaults filled in) and the function to run."""

    name: str
    options: dict[str, Any]
    run: Callable[..., np.ndarray]
    network: bool  # True: fed in batches on `device`; False: one pair at a time, spread over the CPU cores
    # `file_digest` of the weights file in use: it decides a network's flow, the file's name does not
    weights: str | None = None
    # of its arithmetic, may depend on the device; flow of two precisions differs by more than rounding
    precision: str = "float32"
    device: str = "cpu"  # what a network runs on
    landmarks: bool = False  # True: `run` takes the landmarks of each onset as a third argument


def method_names() -> list[str]:
    """Names of the flow methods, sorted."""
    return registry.list_names("flow.methods")


def default_options(name: str) -> dict[str, Any]:
    """The options of the method `name` with their defaults, as its `load` declares them."""
    parameters = inspect.signature(registry.load("flow.methods", name).load).parameters
    return {key: parameter.default for key, parameter in parameters.items() if key != "device"}


def load_method(name: str, device: str = "auto", **options: Any) -> Method:
    """Make the method `name` ready to run.

    name    : a file of flow/methods/
    device  : auto, cpu, cuda or mps, see `mer_core.device.choose_device`; classical methods always run on
        the CPU, and no method chooses its weights by the device
    options : settings of the method, listed in its file

    Raises `UnknownName` for an unknown name, `BadInput` for an option the method does not have and
    `DeviceUnavailable` for a network's device that is not there.
    """
    module, defaults = registry.load("flow.methods", name), default_options(name)
    unknown = [key for key in options if key not in defaults]
    if unknown:
        raise BadInput(
            f"Flow method {name} has no option {', '.join(unknown)}. Its options: "
            f"{', '.join(defaults) or 'none'}."
        )
    options = {**defaults, **options}
    network = getattr(module, "NETWORK", False)
    device = str(choose_device(device)) if network else "cpu"
    run = module.load(device=device, **options)
    weights, precision = getattr(run, "weights", None), getattr(run, "precision", "float32")
    return Method(
        name,
        options,
        run,
        network,
        weights and file_digest(weights),
        precision,
        device,
        getattr(module, "LANDMARKS", False),
    )


def file_digest(path: str | Path) -> str:
    """The first 16 hexadecimal digits of a file's SHA-256."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]


def estimate(
    method: str | Method,
    onset: np.ndarray,
    apex: np.ndarray,
    landmarks: np.ndarray | None = None,
    *,
    match_exposure: bool = True,
    device: str = "auto",
) -> np.ndarray:
    """Motion from `onset` to `apex`.

    Parameters
    ----------
    method : a name, or what `load_method` returned (load once when there are many pairs)
    onset, apex : (H, W, 3) uint8 RGB, aligned by the same transform
    landmarks : (478, 2) or (468, 2) px of the onset, MediaPipe's face mesh; a method that uses them detects
        them itself where none are given, and does without where there is no face
    match_exposure : bring the apex to the brightness of the onset first (flow/photometric.py)
    device : auto, cpu, cuda or mps, for a network given by name; a loaded method has its own

    Returns
    -------
    (H, W, 2) float32 px of the onset: `[..., 0]` = u, right positive; `[..., 1]` = v, down positive. The
    point at (x, y) in the onset is seen at (x + u, y + v) in the apex.

    Raises
    ------
    BadInput
        For frames or landmarks of another shape or type, and a device that is not there.
    """
    points = None if landmarks is None else [landmarks]
    return estimate_batch(
        method, onset[None], apex[None], points, match_exposure=match_exposure, device=device
    )[0]


def estimate_batch(
    method: str | Method,
    onsets: np.ndarray,
    apexes: np.ndarray,
    landmarks: Sequence[np.ndarray | None] | None = None,
    *,
    match_exposure: bool = True,
    device: str = "auto",
) -> np.ndarray:
    """Motion of N pairs: (N, H, W, 3) uint8 RGB twice -> (N, H, W, 2) float32 px.

    The rest as in `estimate`.
    """
    if isinstance(method, str):
        method = load_method(method, device)
    for role, frames in (("onset", onsets), ("apex", apexes)):
        if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
            raise BadInput(f"The {role} must be (H, W, 3) uint8 RGB, not {frames.shape[1:]} {frames.dtype}.")
    if onsets.shape != apexes.shape:
        raise BadInput(
            f"Onset and apex differ in shape: {onsets.shape[1:]} and {apexes.shape[1:]}. Align both first."
        )
    points = _check_landmarks(landmarks, len(onsets))
    if match_exposure:
        apexes = np.stack([photometric.match(onset, apex) for onset, apex in zip(onsets, apexes)])
    flow = method.run(onsets, apexes, points) if method.landmarks else method.run(onsets, apexes)
    if flow.shape != onsets.shape[:3] + (2,) or flow.dtype != np.float32:
        raise TypeError(
            f"flow/methods/{method.name}.py returned {flow.shape} {flow.dtype}, not (N, H, W, 2) float32."
        )
    return flow


def _check_landmarks(landmarks: Sequence[np.ndarray | None] | None, count: int) -> list[np.ndarray | None]:
    """The landmarks of each of `count` onsets; raises `BadInput` for what is no face mesh."""
    points: list[np.ndarray | None] = [None] * count if landmarks is None else list(landmarks)
    if len(points) != count:
        raise BadInput(
            f"There are landmarks of {len(points)} faces for {count} pairs. Give one for each, or None."
        )
    for mesh in points:
        if mesh is None:
            continue
        if np.shape(mesh) not in ((478, 2), (468, 2)) or not np.isfinite(mesh).all():
            raise BadInput(
                f"Landmarks must be MediaPipe's (478, 2) or (468, 2) finite px of the onset, not "
                f"{np.shape(mesh)}."
            )
    return points
