"""Single image files as (H, W, 3) uint8 RGB, converted from 10 to 16 bits or floats if needed."""

from itertools import product
from pathlib import Path

import cv2
import numpy as np

from data_prep.videos.display import orient, orientation_name
from mer_core.errors import BadInput

IMAGE_SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".tif", ".tiff", ".webp",
    ".pgm", ".ppm", ".pnm",
)  # fmt: skip
JPEG_2000 = (b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51")  # first bytes of a file, of a raw code stream
PNG = b"\x89PNG\r\n\x1a\n"
TIFF_SUFFIXES = (".tif", ".tiff")
BIT_DEPTHS = (8, 10, 12, 14, 16)  # of common sensors; files store any of them in 16 bits
SAMPLES = (np.uint8, np.uint16, np.float32)
READ_DEEP = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH


class UnreadableImage(BadInput):
    """An image file is missing, damaged, or no image."""

    code = "unreadable-image"


def read_image(path: str | Path) -> np.ndarray:
    """Read an image file; grey becomes three equal channels, an EXIF rotation is applied.

    Samples deeper than 8 bits are scaled by this image alone; `ClipImages` scales all images of a clip alike.

    Returns
    -------
    (H, W, 3) uint8 RGB

    Raises
    ------
    UnreadableImage
        If the file is missing, damaged, no image, or holds several images.
    """
    return to_8_bits(decode_image(path))


def decode_image(path: str | Path) -> np.ndarray:
    """Read an image as (H, W, 3) RGB in the file's depth: uint8, uint16 or float32."""
    try:
        data = np.frombuffer(Path(path).read_bytes(), np.uint8)
    except OSError as error:
        raise UnreadableImage(f"{path} cannot be read: {error.strerror}.") from error
    if data[:12].tobytes().startswith(JPEG_2000):
        raise UnreadableImage(
            f"{path} is JPEG 2000, which is refused because OpenCV's decoder crashes on damaged files. "
            "Convert it to PNG."
        )
    image = _decode(data)
    if image is None:
        raise UnreadableImage(
            f"{path} is not an image that can be read, or is damaged ({data.size} bytes). Copy it again."
        )
    if _is_animation(data):
        raise UnreadableImage(f"{path} is an animation, but a frame is one image. Give its frames as images.")
    if Path(path).suffix.lower() in TIFF_SUFFIXES and (n := n_pictures(path)) > 1:
        raise UnreadableImage(
            f"{path} holds {n} images, but a frame is one. Give the file itself as the clip."
        )
    if image.dtype not in SAMPLES:
        raise UnreadableImage(
            f"{path} has samples of type {image.dtype}; 8 or 16 bits or 32-bit floats are needed."
        )
    return to_rgb(image)


def to_rgb(image: np.ndarray) -> np.ndarray:
    """Convert grey or BGR, as OpenCV decodes them, to RGB."""
    return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB)


def exif_orientation(path: Path) -> str:
    """Describe how OpenCV turns a JPEG or PNG on request of its EXIF data; empty if it does not."""
    data = np.fromfile(path, np.uint8)
    stored = cv2.imdecode(data, READ_DEEP | cv2.IMREAD_IGNORE_ORIENTATION)
    shown = _decode(data)
    if stored is None or shown is None or np.array_equal(stored, shown):
        return ""
    turns = [np.diag(signs) for signs in product((1, -1), repeat=2)]
    turns += [np.fliplr(turn) for turn in turns]
    return next((orientation_name(turn) for turn in turns if np.array_equal(orient(stored, turn), shown)), "")


def _decode(data: np.ndarray) -> np.ndarray | None:
    """Decode the bytes of an image to BGR or grey; None if they are damaged or none."""
    if not _has_complete_chunks(data):
        return None
    for flags in (READ_DEEP, cv2.IMREAD_ANYDEPTH):  # OpenCV reads a TIFF of grey floats only as grey
        try:
            image = cv2.imdecode(data, flags)
        except cv2.error:  # an empty file, or a header that declares too large an image
            continue
        if image is not None:
            return image
    return None


def _has_complete_chunks(data: np.ndarray) -> bool:
    """Return whether every chunk of a PNG ends within the file; True for other formats.

    OpenCV allocates and fills the declared length, up to 2 GB, before it notices that data is missing.
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


def _is_animation(data: np.ndarray) -> bool:
    """Return whether a PNG or WebP declares several frames, of which OpenCV returns the first."""
    start = data[:4096].tobytes()
    if start.startswith(PNG):
        return b"acTL" in start.split(b"IDAT")[0]
    return start[8:16] == b"WEBPVP8X" and b"ANIM" in start[:64]


def looks_like_image(path: Path) -> bool:
    """Return whether a file begins like an image, without decoding it."""
    return cv2.haveImageReader(str(path))


def write_image(path: str | Path, image: np.ndarray) -> None:
    """Write (H, W, 3) uint8 RGB in the format of the suffix; equal images give equal bytes."""
    fast = [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY]  # at 12 % larger files
    options = fast if Path(path).suffix == ".png" else []
    _, data = cv2.imencode(Path(path).suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    Path(path).write_bytes(data.tobytes())


def n_pictures(path: str | Path) -> int:
    """Return the number of images in a file: the pages of a TIFF, else 1."""
    if Path(path).suffix.lower() not in TIFF_SUFFIXES:
        return 1
    try:
        return max(1, cv2.imcount(str(path), READ_DEEP))
    except cv2.error:
        return 1


def white_level(brightest: float, dtype: np.dtype) -> float:
    """Return the sample value of full brightness of a clip.

    For integers, the maximum of the smallest common bit depth that holds the brightest sample, so that 12
    bits stored in 16 keep all grey levels. For floats 1, or as for integers if a sample exceeds 1.

    Parameters
    ----------
    brightest : float
        Largest sample of the clip.
    dtype : numpy.dtype
        Type of its samples.
    """
    if np.issubdtype(dtype, np.floating) and brightest <= 1:
        return 1.0
    return float(next((2**bits - 1 for bits in BIT_DEPTHS if brightest < 2**bits), brightest))


def to_8_bits(image: np.ndarray, white: float | None = None) -> np.ndarray:
    """Scale an image of any depth to uint8 so that `white` becomes 255; uint8 is returned unchanged.

    Raises `UnreadableImage` if samples are negative or not finite.
    """
    if image.dtype == np.uint8:
        return image
    if not np.isfinite(image).all() or image.min() < 0:
        raise UnreadableImage(
            "The image has samples that are negative or not finite, which are no brightness."
        )
    white = white_level(float(image.max()), image.dtype) if white is None else white
    return cv2.convertScaleAbs(image.astype(np.float32), alpha=255.0 / white)
