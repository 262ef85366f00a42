"""Image files: one picture as (H, W, 3) uint8 RGB, converted from 10, 12 or 16 bits where they are deeper.

Which pictures make a clip is `data_prep/frames.py`'s business.
"""

from pathlib import Path

import cv2
import numpy as np

from mer_core.errors import BadInput

IMAGE_SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".tif", ".tiff", ".webp",
    ".pgm", ".ppm", ".pnm",
)  # fmt: skip
JPEG_2000 = (b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51")  # a file, a bare code stream
PNG = b"\x89PNG\r\n\x1a\n"
TIFF_SUFFIXES = (".tif", ".tiff")
BIT_DEPTHS = (8, 10, 12, 14, 16)  # that sensors have; files hold any of them in 16 bits
READ_DEEP = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH


class UnreadableImage(BadInput):
    """A file that is missing, damaged, or no image."""

    code = "unreadable-image"


def read_image(path: str | Path, white: float | None = None) -> np.ndarray:
    """Read an image file as (H, W, 3) uint8 RGB; grey becomes three equal channels, an EXIF rotation is
    applied.

    Parameters
    ----------
    white : value of full brightness of the clip that the image belongs to, see `white_level`; by default the
    image's own.

    Raises
    ------
    UnreadableImage : the file is missing, damaged, no image, or holds several pictures.
    """
    return to_8_bits(decode_image(path), white)


def decode_image(path: str | Path) -> np.ndarray:
    """Read an image as (H, W, 3) RGB in the depth of the file: uint8, uint16 or float32."""
    try:
        data = np.frombuffer(Path(path).read_bytes(), np.uint8)
    except OSError as error:
        raise UnreadableImage(f"{path} cannot be read: {error.strerror}.") from error
    if data[:12].tobytes().startswith(JPEG_2000):
        raise UnreadableImage(
            f"{path} is JPEG 2000, whose decoder in OpenCV crashes on damaged files. Convert it to PNG."
        )
    try:
        image = cv2.imdecode(data, READ_DEEP) if _keeps_png_promises(data) else None
    except cv2.error:  # an empty file, or a header that promises too much
        image = None
    if image is None:
        raise UnreadableImage(
            f"{path} is not an image that can be read, or is damaged ({data.size} bytes). Copy it again."
        )
    if Path(path).suffix.lower() in TIFF_SUFFIXES and (n := n_pictures(path)) > 1:
        raise UnreadableImage(
            f"{path} holds {n} pictures, and a frame is one. Give the file itself as the clip."
        )
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _keeps_png_promises(data: np.ndarray) -> bool:
    """Whether each chunk of a PNG ends within the file; OpenCV allocates and fills what the lengths promise,
    up to 2 GB, before it finds that it is not there. True of every other format.
    """
    if data[:8].tobytes() != PNG:
        return True
    place = 8
    while place + 8 <= data.size:
        length, kind = int.from_bytes(data[place : place + 4].tobytes(), "big"), data[place + 4 : place + 8]
        place += 12 + length
        if kind.tobytes() == b"IEND":
            break
    return place <= data.size


def looks_like_image(path: Path) -> bool:
    """Whether a file begins as an image does; decodes nothing."""
    return cv2.haveImageReader(str(path))


def write_image(path: str | Path, image: np.ndarray) -> None:
    """Write (H, W, 3) uint8 RGB in the format of the suffix; equal images give equal bytes."""
    # Huffman coding alone is the quick setting of PNG: 1.3 ms for a face of 224 px, and 12 % larger than at
    # best.
    quick = [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY]
    options = quick if Path(path).suffix == ".png" else []
    _, data = cv2.imencode(Path(path).suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    Path(path).write_bytes(data.tobytes())


def n_pictures(path: str | Path) -> int:
    """How many pictures an image file holds: the pages of a TIFF, else 1."""
    if Path(path).suffix.lower() not in TIFF_SUFFIXES:
        return 1
    try:
        return max(1, cv2.imcount(str(path), READ_DEEP))
    except cv2.error:
        return 1


def white_level(brightest: float, dtype: np.dtype) -> float:
    """Value of full brightness of a clip whose brightest sample is `brightest`.

    Of integers the largest value of the smallest usual bit depth that holds it, so that 12 bits stored in 16
    keep all of their grey levels. Of floats 1, or as of integers where samples are above 1.
    """
    if np.issubdtype(dtype, np.floating) and brightest <= 1:
        return 1.0
    return float(next((2**bits - 1 for bits in BIT_DEPTHS if brightest < 2**bits), brightest))


def to_8_bits(image: np.ndarray, white: float | None = None) -> np.ndarray:
    """Scale an image of any depth to uint8, `white` becoming 255; uint8 is returned as it is.

    Raises `UnreadableImage` for samples that are negative or no numbers.
    """
    if image.dtype == np.uint8:
        return image
    if not np.isfinite(image).all() or image.min() < 0:
        raise UnreadableImage(
            "The image holds samples that are negative or no numbers; brightness cannot be told from them."
        )
    white = white_level(float(image.max()), image.dtype) if white is None else white
    return cv2.convertScaleAbs(image.astype(np.float32), alpha=255.0 / white)
