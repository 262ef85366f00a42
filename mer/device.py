"""Where networks run: the processor unless a graphics card is asked for or found."""

from mer.errors import BadInput

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
        raise BadInput("Device cuda was asked for, but torch finds no graphics card it can use. Use --device cpu, or install a CUDA build of torch.")
    return torch.device("cuda" if usable and device != "cpu" else "cpu")
