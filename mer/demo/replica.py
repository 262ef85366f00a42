"""Write a small replica of any dataset with rendered faces, as an example of its folder layout."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import numpy as np

from data_prep.layouts import ReplicaClip
from mer_core import parallel, registry
from mer_core.errors import OccupiedOutput

N_SUBJECTS, N_CLIPS_EACH = 4, 3  # enough to leave each subject out, with three labels
N_RISE, N_FALL = 6, 5  # frames from onset to apex, and from apex to offset
SIZE = 256  # px of the square frames
PEAK_PX = 2.0  # motion of the farthest-moving landmark at the apex
# Annotated words without a recipe in flow/splatting/recipes.py -> the emotion that is played for them.
PLAYED_EMOTIONS = {
    "happy": "happiness", "positive": "happiness", "negative": "disgust", "sad": "sadness", "tense": "anger",
    "others": "contempt", "other": "contempt", "": "surprise",
}  # fmt: skip
DEFAULT_EMOTION = "happiness"  # for a word of your own


@dataclass(frozen=True)
class Take:
    """One clip to draw: a subject plays an annotated word of the dataset."""

    subject: int
    index: int  # of the clip, from 1 for each subject
    word: str

    @property
    def rng(self) -> np.random.Generator:
        """The random generator of this clip."""
        return np.random.default_rng([self.subject, self.index])

    def draw(self) -> tuple[str, list[np.ndarray]]:
        """Return the action units, as coders write them, and the frames, (SIZE, SIZE, 3) uint8 RGB each."""
        from flow.splatting import expression, recipes

        first = self.word.lower().split("+")[0]
        emotion = PLAYED_EMOTIONS.get(first, first)
        rng = self.rng
        actions = recipes.draw_actions(emotion if emotion in recipes.EMOTIONS else DEFAULT_EMOTION, rng)
        frames = list(expression.film_expression(_actor(self.subject), actions, PEAK_PX, N_RISE, N_FALL, rng))
        return recipes.facs_code(actions), frames


def write_replica(name: str, root: str | Path, jobs: int | None = None) -> list[str]:
    """Write a replica of a dataset: `N_SUBJECTS` subjects with `N_CLIPS_EACH` clips each.

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
        raise OccupiedOutput(f"{root} is not empty. Choose a new folder as --out.")
    takes = plan(writer.EMOTIONS)
    drawn = list(parallel.map_items(Take.draw, takes, f"Drawing {name}", jobs=jobs, ordered=True))
    root.mkdir(parents=True, exist_ok=True)
    writer.write(root, [_clip(take, *made) for take, made in zip(takes, drawn)])
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def plan(words: tuple[str, ...]) -> list[Take]:
    """Return the clips to draw: the words in turn, so that each subject plays different ones."""
    return [
        Take(person + 1, clip + 1, words[(person * N_CLIPS_EACH + clip) % len(words)])
        for person in range(N_SUBJECTS)
        for clip in range(N_CLIPS_EACH)
    ]


def describe_replica(name: str, root: Path, files: list[str]) -> list[str]:
    """Return lines on what was written, with one line per folder of images, and the next commands."""
    lines = [
        f"{root}: {N_SUBJECTS * N_CLIPS_EACH} rendered clips of {N_SUBJECTS} subjects in the layout of {name}"
    ]
    for _, group in groupby(files, key=lambda file: Path(file).parent):
        in_folder = list(group)
        if len(in_folder) > 3:
            lines.append(f"  {in_folder[0]} ... {Path(in_folder[-1]).name}")
        else:
            lines += [f"  {file}" for file in in_folder]
    return [*lines, "Next:", *(f"  {command}" for command in next_commands(name, root))]


def next_commands(name: str, root: Path) -> list[str]:
    """Return the commands from a replica to scores, or to estimated flow if it has no labels."""
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
    offset = onset + N_RISE + N_FALL
    return ReplicaClip(
        take.subject, take.index, take.word, action_units, onset, onset + N_RISE, offset, frames.__getitem__
    )


@lru_cache(maxsize=1)
def _actor(subject: int):
    """Return the actor of a subject; building one takes as long as drawing three frames."""
    from flow.splatting.actor import Actor

    return Actor(subject, SIZE)
