"""A score written out: pictures, curve, film, JSON, and one HTML page that holds all of them and fetches nothing."""

import base64
from pathlib import Path

import cv2
import numpy as np

from data_prep.frames import open_frames, write_image
from mer.inference.predict import Score
from mer.report.clip_figures import curve, pictures
from mer.report.film import factor, write_film
from mer_core.io import replacing, write_text


def write(score: Score, out: str | Path) -> Path:
    """Write score.json, onset.png, apex.png, arrows.png, flow.png, strain.png, curve.svg, moment.mp4 and page.html into `out`.

    Returns the page's path.
    """
    out = Path(out)
    drawn, line = pictures(score), curve(score)
    for name, picture in drawn.items():
        with replacing(out / f"{name}.png") as temporary:
            write_image(temporary, picture)
    write_text(out / "curve.svg", line)
    write_text(out / "score.json", score.to_json() + "\n")
    write_film(score, open_frames(score.clip), out / "moment.mp4")
    write_text(out / "page.html", page(score, drawn, line, (out / "moment.mp4").read_bytes()))
    return out / "page.html"


def page(score: Score, drawn: dict[str, np.ndarray], line: str, film: bytes | None = None) -> str:
    """The HTML page of a score; without the film if there is none."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("clip_page.html").render(
        s=score,
        name=Path(score.clip).name,
        ranked=sorted(score.probabilities.items(), key=lambda item: -item[1]),
        pictures={name: address(picture) for name, picture in drawn.items()},
        curve=line,
        film=None if film is None else "data:video/mp4;base64," + base64.b64encode(film).decode(),
        factor=factor(score),
        most=max(region.motion for region in score.regions),
        most_share=max((region.share or 0 for region in score.regions), default=0),
    )


def address(picture: np.ndarray) -> str:
    """A picture (H, W, 3) uint8 RGB as a data address."""
    _, png = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))
    return "data:image/png;base64," + base64.b64encode(png.tobytes()).decode()
