"""The two pictures of the README, from a finished `mer demo`: `python -m benchmarks.readme_pictures DEMO`
(needs Chromium).
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageOps

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
WIDTH = 1000  # px of a README's column


def scored_face(score: Path) -> Image.Image:
    """Return onset, arrows, flow and strain of a scored clip in one row; all faces are rendered."""
    parts = [
        Image.open(score / f"{name}.png").convert("RGB") for name in ("onset", "arrows", "flow", "strain")
    ]
    side = parts[0].height
    parts[1] = ImageOps.fit(parts[1].crop((0, 0, parts[1].width, parts[1].width)), (side, side))  # no caption
    parts = [part.crop((0, 0, part.width, side)) for part in parts]
    height = side
    row = Image.new("RGB", (sum(part.width for part in parts) + 8 * (len(parts) - 1), height), "white")
    left = 0
    for part in parts:
        row.paste(part, (left, 0))
        left += part.width + 8
    return row.resize((WIDTH, round(row.height * WIDTH / row.width)), Image.Resampling.LANCZOS)


def screenshot(page: Path, height: int) -> Image.Image:
    """Return the top of a page as headless Chromium shows it."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("Chromium is not installed. Install it (Debian: apt install chromium).")
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "page.png"
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={WIDTH},{height}"]
        subprocess.run([browser, *options, f"--screenshot={shot}", page.absolute().as_uri()], check=True)
        return Image.open(shot).convert("RGB").crop((0, 0, WIDTH, height))


def main(demo: Path) -> None:
    scored_face(demo / "new_clip_score").save(PICTURES / "scored-face.png", optimize=True)
    report = screenshot(demo / "run" / "report.html", 620)
    report.quantize(64).save(PICTURES / "report.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
