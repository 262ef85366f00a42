"""A small replica of any dataset, with drawn faces that a face detector finds: what a right folder looks like, to try things on."""

from functools import lru_cache
from pathlib import Path
from typing import Iterator

import numpy as np

from data_prep.replicas import ReplicaClip
from mer import registry
from mer.errors import BadInput

PEOPLE, CLIPS_EACH = 2, 2
RISE, FALL = 6, 5  # frames from onset to apex, and on to the offset
SIZE = 256  # px of the square frames
PEAK_PX = 2.0  # motion of the farthest-moving site at the apex
# Words of the datasets that are no emotion an actor can show, and what is shown for them.
SHOWN = {
    "happy": "happiness", "positive": "happiness", "negative": "disgust", "sad": "sadness", "tense": "anger",
    "others": "contempt", "other": "contempt", "": "surprise",
}  # fmt: skip


def write_small(name: str, root: str | Path) -> list[str]:
    """Write a replica of the dataset `name` (2 people, 2 clips each) into the new or empty folder `root`.

    Returns its files below `root`, sorted. Raises `UnknownName` for a dataset that is not listed, `BadInput` for a folder
    that holds anything.
    """
    writer, root = registry.load("data_prep.replicas", name), Path(root)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise BadInput(f"{root} is not empty. Name a new folder.")
    root.mkdir(parents=True, exist_ok=True)
    writer.write(root, list(_clips(writer.EMOTIONS)))
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def _clips(words: tuple[str, ...]) -> Iterator[ReplicaClip]:
    from flow import actors  # drawn on the ground of this package: the other way round it would go in circles

    for subject in range(1, PEOPLE + 1):
        for index in range(1, CLIPS_EACH + 1):
            word = words[((subject - 1) * CLIPS_EACH + index - 1) % len(words)]
            first = word.lower().split("+")[0]
            units = actors.EMOTIONS[SHOWN.get(first, first)][0]
            onset = 100 * index + 46
            cells = "+".join(map(str, units))
            yield ReplicaClip(subject, index, word, cells, onset, onset + RISE, onset + RISE + FALL, _film(subject, units))


def _film(subject: int, units: tuple[int, ...]):
    """Frame i of a face that moves from rest (0) to its apex (`RISE`) and back, as a function, each frame drawn once."""
    from flow import actors

    moves = {site: (PEAK_PX * dx, PEAK_PX * dy) for site, (dx, dy) in actors.moves(units).items()}
    person = actors.actor(subject, SIZE)
    phase = np.concatenate([np.linspace(0, np.pi, RISE + 1), np.linspace(np.pi, 2 * np.pi, FALL + 1)[1:]])

    @lru_cache(maxsize=1)
    def frame(i: int) -> np.ndarray:
        noise = np.random.default_rng([subject, *units, i])
        return person.frame(moves, (1 - np.cos(phase[i])) / 2, noise_rng=noise)

    return frame
