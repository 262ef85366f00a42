"""Several sources of training pairs as one endless set, in given shares."""

from pathlib import Path

import numpy as np

from flow.srflownet.data.animated_portraits import ScannedFaces
from flow.srflownet.data.facialflownet import FacialFlowNetPairs
from flow.srflownet.data.generic import GenericPairs, Pair
from flow.srflownet.data.pulled_portraits import PulledFaces
from flow.srflownet.data.pulled_renders import MovedFaces
from flow.srflownet.data.render_pool import PooledFaces, seen_anew
from flow.srflownet.data.srflow import SRFlowPairs
from mer_core.errors import BadInput
from mer_core.registry import check_name

READERS = {"srflow": SRFlowPairs, "facialflownet": FacialFlowNetPairs}
PORTRAITS = {"scanned": ScannedFaces, "pulled": PulledFaces}


class Mixture:
    """Pair `index` comes from one source, drawn by the shares.

    shares : source -> share; the sources are `generic`, `splat` (faces rendered on the fly), `pool` (faces
        rendered beforehand, see render_pool.py), `moved` (the same under motion of another kind, see pulled_renders.py),
        `scanned` and `pulled` (portraits under expressions of scanned people or steep pulls), and the
        training splits of datasets on disk: `srflow:FOLDER`, which reads what `mer flow render` writes as
        well, and `facialflownet:FOLDER`
    seed   : of the sources and of the choice
    size   : px, side of a frame
    peak   : px, range of the largest motion of a generic pair
    widen  : pairs over which that range grows to its upper end, from 1 px
    pool   : the folder of rendered faces
    scans  : of `scanned` and `pulled`: the folder of portraits, the head model and the folder that keeps fits
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

    def __getitem__(self, index: int) -> Pair:
        name = self.names[np.random.default_rng((self.seed, 1, index)).choice(len(self.names), p=self.shares)]
        if name == "generic" and index < self.widen:
            top = np.exp(np.log(self.peak[1]) * index / self.widen)
            return GenericPairs(self.seed, self.size, (self.peak[0], max(1.0, top)))[index]
        return self.sources[name][index]

    def _source(self, name: str, pool: str | Path | None, scans: tuple[str, str, str] | None):
        kind, _, folder = name.partition(":")
        if folder:
            check_name(kind, sorted(READERS), "dataset of training pairs")
            return FolderPairs(READERS[kind](folder), self.seed, self.size)
        check_name(name, ["generic", "moved", "pool", "splat", *PORTRAITS], "source of training pairs")
        if name in PORTRAITS:
            if scans is None:
                raise BadInput(
                    f"Pairs of {name} need portraits and a head model. Set portraits, head_model and fits "
                    "in the "
                    "configuration."
                )
            portraits, head_model, fits = scans
            return PORTRAITS[name](portraits, head_model, self.seed, self.size, fits)
        if name == "generic":
            return GenericPairs(self.seed, self.size, self.peak)
        if name == "splat":
            return SplatFaces(self.seed, self.size)
        if pool is None:
            raise BadInput(
                "Training reads faces from a pool, but was told of no folder. Set pool in the configuration."
            )
        if name == "moved":
            return MovedFaces(pool, self.seed, self.size)
        return PooledFaces(pool, self.seed, self.size)


class FolderPairs:
    """Endless indexable set of parts of a dataset's pairs, seen by a camera with its faults."""

    def __init__(self, pairs: SRFlowPairs | FacialFlowNetPairs, seed: int, size: int):
        self.pairs, self.seed, self.size = pairs, seed, size

    def __getitem__(self, index: int) -> Pair:
        rng = np.random.default_rng((self.seed, 4, index))
        return seen_anew(rng, self.size, *self.pairs[int(rng.integers(len(self.pairs)))])


class SplatFaces:
    """Endless indexable set of faces rendered on the fly, with a camera's faults."""

    def __init__(self, seed: int, size: int):
        self.seed, self.size = seed, size

    def __getitem__(self, index: int) -> Pair:
        from flow.splatting.scenes import render_pair

        pair = render_pair(self.seed, index, self.size, gpu=True)
        return Pair(pair.frame1, pair.frame2, pair.flow, pair.face)
