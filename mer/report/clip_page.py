"""A score written out: pictures, curve, film, JSON, and one HTML page that holds all of them and fetches
nothing.
"""

import base64
from pathlib import Path

import cv2
import numpy as np

from data_prep.frames import open_frames, write_image
from mer.bundle import evidence_words
from mer.inference.predict import Score
from mer.report.clip_figures import curve, pictures
from mer.report.film import factor, write_film
from mer.report.theme import THEMES
from mer_core.io import atomic_replace, write_text

FILM, POSTER = "moment.mp4", "moment.png"
PLAIN = ("onset", "apex")  # pictures that are the same in light and dark surroundings


def write(score: Score, out: str | Path, blur: bool = False) -> Path:
    """Write score.json, the pictures, curve.svg, the film with its poster and page.html into `out`.

    Pictures with text come twice, as arrows.png and arrows-dark.png.

    Parameters
    ----------
    blur : show the mesh of the face in place of its skin, in every picture and in the film

    Returns
    -------
    The page's path.
    """
    out, line = Path(out), curve(score)
    drawn = {name: pictures(score, theme, blur) for name, theme in THEMES.items()}
    for name, picture in drawn["light"].items():
        _write(out / f"{name}.png", picture)
        if name not in PLAIN or blur:
            _write(out / f"{name}-dark.png", drawn["dark"][name])
    write_text(out / "curve.svg", line)
    write_text(out / "score.json", score.to_json() + "\n")
    write_film(score, open_frames(score.clip), out / FILM, blur=blur)
    films = [(out / name).read_bytes() for name in (FILM, POSTER)]
    write_text(out / "page.html", page(score, drawn, line, *films))
    return out / "page.html"


def page(
    score: Score,
    drawn: dict[str, dict[str, np.ndarray]],
    line: str,
    film: bytes | None = None,
    poster: bytes | None = None,
) -> str:
    """The HTML page of a score; without the film if there is none. drawn : theme -> name -> picture"""
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
        evidence=evidence_words(score.evidence),
        name=Path(score.clip).name,
        ranked=sorted(score.probabilities.items(), key=lambda item: -item[1]),
        pictures={name: address(picture) for name, picture in drawn["light"].items()},
        dark={name: address(picture) for name, picture in drawn["dark"].items()},
        curve=line,
        film=film and _data("video/mp4", film),
        poster=poster and _data("image/png", poster),
        factor=factor(score),
        most=max((region.motion for region in score.regions), default=0),
        most_share=max((region.share or 0 for region in score.regions), default=0),
    )


def address(picture: np.ndarray) -> str:
    """A picture (H, W, 3) uint8 RGB as a data address."""
    return _data("image/png", cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))[1].tobytes())


def _data(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def _write(path: Path, picture: np.ndarray) -> None:
    with atomic_replace(path) as temporary:
        write_image(temporary, picture)
