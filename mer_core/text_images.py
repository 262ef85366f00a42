"""Text as images: DejaVu Sans, which ships with matplotlib, rendered by Pillow."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

INK, BACKGROUND = (35, 38, 43), (255, 255, 255)  # RGB


@lru_cache(maxsize=16)
def load_font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans at `size` px."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", name)), size)


def render_text(
    text: str,
    width: int,
    size: int = 12,
    ink: tuple[int, int, int] = INK,
    background: tuple[int, int, int] = BACKGROUND,
    centred: bool = False,
) -> np.ndarray[Any, Any]:
    """Render `text` as an image strip.

    Parameters
    ----------
    text : str
        Wrapped at spaces if it is wider than the strip.
    width : int
        Width of the strip, px.
    size : int
        Font size, px.
    ink, background : (r, g, b), 0 to 255
        Colours of the text and of the strip.
    centred : bool
        Centre each line; by default lines start at the left.

    Returns
    -------
    (H, width, 3) uint8 RGB
        1.5 * `size` px high per line.
    """
    lines = _wrap(text, width - size, size)
    canvas = Image.new("RGB", (width, round(1.5 * size) * len(lines)), background)
    draw = ImageDraw.Draw(canvas)
    for row, line in enumerate(lines):
        x, anchor = (width / 2, "mm") if centred else (size / 2, "lm")
        draw.text((x, round(1.5 * size) * (row + 0.5)), line, ink, load_font(size), anchor)
    return np.asarray(canvas)


def _wrap(text: str, width: float, size: int) -> list[str]:
    """Break `text` at spaces into lines of at most `width` px; a longer word stays whole."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and load_font(size).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
