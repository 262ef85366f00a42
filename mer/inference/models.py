"""Models that take seconds to load, kept from their first use on for every later clip.

Face mesh and detector serve one thread at a time; callers with several threads must take turns.
"""

import json
from functools import lru_cache
from pathlib import Path

import numpy as np

from mer import bundle
from mer.recipe import Recipe
from mer_core.device import choose_device


@lru_cache(maxsize=1)
def get_mesh():
    """Return the face mesh."""
    from data_prep.landmarks import FaceMesh

    return FaceMesh()


@lru_cache(maxsize=1)
def get_detector():
    """Return MediaPipe's face detector: (H, W, 3) uint8 RGB -> boxes, the largest first.

    A box is left, top, right, bottom in px. Raises `LimitExceeded` as `FaceMesh.landmarks`.
    """
    from data_prep.face_models import check_size, load_detector

    model = load_detector(min_confidence=0.4)

    def detect(image: np.ndarray) -> list[np.ndarray]:
        check_size(image)
        return sorted(model.boxes(image), key=lambda box: -(box[2] - box[0]) * (box[3] - box[1]))

    return detect


_device = "auto"


def use_device(name: str) -> None:
    """Load flow networks on this device from now on; raise `DeviceUnavailable` if there is none."""
    global _device
    if name not in ("auto", "cpu"):
        choose_device(name)
    _device = name


def get_method(name: str, options: dict):
    """Return the flow method `name` with `options`, on the device of the last `use_device`."""
    return _load_method(name, json.dumps(options, sort_keys=True), _device)


@lru_cache(maxsize=4)
def _load_method(name: str, options: str, device: str):
    from flow.estimate import load_method

    return load_method(name, device, **json.loads(options))


@lru_cache(maxsize=4)
def get_bundle(path: str) -> bundle.Bundle:
    """Return the bundle at `path`, read once; raise `NoClipInput` if it was fitted on arrays."""
    fitted = bundle.load(path)
    check_reads_clips(fitted.recipe)
    return fitted


@lru_cache(maxsize=4)
def get_recipe(path: str) -> Recipe:
    """Return the recipe of the bundle at `path` as `get_bundle`; unlike the bundle, it needs no torch."""
    return check_reads_clips(bundle.read_recipe(Path(path)))


def check_reads_clips(recipe: Recipe) -> Recipe:
    """Return `recipe`; raise `NoClipInput` if its bundle was fitted on arrays."""
    _ = recipe.clip_input
    return recipe
