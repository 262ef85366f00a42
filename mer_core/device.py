"""The device that networks run on, and the number of CPU cores."""

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from mer_core.errors import BadInput

DEVICES = ("auto", "cpu", "cuda", "mps")


class DeviceUnavailable(BadInput):
    """The device asked for by name is not there."""

    code = "device-unavailable"


def choose_device(device: str = "auto") -> Any:
    """Return the torch device for a name.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "mps"}
        `auto` is CUDA where torch can use it, else the CPU. `mps` (Apple) has to be asked for: nobody has
        measured there that results agree.

    Raises
    ------
    BadInput
        For any other name.
    DeviceUnavailable
        If `cuda` or `mps` is asked for and torch cannot use it.
    """
    if device not in DEVICES:
        raise BadInput(f"There is no device called {device!r}. Known: {', '.join(DEVICES)}.")
    import torch

    cuda = torch.cuda.is_available()
    if device == "auto":
        device = "cuda" if cuda else "cpu"
    if not {"cpu": True, "cuda": cuda, "mps": torch.backends.mps.is_available()}[device]:
        needed = "a CUDA build of torch and its driver" if device == "cuda" else "macOS on Apple silicon"
        raise DeviceUnavailable(
            f"--device {device}: torch finds no usable GPU of this kind, which needs {needed}. "
            "Use --device cpu, or auto."
        )
    return torch.device(device)


def full_precision(device: str) -> AbstractContextManager[Any]:
    """Keep cuDNN from convolving in TF32, whose 10 bits would separate the results of CUDA and CPU."""
    if not device.startswith("cuda"):
        return nullcontext()
    import torch

    flags: AbstractContextManager[Any] = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
    return flags


def n_cores() -> int:
    """Return how many cores this process may use; on macOS and Windows, how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
