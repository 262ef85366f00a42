"""Several sources of training pairs as one endless set, in given shares."""

from pathlib import Path

import numpy as np

from flow.srflownet.data.animated_portraits import AnimatedPortraits
from flow.srflownet.data.facialflownet import FacialFlowNetPairs
from flow.srflownet.data.generic import GenericPairs, TrainingPair
from flow.srflownet.data.pulled_portraits import PulledPortraits
from flow.srflownet.data.pulled_renders import PulledRenders
from flow.srflownet.data.render_pool import PooledPairs, random_crop
from flow.srflownet.data.srflow import SRFlowPairs
from mer_core.errors import BadInput
from mer_core.registry import check_name

DATASET_READERS = {"srflow": SRFlowPairs, "facialflownet": FacialFlowNetPairs}
PORTRAIT_SOURCES = {"scanned": AnimatedPortraits, "pulled": PulledPortraits}


class SourceMixture:
    """Pair `index` comes from one source, drawn by the shares.

    shares : source -> share; the sources are `generic`, `splat` (faces rendered on the fly), `pool` (faces
        rendered beforehand, see render_pool.py), `moved` (the same under motion of another kind, see pulled_renders.py),
        `n_scanned` and `pulled` (portraits under expressions of scanned people or steep pulls), and the
        training splits of datasets on disk: `srflow:FOLDER`, which reads what `mer flow render` writes as
        well, and `facialflownet:FOLDER`
    seed   : of the sources and of the choice
    size   : px, side of a frame
    peak   : px, range of the largest motion of a generic pair
    widen  : pairs over which that range grows to its upper end, from 1 px
    pool   : the folder of rendered faces
    scans  : of `n_scanned` and `pulled`: the folder of portraits, the head model and the folder that keeps fits
    """

    def __init__(
        self,
        shares: dict[str, float],
        seed: int,
        size: int,
        peak: tuple[float, float],
        widen: int = 0,
        pool: str | Path | None = None,
        scans: tuple[str, str, str] | None = None,
    ):
        if not shares or min(shares.values()) < 0 or sum(shares.values()) <= 0:
            raise BadInput(f"The fractions of the training data must be positive, not {shares}.")
        self.seed, self.size, self.peak, self.widen = seed, size, peak, widen
        self.names = list(shares)
        self.shares = np.array(list(shares.values())) / sum(shares.values())
        self.sources = {name: self._source(name, pool, scans) for name in self.names}

    def __getitem__(self, index: int) -> TrainingPair:
        name = self.names[np.random.default_rng((self.seed, 1, index)).choice(len(self.names), p=self.shares)]
        if name == "generic" and index < self.widen:
            top = np.exp(np.log(self.peak[1]) * index / self.widen)
            return GenericPairs(self.seed, self.size, (self.peak[0], max(1.0, top)))[index]
        return self.sources[name][index]

    def _source(self, name: str, pool: str | Path | None, scans: tuple[str, str, str] | None):
        kind, _, folder = name.partition(":")
        if folder:
            check_name(kind, sorted(DATASET_READERS), "dataset of training pairs")
            return FolderPairs(DATASET_READERS[kind](folder), self.seed, self.size)
        check_name(name, ["generic", "moved", "pool", "splat", *PORTRAIT_SOURCES], "source of training pairs")
        if name in PORTRAIT_SOURCES:
            if scans is None:
                raise BadInput(
                    f"Pairs of {name} need portraits and a head model. Set portraits, head_model and fits "
                    "in the "
                    "configuration."
                )
            portraits, head_model, fits = scans
            return PORTRAIT_SOURCES[name](portraits, head_model, self.seed, self.size, fits)
        if name == "generic":
            return GenericPairs(self.seed, self.size, self.peak)
        if name == "splat":
            return SplatPairs(self.seed, self.size)
        if pool is None:
            raise BadInput(
                "Training reads faces from a pool, but was told of no folder. Set pool in the configuration."
            )
        if name == "moved":
            return PulledRenders(pool, self.seed, self.size)
        return PooledPairs(pool, self.seed, self.size)


class FolderPairs:
    """Endless indexable set of parts of a dataset's pairs, seen by a camera with its faults."""

    def __init__(self, pairs: SRFlowPairs | FacialFlowNetPairs, seed: int, size: int):
        self.pairs, self.seed, self.size = pairs, seed, size

    def __getitem__(self, index: int) -> TrainingPair:
        rng = np.random.default_rng((self.seed, 4, index))
        return random_crop(rng, self.size, *self.pairs[int(rng.integers(len(self.pairs)))])


class SplatPairs:
    """Endless indexable set of faces rendered on the fly, with a camera's faults."""

    def __init__(self, seed: int, size: int):
        self.seed, self.size = seed, size

    def __getitem__(self, index: int) -> TrainingPair:
        from flow.splatting.scenes import render_pair

        pair = render_pair(self.seed, index, self.size, gpu=True)
        return TrainingPair(pair.frame1, pair.frame2, pair.flow, pair.face)
