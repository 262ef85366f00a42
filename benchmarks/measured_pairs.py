"""Pairs with known motion that several networks are measured on, and the errors, both kept on disk.

`flow.benchmark` has the published tables; this is for experiments that need the error of every pair.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from flow.benchmark.pairs import BenchmarkPair
from flow.benchmark.source import PairSource
from flow.estimate import Method, estimate
from mer_core.io import atomic_replace, write_npz
from mer_core.progress import say

TITLES = {"rendered": "rendered people", "scanned": "scanned motion", "photographs": "photographs"}
DRAWS = 2000  # of the bootstrap over pairs


def sources(portraits: Path, head_model: Path, faces: Path | None) -> dict[str, PairSource]:
    """Return the three kinds of pairs, none of whose people and motions training may use."""
    return {
        "rendered": PairSource("rendered", limit=False),
        "scanned": PairSource("scanned", portraits=portraits, head_model=head_model, limit=False),
        "photographs": PairSource("photographs", faces=faces, limit=False),
    }


@dataclass(frozen=True)
class MeasuredPairs:
    """Pairs of some kinds, and the errors of methods on them.

    Attributes
    ----------
    folder : Path
        Keeps pairs and errors.
    sources : dict
        Kind -> where its pairs come from.
    seed, count : int
        Of each kind.
    size : int
        Side of a frame, px.
    """

    folder: Path
    sources: dict[str, PairSource]
    seed: int
    count: int
    size: int = 224

    def pairs(self) -> Iterator[tuple[str, int, BenchmarkPair]]:
        """Yield (kind, number, pair), each made once."""
        for kind, source in self.sources.items():
            folder = self.folder / f"pairs-{self.seed}-{self.count}" / kind
            if not (folder / f"{self.count - 1}.npz").exists():
                say(f"making {self.count} pairs of {kind}")
                for number, pair in enumerate(source.pairs(self.size, self.count, self.seed, False)):
                    arrays = dict(onset=pair.frame1, apex=pair.frame2, flow=pair.flow, mask=pair.mask)
                    write_npz(folder / f"{number}.npz", **arrays)
            for number in range(self.count):
                with np.load(folder / f"{number}.npz") as file:
                    yield (
                        kind,
                        number,
                        BenchmarkPair(file["onset"], file["apex"], file["flow"], file["mask"], 0, kind),
                    )

    def add(self, name: str, method: Method) -> None:
        """Measure a method on all pairs, unless that is done for these weights."""
        path = self._errors / f"{name}-{method.weights or 'none'}.csv"
        if path.exists():
            return
        rows = []
        for kind, number, pair in self.pairs():
            error = estimate(method, pair.frame1, pair.frame2) - pair.flow
            along_y, along_x = np.gradient(error, axis=(0, 1))
            slope = np.sqrt((along_y**2 + along_x**2).sum(-1))
            epe = np.linalg.norm(error, axis=-1)
            rows.append((kind, number, name, float(epe[pair.mask].mean()), float(slope[pair.mask].mean())))
        with atomic_replace(path) as temporary:
            table = pd.DataFrame(rows, columns=["kind", "pair", "network", "epe", "gradient_error"])
            table.to_csv(temporary, index=False)
        say(f"{name}: {table['epe'].mean():.4f} px")

    def errors(self) -> pd.DataFrame:
        """Return what is measured: kind, pair, network, epe (px), gradient_error (px per px), weights."""
        return pd.concat(
            [
                pd.read_csv(path).assign(weights=path.stem.rpartition("-")[2])
                for path in sorted(self._errors.glob("*.csv"))
            ]
        )

    @property
    def _errors(self) -> Path:
        return self.folder / f"errors-{self.seed}-{self.count}"


def change(before: np.ndarray, after: np.ndarray, decimals: int = 0) -> str:
    """Return the change of a mean error in per cent, with its 95 % interval over pairs.

    `before` and `after` (N,) px are errors on the same pairs.
    """
    value, low, high = (round(100 * ratio, decimals) + 0.0 for ratio in relative_change(before, after))
    return f"{value:+.{decimals}f} ({low:+.{decimals}f} to {high:+.{decimals}f})"


def relative_change(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float]:
    """Return the relative change of a mean error and the ends of its 95 % interval over pairs."""
    drawn = np.random.default_rng(0).integers(0, len(before), (DRAWS, len(before)))
    low, high = np.quantile(after[drawn].mean(axis=1) / before[drawn].mean(axis=1) - 1, (0.025, 0.975))
    return after.mean() / before.mean() - 1, low, high
