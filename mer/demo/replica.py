"""A small replica of any dataset, with rendered faces that a face detector finds: what a correct folder looks
like, to try things on.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import numpy as np

from data_prep.layouts import ReplicaClip
from mer_core import parallel, registry
from mer_core.errors import BadInput

PEOPLE, CLIPS_EACH = 4, 3  # enough to leave each subject out, with three labels
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


@dataclass(frozen=True)
class Take:
    """One clip to draw: who shows which of the dataset's words, and the how-manieth clip of the person."""

    subject: int
    index: int
    word: str

    @property
    def rng(self) -> np.random.Generator:
        """Everything random about this clip."""
        return np.random.default_rng([self.subject, self.index])

    def draw(self) -> tuple[str, list[np.ndarray]]:
        """Return the action units shown, as coders write them, and the frames (SIZE, SIZE, 3) uint8 RGB."""
        from flow.splatting import expression, recipes  # at call time: heavy

        first = self.word.lower().split("+")[0]
        shown = SHOWN.get(first, first)
        rng = self.rng
        actions = recipes.draw_actions(shown if shown in recipes.EMOTIONS else OTHERS, rng)
        frames = list(expression.film_expression(_actor(self.subject), actions, PEAK_PX, RISE, FALL, rng))
        return recipes.facs_code(actions), frames


def write_small(name: str, root: str | Path, jobs: int | None = None) -> list[str]:
    """Write a replica of the dataset `name` (`PEOPLE` people, `CLIPS_EACH` clips each) into `root`.

    Parameters
    ----------
    name : str
        A dataset of `data_prep.layouts`.
    root : path
        A new or empty folder.
    jobs : int or None
        Number of processes; None uses all cores.

    Returns
    -------
    list of str
        The files below `root`, sorted.

    Raises
    ------
    UnknownName
        For a dataset that is not listed.
    BadInput
        For a folder that is not empty.
    """
    writer, root = registry.load("data_prep.layouts", name), Path(root)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise BadInput(f"{root} is not empty. Choose a new folder as --out.")
    takes = plan(writer.EMOTIONS)
    drawn = list(parallel.map_items(Take.draw, takes, f"Drawing {name}", jobs=jobs, ordered=True))
    root.mkdir(parents=True, exist_ok=True)
    writer.write(root, [_clip(take, *made) for take, made in zip(takes, drawn)])
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def plan(words: tuple[str, ...]) -> list[Take]:
    """Return who shows what: the words in turn, so that each person shows different ones."""
    return [
        Take(person + 1, clip + 1, words[(person * CLIPS_EACH + clip) % len(words)])
        for person in range(PEOPLE)
        for clip in range(CLIPS_EACH)
    ]


def describe(name: str, root: Path, files: list[str]) -> list[str]:
    """Return what was written, the images of a folder in one line, and the commands that come next."""
    lines = [f"{root}: {PEOPLE * CLIPS_EACH} rendered clips of {PEOPLE} people in the layout of {name}"]
    for _, group in groupby(files, key=lambda file: Path(file).parent):
        inside = list(group)
        many = len(inside) > 3
        lines += [f"  {inside[0]} ... {Path(inside[-1]).name}"] if many else [f"  {file}" for file in inside]
    return [*lines, "Next:", *(f"  {command}" for command in next_commands(name, root))]


def next_commands(name: str, root: Path) -> list[str]:
    """Return the commands that go from a replica to scores; without labels, to prepared faces."""
    source = f"--index {root / 'clips.csv'}" if name == "table" else f"--root {root}"
    prepared = f"prepared/{root.name}"
    commands = [
        f"mer prepare {name} {source} --check",
        f"mer prepare {name} {source} --out {prepared}",
        f"mer flow estimate {prepared}",
    ]
    if any(registry.load("data_prep.layouts", name).EMOTIONS):
        commands.append(f"mer cv {prepared} --protocol labels --classifier logistic --out runs/{root.name}")
    return commands


def _clip(take: Take, action_units: str, frames: list[np.ndarray]) -> ReplicaClip:
    onset = 100 * take.index + 46
    offset = onset + RISE + FALL
    return ReplicaClip(
        take.subject, take.index, take.word, action_units, onset, onset + RISE, offset, frames.__getitem__
    )


@lru_cache(maxsize=1)
def _actor(subject: int):
    """The clips of one person follow each other, and drawing a person takes as long as three frames."""
    from flow.splatting.actor import Actor

    return Actor(subject, SIZE)
