"""The clip to try: a rendered person whose brows rise and who then smiles."""

import shutil
from collections.abc import Callable
from pathlib import Path

SIZE, FPS = 320, 30
NAME = "example.mp4"
# Action units and their strengths, px that the farthest landmark moves, frames to the apex, frames back to
# rest.
SCENES = (({"1": 1.0, "2": 1.0}, 4.0, 6, 8), ({"12": 1.0, "6": 0.6}, 6.0, 7, 8))
REST = 8  # frames of the neutral face before and after each
N_FRAMES = sum(rise + fall + 1 + 2 * REST for _, _, rise, fall in SCENES)


def write_example(path: Path, cache: Path, progress: Callable[[int, int], None]) -> None:
    """Write the example to `path`, from `cache` where it has been drawn before.

    Drawing takes some seconds.
    """
    if not cache.is_file():
        _render(cache, progress)
    shutil.copyfile(cache, path)


def _render(path: Path, progress: Callable[[int, int], None]) -> None:
    import av
    import numpy as np

    from flow.splatting.actor import Actor
    from flow.splatting.expression import film_expression
    from mer_core.io import atomic_replace

    actor, rng, n_drawn = Actor(77, SIZE), np.random.default_rng(0), 0
    with atomic_replace(path) as temporary, av.open(str(temporary), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"crf": "14"})
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for actions, peak_px, rise, fall in SCENES:
            for image in film_expression(actor, actions, peak_px, rise, fall, rng, rest=REST):
                out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
                n_drawn += 1
                progress(n_drawn, N_FRAMES)
        out.mux(stream.encode())
