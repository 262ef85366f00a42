"""Read recorded people as the bundle does, to fit it (recorded_maps.py) or to measure it (portrait_clips.py).

What each person gave is kept in a file under the hashes of the flow network and of the code that recorded it.
"""

import ast
import hashlib
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from benchmarks import portrait_clips, recorded_maps, rendered_people, scanned_maps, synthetic_maps
from benchmarks.portrait_clips import Pair
from flow.estimate import Method, file_digest, load_method
from flow.splatting.head_model import HeadModel, load_head_model
from flow.splatting.held_out import Split
from flow.splatting.portrait_motion import FittedPortrait
from flow.srflownet import compact, lucas_kanade
from flow.srflownet.data.animated_portraits import fit_portraits, load_fitted_portrait
from mer.features import flow_image
from mer.inference.motion import subtract_head
from mer_core.io import read_npz, write_npz
from mer_core.progress import track

METHOD, OPTIONS = "srflownet", {"network": "compact"}
FEATURE: dict[str, Any] = {"size": 28, "crop": "box"}
RECORDED_BY = (portrait_clips, recorded_maps, rendered_people, scanned_maps)
READ_BY = (compact, lucas_kanade)


class Clips(NamedTuple):
    """Recorded people as the bundle reads them."""

    people: np.ndarray  # (N,) int
    shown: np.ndarray  # (N,) str, label or what else was shown
    moved: np.ndarray  # (N,) float, `FacialMotion.strength`
    X: np.ndarray  # (N, 3, H, W) float32, feature

    def where(self, mask: np.ndarray) -> "Clips":
        """Return the maps for which `mask` (N,) bool holds."""
        return Clips(*(values[mask] for values in self))


@dataclass(frozen=True)
class People:
    """Portraits and a head model, with the folders that keep fits of the portraits and what was read."""

    portraits: Path
    head_model: Path
    fits: Path
    work: Path

    @cached_property
    def model(self) -> HeadModel:
        return load_head_model(self.head_model)

    @cached_property
    def method(self) -> Method:
        return load_method(METHOD, **OPTIONS)

    @property
    def network(self) -> str:
        """Name the flow network: the start of the hash of its weights, and the hash of its code."""
        assert self.method.weights is not None
        return f"{self.method.weights[:8]}-{code_digest(READ_BY)}"

    def to_measure(self, people: Iterable[int], seed: int, moves: tuple[float, float]) -> Clips:
        """Read held-out portraits; `moves` is a constant of portrait_clips.py."""
        size = "large" if moves == portrait_clips.LARGE else "small"
        names = self._names("held_out")

        def pairs(person: int) -> list[Pair]:
            face = self._face(names[person])
            return portrait_clips.pairs_of_person(self.model, face, person, seed, self.method, moves)

        files = {person: f"{size}-{seed}-{Path(names[person]).stem}" for person in people}
        return self._read(files, pairs)

    def to_fit_on(self, portraits: int, actors: int) -> Clips:
        """Read the first portraits that may be trained on, and rendered people; `shown` are labels."""
        names = self._names("train")

        def moved_portrait(person: int) -> list[Pair]:
            return recorded_maps.portrait_pairs(self.model, self._face(names[person]), person, self.method)

        def actor(person: int) -> list[Pair]:
            return recorded_maps.actor_pairs(self.model, person, self.method)

        faces = {person: f"portrait-{Path(names[person]).stem}" for person in range(portraits)}
        heads = {person: f"actor-{person}" for person in range(actors)}
        found = joined(self._read(faces, moved_portrait), self._read(heads, actor))
        return found._replace(shown=np.array([scanned_maps.label_of(kind) for kind in found.shown]))

    def modelled(self, count: int, seed: int) -> Clips:
        """Make maps of scanned_maps.py, which no network has read; their motion has no unit."""
        path = (
            self.work
            / f"modelled-{count}-{seed}-{file_digest(self.head_model)}-{code_digest([scanned_maps])}.npz"
        )
        return _made(
            path, scanned_maps.CLIPS_PER_PERSON, lambda: scanned_maps.make_maps(self.model, count, seed)
        )

    def modelled_muscles(self, count: int, seed: int) -> Clips:
        """Make maps of synthetic_maps.py, as `modelled` does."""
        path = self.work / f"muscles-{count}-{seed}-{code_digest([scanned_maps, synthetic_maps])}.npz"
        return _made(path, synthetic_maps.CLIPS_PER_PERSON, lambda: synthetic_maps.make_maps(count, seed))

    def strangers(self, people: Iterable[int]) -> Clips:
        """Read people of the engine's own muscles, who show emotions only."""

        def pairs(person: int) -> list[Pair]:
            return recorded_maps.stranger_pairs(person, self.method)

        return self._read({person: f"stranger-{person}" for person in people}, pairs)

    def _names(self, split: Split) -> list[str]:
        return fit_portraits(self.portraits, self.model, self.fits, split)

    def _face(self, name: str) -> FittedPortrait:
        return load_fitted_portrait(self.portraits, name, self.fits)

    def _read(self, files: dict[int, str], pairs: Callable[[int], list[Pair]]) -> Clips:
        """Read people, those of whom no file exists; `files` names the file of each number of a person."""
        ending = f"{self.network}-{code_digest(RECORDED_BY)}.npz"
        parts = []
        for person, name in track(list(files.items()), f"People, {len(files)} files"):
            path = self.work / f"{name}-{ending}"
            if not path.is_file():
                write_npz(path, **_measured(person, pairs(person))._asdict())
            parts.append(Clips(**read_npz(path)))
        return concatenated(parts)


def code_digest(modules: Sequence[ModuleType]) -> str:
    """Return a hash of the code of modules, without comments, docstrings and layout."""
    digest = hashlib.sha256()
    for module in modules:
        tree = ast.parse(inspect.getsource(module))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
                del node.body[0]
        digest.update(ast.unparse(tree).encode())
    return digest.hexdigest()[:8]


def concatenated(parts: Sequence[Clips]) -> Clips:
    """Join clips, at least one part."""
    return Clips(*(np.concatenate(values) for values in zip(*parts)))


def joined(first: Clips, others: Clips) -> Clips:
    """Join clips of different people, who get different numbers."""
    return concatenated([first, others._replace(people=others.people + first.people.max() + 1)])


def _made(path: Path, per_person: int, make: Callable[[], tuple[np.ndarray, np.ndarray]]) -> Clips:
    """Return modelled maps, made where `path` does not hold them."""
    if not path.is_file():
        X, labels = make()
        people = np.arange(len(X)) // per_person
        write_npz(path, **Clips(people, labels, np.full(len(X), np.nan), X)._asdict())
    return Clips(**read_npz(path))


def _measured(person: int, pairs: list[Pair]) -> Clips:
    values = [_measure_pair(pair) for pair in pairs]
    empty = np.zeros((0, 3, FEATURE["size"], FEATURE["size"]), np.float32)
    return Clips(
        people=np.full(len(pairs), person),
        shown=np.array([pair.label for pair in pairs], str),
        moved=np.array([moved for moved, _ in values], float),
        X=np.stack([feature for _, feature in values]) if values else empty,
    )


def _measure_pair(pair: Pair) -> tuple[float, np.ndarray]:
    """Return how far the face moved, per cent of the inter-ocular distance, and the feature."""
    shown = subtract_head(pair.flow, pair.landmarks)
    return shown.strength, flow_image.extract(shown.flow, pair.landmarks, **FEATURE)
