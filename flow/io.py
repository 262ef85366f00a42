"""Flow files: Middlebury `.flo` for exchange with other tools, `.npz` (key `flow`) for our own cache.

Writing is atomic; reading runs no code from the file.

References
----------
Format of `.flo`: Baker et al., IJCV 2011, and vision.middlebury.edu/flow/code: the bytes "PIEH" as a
little-endian float, int32 width, int32 height, then u and v of each pixel as float32, row by row.
"""

from pathlib import Path

import numpy as np

from mer_core.errors import BadArray, BadSetting, NotFound, UnreadableFile
from mer_core.io import atomic_replace, read_npz, write_npz

_MAGIC = np.float32(202021.25)  # "PIEH"


def write(path: str | Path, flow: np.ndarray) -> None:
    """Write flow to the format named by the suffix of `path`.

    Parameters
    ----------
    path : path
        Ends in `.flo` or `.npz`.
    flow : (H, W, 2) float32 px

    Raises
    ------
    BadInput
        If `flow` has another shape or type, or the suffix is unknown.
    """
    if flow.ndim != 3 or flow.shape[2] != 2 or flow.dtype != np.float32:
        raise BadArray(
            f"Flow must be (H, W, 2) float32 to be written to {path}, not {flow.shape} {flow.dtype}."
        )
    suffix = _suffix(path)
    if suffix == ".npz":
        write_npz(path, flow=flow)
        return
    height, width, _ = flow.shape
    header = _MAGIC.astype("<f4").tobytes() + np.array([width, height], "<i4").tobytes()
    with atomic_replace(path) as temporary:
        temporary.write_bytes(header + flow.astype("<f4").tobytes())


def read(path: str | Path) -> np.ndarray:
    """Read flow from a `.flo` or `.npz` file.

    Returns
    -------
    (H, W, 2) float32 px
        `.flo` marks unknown motion by values above 1e9; they are returned unchanged.

    Raises
    ------
    BadInput
        If the file is missing, truncated or not a flow file.
    """
    path = Path(path)
    suffix = _suffix(path)
    if not path.is_file():
        raise NotFound(f"There is no flow file at {path}.")
    return _read_npz(path) if suffix == ".npz" else _read_flo(path)


def _read_flo(path: Path) -> np.ndarray:
    data = path.read_bytes()
    if len(data) < 12:
        raise UnreadableFile(
            f"{path} is truncated: {len(data)} bytes, but a .flo header alone has 12. Copy it again."
        )
    if np.frombuffer(data, "<f4", 1)[0] != _MAGIC:
        raise UnreadableFile(f"{path} is not a .flo file: it starts with {data[:4]!r} instead of b'PIEH'.")
    width, height = (int(n) for n in np.frombuffer(data, "<i4", 2, 4))
    expected = 12 + 8 * width * height
    if min(width, height) < 1 or len(data) != expected:
        raise UnreadableFile(
            f"{path} does not match its header: {width} x {height} needs {expected} bytes, "
            f"the file has {len(data)}. Copy it again."
        )
    return np.frombuffer(data, "<f4", offset=12).reshape(height, width, 2).astype(np.float32)


def _read_npz(path: Path) -> np.ndarray:
    flow = read_npz(path).get("flow")
    if flow is None:
        raise UnreadableFile(f"{path} has no array named 'flow'. Was it written by another tool?")
    if flow.ndim != 3 or flow.shape[2] != 2 or flow.dtype.kind not in "fiu":
        raise UnreadableFile(f"{path}: flow must be real numbers (H, W, 2), not {flow.dtype} {flow.shape}.")
    return flow.astype(np.float32)


def _suffix(path: str | Path) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in (".flo", ".npz"):
        raise BadSetting(f"{path}: flow files end in .flo or .npz, not in {suffix or 'no suffix'}.")
    return suffix
