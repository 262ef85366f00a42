"""The example clip: a rendered person who raises the brows, then smiles."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

SIZE, FPS = 320, 30
NAME = "example.mp4"
# Action units and their strengths, px that the farthest landmark moves, frames to the apex, frames back to
# rest.
SCENES = (({"1": 1.0, "2": 1.0}, 4.0, 6, 8), ({"12": 1.0, "6": 0.6}, 6.0, 7, 8))
REST = 8  # frames of the neutral face before and after each
N_FRAMES = sum(rise + fall + 1 + 2 * REST for _, _, rise, fall in SCENES)


def write_example(path: Path, cache: Path, progress: Callable[[int, int], None]) -> None:
    """Write the example to `path`, and to `cache` the first time: rendering it takes some seconds."""
    if not cache.is_file():
        _render(cache, progress)
    shutil.copyfile(cache, path)


def _render(path: Path, progress: Callable[[int, int], None]) -> None:
    import numpy as np

    from data_prep.videos.write_video import write_mp4
    from flow.splatting.actor import Actor
    from flow.splatting.expression import film_expression

    actor, rng = Actor(77, SIZE), np.random.default_rng(0)

    def frames() -> Iterator[np.ndarray]:
        n_drawn = 0
        for units, peak_px, n_rise, n_fall in SCENES:
            for image in film_expression(actor, units, peak_px, n_rise, n_fall, rng, rest=REST):
                yield image
                n_drawn += 1
                progress(n_drawn, N_FRAMES)

    write_mp4(path, frames(), FPS, crf=14)
