"""Where work is done: networks on the processor unless a graphics card is asked for or found, the rest on the cores there are."""

import os

from mer_core.errors import BadInput

CHOICES = ("auto", "cpu", "cuda")


def choose(device: str = "auto"):
    """Return the `torch.device` for `device`: `cpu`, `cuda`, or `auto` (the graphics card if there is one that works).

    Raises `BadInput` if `cuda` is asked for and cannot be used.
    """
    import torch

    if device not in CHOICES:
        raise BadInput(f"There is no device called {device!r}. Known: {', '.join(CHOICES)}.")
    usable = torch.cuda.is_available()
    if device == "cuda" and not usable:
        raise BadInput(
            "Device cuda was asked for, but torch finds no graphics card it can use. Use --device cpu, or install a CUDA build of torch."
        )
    return torch.device("cuda" if usable and device != "cpu" else "cpu")


def cores() -> int:
    """Cores that this process may use, which on a shared machine can be fewer than there are; macOS and Windows know the latter only."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
