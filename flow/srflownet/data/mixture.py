"""Several sources of training pairs as one endless set, in given fractions."""

from pathlib import Path
from typing import Any

import numpy as np

from flow.srflownet.data.animated_portraits import AnimatedPortraits
from flow.srflownet.data.facialflownet import FacialFlowNetPairs
from flow.srflownet.data.generic import GenericPairs, TrainingPair
from flow.srflownet.data.pulled_portraits import PulledPortraits
from flow.srflownet.data.pulled_renders import PulledRenders
from flow.srflownet.data.render_pool import PooledPairs, random_crop
from flow.srflownet.data.srflow import SRFlowPairs
from mer_core.errors import BadSetting
from mer_core.registry import check_name

DATASET_READERS = {"srflow": SRFlowPairs, "facialflownet": FacialFlowNetPairs}
POOL_SOURCES = {"pool": PooledPairs, "pulled_renders": PulledRenders}
PORTRAIT_SOURCES = {"animated_portraits": AnimatedPortraits, "pulled_portraits": PulledPortraits}


class SourceMixture:
    """Draw pair `index` from one source, chosen by the fractions.

    Parameters
    ----------
    fractions : dict
        Source -> fraction. Sources are `generic`, `splat` (faces rendered on the fly), `pool` (faces rendered
        beforehand, render_pool.py), `pulled_renders` (the same faces under Gaussian pulls),
        `animated_portraits` and `pulled_portraits` (portraits under scanned expressions or steep pulls), and
        the training splits of datasets: `srflow:FOLDER`, also for the output of `mer flow render`, and
        `facialflownet:FOLDER`.
    seed : int
        Of the sources and of the choice.
    size : int
        Side of a frame, px.
    motion_range_px : range of the largest motion of a generic pair
    curriculum_pairs : int
        Pairs over which the upper end of that range grows from 1 px.
    pool_folder : path or None
        Of rendered faces.
    portrait_files : (str, str, str) or None
        Folder of portraits, head model, and folder that caches head fits.
    """

    def __init__(
        self,
        fractions: dict[str, float],
        seed: int,
        size: int,
        motion_range_px: tuple[float, float],
        curriculum_pairs: int = 0,
        pool_folder: str | Path | None = None,
        portrait_files: tuple[str, str, str] | None = None,
    ):
        if not fractions or min(fractions.values()) < 0 or sum(fractions.values()) <= 0:
            raise BadSetting(f"The fractions of the training data must be positive, not {fractions}.")
        self.seed, self.size = seed, size
        self.motion_range_px, self.curriculum_pairs = motion_range_px, curriculum_pairs
        self.pool_folder, self.portrait_files = pool_folder, portrait_files
        self.names = list(fractions)
        self.fractions = np.array(list(fractions.values())) / sum(fractions.values())
        self.sources = {name: self._create_source(name) for name in self.names}

    def __getitem__(self, index: int) -> TrainingPair:
        rng = np.random.default_rng((self.seed, 1, index))
        name = self.names[rng.choice(len(self.names), p=self.fractions)]
        if name == "generic" and index < self.curriculum_pairs:
            low, high = self.motion_range_px
            high = np.exp(np.log(high) * index / self.curriculum_pairs)
            return GenericPairs(self.seed, self.size, (low, max(1.0, high)))[index]
        return self.sources[name][index]

    def _create_source(self, name: str) -> Any:
        """Return the source `name`; raise `BadInput` if its files are not configured."""
        kind, _, folder = name.partition(":")
        if folder:
            check_name(kind, sorted(DATASET_READERS), "dataset of training pairs")
            return FolderPairs(DATASET_READERS[kind](folder), self.seed, self.size)
        choices = ["generic", "splat", *POOL_SOURCES, *PORTRAIT_SOURCES]
        check_name(name, choices, "source of training pairs")
        if name == "generic":
            return GenericPairs(self.seed, self.size, self.motion_range_px)
        if name == "splat":
            return SplatPairs(self.seed, self.size)
        if name in POOL_SOURCES:
            if self.pool_folder is None:
                raise BadSetting(
                    f"The source {name} needs rendered faces. Set pool_folder in the configuration."
                )
            return POOL_SOURCES[name](self.pool_folder, self.seed, self.size)
        if self.portrait_files is None:
            raise BadSetting(
                f"The source {name} needs portraits and a head model. Set portraits, head_model and "
                "head_fit_cache in the configuration."
            )
        portraits, head_model, cache = self.portrait_files
        return PORTRAIT_SOURCES[name](portraits, head_model, self.seed, self.size, cache)


class FolderPairs:
    """Endless indexable set of crops of a dataset's pairs, recorded by a simulated camera."""

    def __init__(self, pairs: SRFlowPairs | FacialFlowNetPairs, seed: int, size: int):
        self.pairs, self.seed, self.size = pairs, seed, size

    def __getitem__(self, index: int) -> TrainingPair:
        rng = np.random.default_rng((self.seed, 4, index))
        return random_crop(rng, self.size, self.pairs[int(rng.integers(len(self.pairs)))])


class SplatPairs:
    """Endless indexable set of faces rendered on the fly, with camera faults."""

    def __init__(self, seed: int, size: int):
        self.seed, self.size = seed, size

    def __getitem__(self, index: int) -> TrainingPair:
        from flow.splatting.scenes import render_pair

        pair = render_pair(self.seed, index, self.size, gpu=True)
        return TrainingPair(pair.frame1, pair.frame2, pair.flow, pair.face)
