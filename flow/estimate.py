"""The contract of every flow method: `estimate` and `estimate_batch`.

A method is one file in `flow/methods/` (see docs/guides/adding-a-flow-method.md). It receives RGB frames
whose brightness is already matched, so no method matches it again. `flow/benchmark/` measures the methods.
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
from mer_core.errors import BadArray, BadSetting


@dataclass(frozen=True)
class Method:
    """A loaded flow method.

    Attributes
    ----------
    name : str
        File in `flow/methods/`.
    options : dict
        All options of the method, defaults filled in.
    run : callable
        (onsets, apexes) or, with `landmarks`, (onsets, apexes, landmarks) -> (N, H, W, 2) float32 px.
    network : bool
        Receives batches on `device`; a classical method receives single pairs, spread over the CPU cores.
    weights : str or None
        `file_digest` of the weights file; None without weights.
    precision : str
        Of the arithmetic; it may depend on the device, and it changes the flow by more than rounding.
    device : str
        Where a network runs.
    landmarks : bool
        `run` takes the landmarks of each onset as third argument.
    """

    name: str
    options: dict[str, Any]
    run: Callable[..., np.ndarray]
    network: bool
    weights: str | None = None
    precision: str = "float32"
    device: str = "cpu"
    landmarks: bool = False


def method_names() -> list[str]:
    """Return the names of all flow methods, sorted."""
    return registry.list_names("flow.methods")


def default_options(name: str) -> dict[str, Any]:
    """Return the options of the method `name` and their defaults, as its `load` declares them."""
    parameters = inspect.signature(registry.load("flow.methods", name).load).parameters
    return {key: parameter.default for key, parameter in parameters.items() if key != "device"}


def load_method(name: str, device: str = "auto", **options: Any) -> Method:
    """Load the flow method `name`.

    Parameters
    ----------
    name : str
        File in `flow/methods/`.
    device : str
        auto, cpu, cuda or mps, see `mer_core.device.choose_device`. Classical methods always run on the CPU.
        No method chooses its weights by device.
    **options
        Options of the method, listed in its file.

    Returns
    -------
    Method

    Raises
    ------
    UnknownName
        If there is no such method.
    BadInput
        If the method has no such option.
    DeviceUnavailable
        If a network's device is missing.
    """
    module, defaults = registry.load("flow.methods", name), default_options(name)
    unknown = [key for key in options if key not in defaults]
    if unknown:
        raise BadSetting(
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
    """Return the first 16 hexadecimal digits of a file's SHA-256."""
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
    """Estimate the motion from `onset` to `apex`.

    Parameters
    ----------
    method : str or Method
        Name, or the result of `load_method` (load once for many pairs).
    onset, apex : (H, W, 3) uint8 RGB, aligned by the same transform
    landmarks : (478, 2) or (468, 2) px of the onset, MediaPipe's face mesh. A method that uses landmarks
        detects missing ones itself; without a detectable face it works without.
    match_exposure : bool
        Match the brightness of the apex to the onset first (flow/photometric.py).
    device : str
        `auto`, `cpu`, `cuda` or `mps`, for a network given by name; a loaded method keeps its device.

    Returns
    -------
    (H, W, 2) float32 px
        `[..., 0]` = u, right positive; `[..., 1]` = v, down positive. The point at (x, y) in the onset is at
        (x + u, y + v) in the apex.

    Raises
    ------
    BadInput
        If frames or landmarks have a wrong shape or type.
    DeviceUnavailable
        If the device is missing.

    Examples
    --------
    >>> import mer, numpy as np
    >>> onset = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    >>> flow = mer.estimate_flow("dis", onset, np.roll(onset, 1, axis=1))
    >>> flow.shape, flow.dtype
    ((64, 64, 2), dtype('float32'))
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
    """Estimate the motion of N pairs, see `estimate`.

    Parameters
    ----------
    onsets, apexes : (N, H, W, 3) uint8 RGB
    landmarks : sequence of (ndarray or None), or None
        One array of landmarks or None for each onset.

    Returns
    -------
    (N, H, W, 2) float32 px
    """
    if isinstance(method, str):
        method = load_method(method, device)
    for role, frames in (("onset", onsets), ("apex", apexes)):
        if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
            raise BadArray(f"The {role} must be (H, W, 3) uint8 RGB, not {frames.shape[1:]} {frames.dtype}.")
    if onsets.shape != apexes.shape:
        raise BadArray(
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
    """Return the landmarks of each of `count` onsets; raise `BadInput` if an array is not a face mesh."""
    points: list[np.ndarray | None] = [None] * count if landmarks is None else list(landmarks)
    if len(points) != count:
        raise BadArray(
            f"There are {len(points)} sets of landmarks for {count} pairs. Give one set or None per pair."
        )
    for mesh in points:
        if mesh is None:
            continue
        if np.shape(mesh) not in ((478, 2), (468, 2)) or not np.isfinite(mesh).all():
            raise BadArray(
                f"Landmarks must be MediaPipe's (478, 2) or (468, 2) finite px of the onset, not "
                f"{np.shape(mesh)}."
            )
    return points
