"""Fill the page templates of this folder, and embed pictures in them."""

import base64
from pathlib import Path
from typing import Any

import cv2
import numpy as np


def render_template(template: str, /, **variables: Any) -> str:
    """Fill a template; values are escaped.

    Raises
    ------
    jinja2.UndefinedError
        If the template uses a variable that is not given.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**variables)


def data_url(media_type: str, content: bytes) -> str:
    """Return content as a URL that needs no second file."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def image_url(image: np.ndarray) -> str:
    """Return an image (H, W, 3) uint8 RGB as a PNG data URL."""
    _, png = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
    return data_url("image/png", png.tobytes())
