"""Run everything once on synthetic data: three datasets in their native layouts, evaluated; a clip scored.

The faces are rendered by the splat engine. The demo shows that the parts work together; its scores say
nothing about people.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from data_prep.frames import write_image
from data_prep.layouts import ReplicaClip
from data_prep.prepare import prepare
from data_prep.prepared import open_prepared
from flow.prepared_flow import estimate_prepared
from flow.sampling import log_uniform
from flow.splatting import recipes
from flow.splatting.actor import Actor
from flow.splatting.expression import film_expression
from mer import bundle, training
from mer.evaluation.config import CvConfig
from mer.evaluation.run import cross_validate_prepared
from mer.inference.predict import score as score_clip
from mer.report.clip_page import write_score
from mer.report.run_report import write_report
from mer_core import parallel, registry
from mer_core.errors import OccupiedOutput
from mer_core.io import write_text

CONFIG = CvConfig(
    protocol="synthetic-3", method="srflownet", feature="flow_image", classifier="mer_net", seeds=1
)
MARKER = "SYNTHETIC.txt"

N_CLIPS_PER_SUBJECT = 5
PEAK_PX = (0.3, 3.0)  # motion of the farthest-moving landmark at the apex, px of the frame, log-uniform
HEAD_SD = (0.3, 0.3, 0.06)  # head drift from onset to apex: x px, y px, roll degrees
SIZE = 320  # px of a frame
N_RISE, N_FALL = 6, 5  # frames from onset to apex, and from apex to offset


@dataclass(frozen=True)
class Cast:
    """The actors of one dataset."""

    dataset: str
    subjects: tuple[int, ...]  # numbers
    emotions: dict[str, str]  # annotated word -> emotion that is played


CASTS = (
    Cast(
        "casme2", (1, 2, 3, 4, 5), {word: word for word in ("disgust", "happiness", "surprise", "repression")}
    ),
    Cast(
        "samm",
        (6, 7, 9, 10),
        {word.capitalize(): word for word in ("anger", "happiness", "surprise", "disgust")},
    ),
    Cast("smic", (1, 2, 3, 4), {"negative": "sadness", "positive": "happiness", "surprise": "surprise"}),
)


@dataclass(frozen=True)
class Performance:
    """One synthetic person showing one emotion once, determined by `person`, `emotion` and `seed`."""

    person: int
    emotion: str
    seed: int

    @property
    def actions(self) -> dict[str, float]:
        """The action units that are shown, with their relative strengths."""
        return recipes.draw_actions(self.emotion, np.random.default_rng([self.person, self.seed, 0]))

    def film(self, rest: int = 0) -> list[np.ndarray]:
        """Return the frames from onset to offset, each (SIZE, SIZE, 3) uint8 RGB; `N_RISE` is the apex.

        `rest` frames of the neutral face come before and after.
        """
        rng = np.random.default_rng([self.person, self.seed, 1])
        peak = log_uniform(rng, *PEAK_PX)
        drift = tuple(rng.normal(0, HEAD_SD))
        return list(
            film_expression(
                _actor(self.person), self.actions, peak, N_RISE, N_FALL, rng, drift=drift, rest=rest
            )
        )


@lru_cache(maxsize=1)
def _actor(person: int) -> Actor:
    """Return the actor of a person; building one takes as long as drawing three frames."""
    return Actor(person, SIZE)


def run(out: Path) -> Iterator[str]:
    """Run the demo in folder `out`, yielding a line of text after each step.

    Raises
    ------
    BadInput
        Unless `out` is new, empty, or holds an earlier demo, which is replaced.
    """
    _clear(out)
    yield "Everything in this demo is synthetic: rendered faces, known motion, no real person."
    roots = write_datasets(out / "datasets")
    folders = []
    for name, root in roots.items():
        outcome = prepare(name, root, out / "prepared" / name)
        yield f"{name}: {(outcome['outcome'] == 'ok').sum()} of {len(outcome)} clips prepared from {root}"
    for folder in open_prepared([out / "prepared"]):
        folders.append(folder.path)
        estimate_prepared(folder, CONFIG.input_names.method)
    yield f"Optical flow by {CONFIG.method}, kept in {out / 'prepared'}"

    scores = cross_validate_prepared(folders, CONFIG, out / "run")
    report = write_report(out / "run")
    counts = f"{scores['clips']} clips of {scores['subjects']} subjects"
    yield f"{counts}, each subject left out once ({CONFIG.classifier})"

    bundle.save(training.fit(folders, CONFIG), out / "bundle")
    clip = write_new_clip(out / "new_clip")
    score = score_clip(clip, out / "bundle", fps=NEW_FPS)
    page = write_score(score, out / "new_clip_score")
    yield f"A new person, who is in none of the datasets, shows {NEW_CLIP.emotion}:\n{score.to_text()}"
    yield f"What moved in it: {page}"
    majority = scores["baselines"]["majority_of_training_subjects"]["uf1"]
    yield f"UF1 {scores['uf1']:.3f}, majority class {majority:.3f} (synthetic data). Report: {report}"


def write_datasets(out: Path) -> dict[str, Path]:
    """Write the three synthetic datasets in their native layouts below `out`; return dataset -> root."""
    roots = {}
    for cast in CASTS:
        plan = list(_plan(cast))
        plays = [play for *_, play in plan]
        films = list(
            parallel.map_items(Performance.film, plays, f"Drawing {cast.dataset}", jobs=None, ordered=True)
        )
        clips = []
        for (subject, index, word, play), recording in zip(plan, films):
            onset = 100 * index + 46
            clips.append(
                ReplicaClip(
                    subject=subject,
                    index=index,
                    emotion=word,
                    action_units=recipes.facs_code(play.actions),
                    onset=onset,
                    apex=onset + N_RISE,
                    offset=onset + N_RISE + N_FALL,
                    frames=recording.__getitem__,
                )
            )
        roots[cast.dataset] = out / cast.dataset
        registry.load("data_prep.layouts", cast.dataset).write(roots[cast.dataset], clips)
    return roots


NEW_CLIP = Performance(person=999, emotion="happiness", seed=10)
NEW_FPS = 100


def write_new_clip(out: Path) -> Path:
    """Write the frames of an actor who is in none of the datasets into `out`, and return it."""
    out.mkdir(parents=True)
    for number, image in enumerate(NEW_CLIP.film(rest=12)):
        write_image(out / f"{number:03d}.png", image)
    return out


def _plan(cast: Cast) -> Iterator[tuple[int, int, str, Performance]]:
    """Yield subject, clip index from 1, annotated word and performance of every clip.

    Each subject shows every emotion once, then random ones.
    """
    for subject in cast.subjects:
        person = 100 * CASTS.index(cast) + subject
        rng = np.random.default_rng(person)
        words = list(cast.emotions)
        words += list(rng.choice(words, N_CLIPS_PER_SUBJECT - len(words)))
        for index, word in enumerate(words, start=1):
            yield subject, index, word, Performance(person, cast.emotions[word], index)


def _clear(out: Path) -> None:
    """Delete an earlier demo in `out`; refuse any other folder that is not empty."""
    if out.is_dir() and any(out.iterdir()):
        if not (out / MARKER).is_file():
            raise OccupiedOutput(f"{out} is not empty and holds no earlier demo. Choose another --out.")
        shutil.rmtree(out)
    write_text(
        out / MARKER,
        "Everything in this folder was rendered by `mer demo`: synthetic faces, no real person.\n",
    )
