"""One ready-made motion map from a file: (C, H, W) float32, by explicit rules, or refused with what was
found.

An array (.npy, or .npz with a single array) must have three axes: channels, height, width, with fewer
channels than pixels along either side. An axis order is never guessed, because every other order still gives
a score. A picture is 8-bit RGB or grey and is read as value / 255. Stacks, other bit depths, complex and
missing values are refused.
"""

import math
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from mer_core.errors import BadInput

MAX_VALUES = 50_000_000  # of one map


class BadMap(BadInput):
    """A file that is no motion map, or one whose layout the rules leave open."""

    code = "bad-map"


def read_map(path: Path) -> np.ndarray:
    """Read one map.

    Returns
    -------
    (C, H, W) float32; of a picture 0..1

    Raises
    ------
    BadMap : naming the file, the shape or kind that was found, and the rule
    """
    readers = {".npy": _read_npy, ".npz": _read_npz, ".mat": _refuse_mat}
    try:
        values = readers.get(path.suffix.lower(), _read_picture)(path)
    except BadMap:
        raise
    except Exception as error:  # decoders of damaged files raise whatever they stumble over
        raise BadMap(f"The map {path} cannot be read: {error}.") from error
    unusable = int(np.count_nonzero(~np.isfinite(values)))
    if unusable:
        raise BadMap(f"The map {path} has {unusable} of {values.size} values that are no finite float32.")
    return values


def _read_npy(path: Path) -> np.ndarray:
    values = np.load(path, mmap_mode="r", allow_pickle=False)  # the header alone: it may promise any size
    _check_layout(path, values.shape, values.dtype)
    return _float32(values)


def _read_npz(path: Path) -> np.ndarray:
    with ZipFile(path) as archive:
        names = archive.namelist()
        if len(names) != 1:
            raise BadMap(
                f"The map {path} holds {len(names)} arrays ({', '.join(names[:4])}); an .npz must hold one. "
                "Save the one that is meant with numpy.save."
            )
        with archive.open(names[0]) as file:
            version = np.lib.format.read_magic(file)
            read_header = np.lib.format.read_array_header_1_0
            if version != (1, 0):
                read_header = np.lib.format.read_array_header_2_0
            shape, _, dtype = read_header(file)
            _check_layout(path, shape, dtype)
        with archive.open(names[0]) as file:
            return _float32(np.lib.format.read_array(file, allow_pickle=False))


def _refuse_mat(path: Path) -> np.ndarray:
    from scipy.io import whosmat

    try:
        found = ", ".join(f"{name} {shape}" for name, shape, _ in whosmat(path)) or "nothing"
    except NotImplementedError:
        found = "arrays of MATLAB 7.3"
    raise BadMap(
        f"The map {path} is a .mat file, which is not read (it holds {found}). "
        "Save the array with numpy.save, as channels x height x width."
    )


def _read_picture(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as picture:
        n_pictures = getattr(picture, "n_frames", 1)
        kind = f"{picture.mode}, {picture.width} x {picture.height}"
        if n_pictures > 1:
            raise BadMap(f"The map {path} is a stack of {n_pictures} pictures ({kind}); one is needed.")
        sixteen = any("16" in str(tile[-1]) for tile in picture.tile)  # Pillow would drop the lower 8 bits
        if picture.mode not in ("RGB", "L") or sixteen:
            depth = ", 16 bits" if sixteen else ""
            raise BadMap(f"The map {path} is a picture of {kind}{depth}; 8-bit RGB or grey is needed.")
        values = np.asarray(picture, dtype=np.float32) / 255
    return np.moveaxis(np.atleast_3d(values), -1, 0).copy()


def _check_layout(path: Path, shape: tuple[int, ...], dtype: np.dtype) -> None:
    found = f"The map {path} holds {dtype} of shape {shape}"
    rule = "channels x height x width are needed, with fewer channels than pixels along either side"
    if dtype.kind == "c":
        raise BadMap(f"{found}: complex values. {rule}; store u and v as two channels.")
    if dtype.kind not in "fiu" or len(shape) != 3 or 0 in shape:
        raise BadMap(f"{found}, not numbers of channels x height x width.")
    if math.prod(shape) > MAX_VALUES:
        raise BadMap(f"{found}, more than {MAX_VALUES} values.")
    channels, height, width = shape
    if channels < min(height, width):
        return
    if width < min(channels, height):
        raise BadMap(f"{found}: channels last; {rule}. Save numpy.moveaxis(values, -1, 0).")
    if height < min(channels, width):
        raise BadMap(f"{found}: channels in the middle; {rule}. Save numpy.moveaxis(values, 1, 0).")
    raise BadMap(f"{found}; {rule}. Which axis holds the channels cannot be told.")


def _float32(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is refused by the caller
        return np.array(values, dtype=np.float32)
