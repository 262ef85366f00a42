"""The two pictures of the README.

    python -m benchmarks.readme_pictures DEMO

Run `mer demo --out DEMO` before. Needs Chromium. The face is scikit-image's portrait of Eileen Collins (NASA,
public domain), whose brows the engine raises for a moment.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from data_prep.frames import write_image
from flow.splatting.actor import Actor
from flow.splatting.expression import film_expression
from flow.visualize import draw_flow, draw_legend
from mer.inference.predict import score
from mer.inference.score import Score
from mer.report import film as moment
from mer.report.clip_figures import draw_arrows
from mer_core.text_images import render_text

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
BROWS = {"1": 1.0, "2": 0.7}  # action units and their relative strength
PEAK_PX, RISE, FALL, REST, FPS = 1.8, 8, 10, 30, 100
SIDE, GAP = 400, 10  # px of a panel, and between panels
FULL_PX = 1.5  # motion drawn in full colour
PAGE_WIDTH, PAGE_HEIGHT = 1000, 650  # CSS px of the report that are shown


def write_clip(folder: Path) -> Path:
    """Write the portrait at rest, raising its brows by `PEAK_PX`, and at rest again, as numbered images."""
    from skimage import data

    from flow.splatting.portrait import fit_portrait

    photograph = cv2.resize(data.astronaut()[15:215, 120:320], (400, 400), interpolation=cv2.INTER_CUBIC)
    scene = fit_portrait(photograph, gaussians=60_000).scene
    actor = Actor.__new__(Actor)  # of this scene, not of a seed
    actor.face, actor.scene = scene.face, scene
    folder.mkdir(parents=True)
    for number, image in enumerate(
        film_expression(actor, BROWS, PEAK_PX, RISE, FALL, np.random.default_rng(0), rest=REST)
    ):
        write_image(folder / f"{number:03d}.png", image)
    return folder


def scored_face(found: Score) -> np.ndarray:
    """Draw onset, apex, the apex with magnified motion, and the flow: (H, W, 3) uint8 RGB."""
    later = (found.apex - found.onset) * 1000 / FPS
    times = moment.magnification(found)
    panels = [
        (enlarged(found.onset_face), f"onset, frame {found.onset}"),
        (enlarged(found.apex_face), f"apex, {later:.0f} ms later"),
        (enlarged(moment.magnify(found.apex_face, found.facial_flow, times)), f"apex, motion × {times:.0f}"),
        (flow_on_face(found), "flow from onset to apex"),
    ]
    tiles = [np.vstack([picture, render_text(text, SIDE, 20, centred=True)]) for picture, text in panels]
    gap = np.full((len(tiles[0]), GAP, 3), 255, np.uint8)
    return np.hstack([part for tile in tiles for part in (tile, gap)][:-1])


def flow_on_face(found: Score) -> np.ndarray:
    """Draw flow as colours and arrows over the faded onset, with the colour wheel."""
    grey = cv2.cvtColor(enlarged(found.onset_face), cv2.COLOR_RGB2GRAY)[..., None]
    colours = enlarged(draw_flow(found.facial_flow, FULL_PX))
    tinted = (colours * (0.45 + 0.55 * grey / 255.0)).astype(np.uint8)
    twice = cv2.resize(
        tinted,
        (2 * found.facial_flow.shape[1], 2 * found.facial_flow.shape[0]),
        interpolation=cv2.INTER_CUBIC,
    )
    picture = cv2.resize(
        draw_arrows(twice, found.facial_flow)[: len(twice)], (SIDE, SIDE), interpolation=cv2.INTER_AREA
    )
    wheel = draw_legend(FULL_PX)
    picture[-len(wheel) - 6 : -6, -wheel.shape[1] - 6 : -6] = wheel
    return picture


def enlarged(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def screenshot(page: Path, width: int, height: int) -> Image.Image:
    """Return the top of a page as headless Chromium shows it."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("Chromium is not installed. Install it (Debian: apt install chromium).")
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "page.png"
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={width},{height}"]
        subprocess.run([browser, *options, f"--screenshot={shot}", page.absolute().as_uri()], check=True)
        return Image.open(shot).convert("RGB").crop((0, 0, width, height))


def main(demo: Path) -> None:
    clip = demo / "portrait_clip"
    found = score(clip if clip.is_dir() else write_clip(clip), fps=FPS)
    Image.fromarray(scored_face(found)).save(PICTURES / "scored-face.jpg", quality=88, optimize=True)
    if (demo / "run" / "report.html").is_file():
        report = screenshot(demo / "run" / "report.html", PAGE_WIDTH, PAGE_HEIGHT)
        report.quantize(64).save(PICTURES / "report.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
