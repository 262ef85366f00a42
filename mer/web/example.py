"""The clip to try: a rendered person whose brows rise and who then smiles. Drawn at first use, kept for the server's life."""

import shutil
from pathlib import Path

SIZE, FPS = 320, 30
NAME = "example.mp4"


def write_example(path: Path, cache: Path) -> None:
    """Write the example to `path`, from `cache` where it has been drawn before. Equal calls give equal frames."""
    if not cache.is_file():
        _render(cache)
    shutil.copyfile(cache, path)


def _render(path: Path) -> None:
    import av
    import numpy as np

    from flow.splatting.actor import Actor
    from flow.splatting.expression import film
    from mer_core.io import replacing

    actor, rng = Actor(77, SIZE), np.random.default_rng(0)
    with replacing(path) as temporary, av.open(str(temporary), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"crf": "14"})
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for actions, peak_px, rise, fall in (
            ({"1": 1.0, "2": 1.0}, 4.0, 6, 8),
            ({"12": 1.0, "6": 0.6}, 6.0, 7, 8),
        ):
            for image in film(actor, actions, peak_px, rise, fall, rng, rest=8):
                out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode())
