"""A small replica of any dataset, with rendered faces that a face detector finds: what a right folder looks
like, to try things on.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_prep.layouts import ReplicaClip
from mer_core import registry
from mer_core.errors import BadInput

PEOPLE, CLIPS_EACH = 2, 2
RISE, FALL = 6, 5  # frames from onset to apex, and on to the offset
SIZE = 256  # px of the square frames
PEAK_PX = 2.0  # motion of the farthest-moving landmark at the apex
# Words of the datasets that are no emotion an actor can show, and what is shown for them; for a word of your
# own, `OTHERS`.
SHOWN = {
    "happy": "happiness", "positive": "happiness", "negative": "disgust", "sad": "sadness", "tense": "anger",
    "others": "contempt", "other": "contempt", "": "surprise",
}  # fmt: skip
OTHERS = "happiness"


def write_small(name: str, root: str | Path) -> list[str]:
    """Write a replica of the dataset `name` (2 people, 2 clips each) into the new or empty folder `root`.

    Returns its files below `root`, sorted. Raises `UnknownName` for a dataset that is not listed, `BadInput`
    for a folder that holds anything.
    """
    writer, root = registry.load("data_prep.layouts", name), Path(root)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise BadInput(f"{root} is not empty. Name a new folder.")
    root.mkdir(parents=True, exist_ok=True)
    writer.write(root, list(_clips(writer.EMOTIONS)))
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def _clips(words: tuple[str, ...]) -> Iterator[ReplicaClip]:
    from flow.splatting import recipes  # at call time: flow stands above this package
    from flow.splatting.actor import Actor
    from flow.splatting.expression import film

    for subject in range(1, PEOPLE + 1):
        actor = Actor(subject, SIZE)
        for index in range(1, CLIPS_EACH + 1):
            rng = np.random.default_rng([subject, index])
            word = words[((subject - 1) * CLIPS_EACH + index - 1) % len(words)]
            first = word.lower().split("+")[0]
            shown = SHOWN.get(first, first)
            actions = recipes.draw(shown if shown in recipes.EMOTIONS else OTHERS, rng)
            frames = list(film(actor, actions, PEAK_PX, RISE, FALL, rng))
            onset = 100 * index + 46
            yield ReplicaClip(
                subject,
                index,
                word,
                recipes.coded(actions),
                onset,
                onset + RISE,
                onset + RISE + FALL,
                frames.__getitem__,
            )
