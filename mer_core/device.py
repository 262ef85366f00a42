"""The device that networks run on, and the number of CPU cores."""

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from mer_core.errors import BadInput, BadSetting

DEVICES = ("auto", "cpu", "cuda", "mps")


class DeviceUnavailable(BadInput):
    """The requested device is not available."""

    code = "device-unavailable"


def choose_device(device: str = "auto") -> Any:
    """Return the torch device for a name.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "mps"}
        `auto` is CUDA if torch can use it, else the CPU. `mps` (Apple) is never chosen automatically,
        because its results have not been compared with those of the CPU.

    Returns
    -------
    torch.device

    Raises
    ------
    BadInput
        For any other name.
    DeviceUnavailable
        If torch cannot use the requested `cuda` or `mps`.
    """
    if device not in DEVICES:
        raise BadSetting(f"There is no device called {device!r}. Known: {', '.join(DEVICES)}.")
    import torch

    cuda = torch.cuda.is_available()
    if device == "auto":
        device = "cuda" if cuda else "cpu"
    if not {"cpu": True, "cuda": cuda, "mps": torch.backends.mps.is_available()}[device]:
        requirement = "a CUDA build of torch and its driver" if device == "cuda" else "macOS on Apple silicon"
        raise DeviceUnavailable(
            f"--device {device}: torch finds no usable GPU of this kind, which needs {requirement}. "
            "Use --device cpu or --device auto."
        )
    return torch.device(device)


def full_precision(device: str) -> AbstractContextManager[Any]:
    """Disable TF32 convolutions in cuDNN: their 10-bit mantissa would make CUDA and CPU results differ."""
    if not device.startswith("cuda"):
        return nullcontext()
    import torch

    flags: AbstractContextManager[Any] = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
    return flags


def n_cores() -> int:
    """Return the number of CPU cores that this process may use; on macOS and Windows, of the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
