"""Text on pictures, by a real text renderer: DejaVu Sans, which comes with matplotlib, through Pillow."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

INK, GROUND = (35, 38, 43), (255, 255, 255)


@lru_cache(maxsize=16)
def load_font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans at `size` px."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", name)), size)


def render_text(
    text: str,
    width: int,
    size: int = 12,
    ink: tuple[int, int, int] = INK,
    ground: tuple[int, int, int] = GROUND,
    centred: bool = False,
) -> np.ndarray[Any, Any]:
    """Write `text` on a strip of its own.

    Parameters
    ----------
    width : px of the strip; a text that is longer is wrapped at spaces
    size : of the letters, px
    ink, ground : colours, RGB

    Returns
    -------
    (H, width, 3) uint8 RGB, 1.5 times `size` high per line
    """
    lines = _wrap(text, width - size, size)
    canvas = Image.new("RGB", (width, round(1.5 * size) * len(lines)), ground)
    draw = ImageDraw.Draw(canvas)
    for row, line in enumerate(lines):
        x, anchor = (width / 2, "mm") if centred else (size / 2, "lm")
        draw.text((x, round(1.5 * size) * (row + 0.5)), line, ink, load_font(size), anchor)
    return np.asarray(canvas)


def _wrap(text: str, width: float, size: int) -> list[str]:
    """Lines of at most `width` px, where words allow."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and load_font(size).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
