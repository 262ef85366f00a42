"""The device that networks run on, and the number of CPU cores."""

import os
from typing import Any

from mer_core.errors import BadInput

CHOICES = ("auto", "cpu", "cuda")


def choose(device: str = "auto") -> Any:
    """Return the torch device for a name.

    Parameters
    ----------
    device : `cpu`, `cuda`, or `auto`, which is the GPU if torch can use one

    Raises
    ------
    BadInput
        If `cuda` is asked for and torch cannot use it.
    """
    import torch

    if device not in CHOICES:
        raise BadInput(f"There is no device called {device!r}. Known: {', '.join(CHOICES)}.")
    usable = torch.cuda.is_available()
    if device == "cuda" and not usable:
        raise BadInput(
            "--device cuda: torch finds no usable GPU. Use --device cpu, or install a CUDA build of torch."
        )
    return torch.device("cuda" if usable and device != "cpu" else "cpu")


def cores() -> int:
    """Return how many cores this process may use; on macOS and Windows, how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
