"""What takes seconds to load and can serve every clip: kept from the first use on, so that a second clip
costs no start.

The face mesh and the detector are not made for two threads at once; whoever scores from threads takes turns.
"""

import json
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np

from mer import bundle as bundles
from mer_core.device import choose_device


@lru_cache(maxsize=1)
def mesh():
    """The face mesh."""
    from data_prep.landmarks import FaceMesh

    return FaceMesh()


@lru_cache(maxsize=1)
def detector():
    """MediaPipe's face detector: (H, W, 3) uint8 RGB -> boxes (left, top, right, bottom) px, the largest
    first.
    """
    from data_prep.face_models import load_detector

    found = load_detector(min_confidence=0.4)

    def detect(image: np.ndarray) -> list[np.ndarray]:
        return sorted(found.boxes(image), key=lambda box: -(box[2] - box[0]) * (box[3] - box[1]))

    return detect


_device = "auto"


def use_device(name: str) -> None:
    """Load flow networks on this device from now on; raises `DeviceUnavailable` where it is not there."""
    global _device
    if name not in ("auto", "cpu"):
        choose_device(name)
    _device = name


def method(name: str, options: dict):
    """The flow method `name` with `options`, on the device last set."""
    return _method(name, json.dumps(options, sort_keys=True), _device)


@lru_cache(maxsize=4)
def _method(name: str, options: str, device: str):
    from flow.estimate import load_method

    return load_method(name, device, **json.loads(options))


@lru_cache(maxsize=4)
def bundle(path: str) -> bundles.Bundle:
    """The bundle at `path`, read once."""
    return bundles.load(path)


@lru_cache(maxsize=4)
def recipe(path: str) -> bundles.Recipe:
    """The recipe of the bundle at `path`, read once; its classifiers need torch, which takes seconds."""
    return bundles.read_recipe(Path(path))


def load_in_background(path: str) -> "Future[bundles.Bundle]":
    """Load the bundle at `path` and its flow method in a thread, while a clip is tracked.

    Raises `BadInput` at once for a recipe that cannot be read; other damage is raised by the future's
    `result`.
    """
    needed = recipe(path)

    def load() -> bundles.Bundle:
        fitted = bundle(path)
        method(needed.method, needed.method_options)
        return fitted

    pool = ThreadPoolExecutor(1)
    loading = pool.submit(load)
    pool.shutdown(wait=False)
    return loading
