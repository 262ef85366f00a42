"""Read one ready-made motion map from a file as (C, H, W) float32, by explicit rules.

An array (.npy, or .npz with a single array) must have the axes channels, height, width, with fewer channels
than pixels along either side. The order of axes is never guessed: a wrong guess would still give a score. A
picture must be 8-bit RGB or grey and is read as value / 255. Stacks, other bit depths, complex, NaN and
infinite values, and marks of missing values are refused.
"""

import math
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from mer_core.errors import BadInput
from mer_core.io import map_npy, read_npy_header

MAX_VALUES = 50_000_000  # of one map
MAX_MOTION = 1e9  # Middlebury's mark of unknown flow, far beyond any motion
# Marks of missing values, with either sign, if all other values are far smaller.
FILL_VALUES = (99, 999, 9999, 99999, 999999, 32767, 32768, 65535)
MIN_FILL_RATIO = 10.0


class BadMap(BadInput):
    """A file that holds no motion map, or one whose layout is ambiguous."""

    code = "bad-map"


def read_map(path: Path) -> np.ndarray:
    """Return one map, (C, H, W) float32; 0..1 for a picture.

    Raises
    ------
    BadMap
        Naming the file, what it holds, and the rule it breaks.
    """
    readers = {".npy": _read_npy, ".npz": _read_npz, ".mat": _refuse_mat}
    try:
        values = readers.get(path.suffix.lower(), _read_picture)(path)
    except BadMap:
        raise
    except Exception as error:  # a decoder may raise anything on a damaged file
        raise BadMap(f"The map {path} cannot be read: {error}.") from error
    n_bad = int(np.count_nonzero(~(np.abs(values) < MAX_MOTION)))
    if n_bad:
        raise BadMap(
            f"In the map {path}, {n_bad} of {values.size} values are NaN, infinite or above {MAX_MOTION:g}, "
            "which marks unknown motion."
        )
    _refuse_fill_values(path, values)
    return values


def _read_npy(path: Path) -> np.ndarray:
    values = map_npy(path)  # the header only, which may claim any size
    _check_layout(path, values.shape, values.dtype)
    return _float32(values)


def _read_npz(path: Path) -> np.ndarray:
    with ZipFile(path) as archive:
        names = archive.namelist()
        if len(names) != 1:
            raise BadMap(
                f"The map {path} holds {len(names)} arrays ({', '.join(names[:4])}); an .npz must hold one. "
                "Save the right one with numpy.save."
            )
        with archive.open(names[0]) as file:
            _check_layout(path, *read_npy_header(file))
        with archive.open(names[0]) as file:
            return _float32(np.lib.format.read_array(file, allow_pickle=False))


def _refuse_mat(path: Path) -> np.ndarray:
    from scipy.io import whosmat

    try:
        found = ", ".join(f"{name} {shape}" for name, shape, _ in whosmat(path)) or "nothing"
    except NotImplementedError:
        found = "arrays of MATLAB 7.3"
    raise BadMap(
        f"The map {path} is a .mat file (it holds {found}), which is not supported. Save the array with "
        "numpy.save, as channels x height x width."
    )


def _read_picture(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as picture:
        n_pictures = getattr(picture, "n_frames", 1)
        kind = f"{picture.mode}, {picture.width} x {picture.height}"
        if n_pictures > 1:
            raise BadMap(f"The map {path} is a stack of {n_pictures} pictures ({kind}); it must hold one.")
        is_16_bit = any("16" in str(tile[-1]) for tile in picture.tile)  # Pillow would drop the lower 8 bits
        if picture.mode not in ("RGB", "L") or is_16_bit:
            depth = ", 16 bits" if is_16_bit else ""
            raise BadMap(f"The map {path} is a picture of {kind}{depth}; 8-bit RGB or grey is needed.")
        values = np.asarray(picture, dtype=np.float32) / 255
    return np.moveaxis(np.atleast_3d(values), -1, 0).copy()


def _check_layout(path: Path, shape: tuple[int, ...], dtype: np.dtype) -> None:
    found = f"The map {path} holds {dtype} of shape {shape}"
    rule = "A map needs channels x height x width, with fewer channels than pixels along either side"
    if dtype.kind == "c":
        raise BadMap(f"{found}. {rule}. Store u and v as two channels.")
    if dtype.kind not in "fiu" or len(shape) != 3 or 0 in shape:
        raise BadMap(f"{found}. {rule}.")
    if math.prod(shape) > MAX_VALUES:
        raise BadMap(f"{found}, more than {MAX_VALUES} values.")
    channels, height, width = shape
    if channels < min(height, width):
        return
    if width < min(channels, height):
        raise BadMap(f"{found}, channels last. {rule}. Save numpy.moveaxis(values, -1, 0).")
    if height < min(channels, width):
        raise BadMap(f"{found}, channels in the middle. {rule}. Save numpy.moveaxis(values, 1, 0).")
    raise BadMap(f"{found}. {rule}. The channel axis is ambiguous.")


def _refuse_fill_values(path: Path, values: np.ndarray) -> None:
    sizes = np.abs(values)
    is_largest = sizes == sizes.max()
    largest = float(sizes.max())
    if largest in FILL_VALUES and largest > MIN_FILL_RATIO * sizes.max(where=~is_largest, initial=0):
        raise BadMap(
            f"In the map {path}, {np.count_nonzero(is_largest)} of {values.size} values are "
            f"{values[is_largest][0]:g}, and all others are below {largest / MIN_FILL_RATIO:g}: a mark of "
            "missing values? Store 0, or leave the clip out."
        )


def _float32(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # overflow gives infinity, which the caller refuses
        return np.array(values, dtype=np.float32)
