"""Selects the pairs of the flow benchmark: photographs, rendered people, or animated portraits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flow.benchmark.pairs import BenchmarkPair, h264_pairs, jpeg_pairs, photograph_pairs, rendered_pairs
from flow.benchmark.scanned import ScannedSource, scanned_pairs
from flow.benchmark.table import PEAK_EDGES
from mer_core.errors import BadSetting


@dataclass(frozen=True)
class PairSource:
    """Pairs of one kind and the coding of their frames.

    Attributes
    ----------
    kind : Literal['photographs', 'rendered', 'scanned']
        `photographs` under sums of Gaussian pulls, `rendered` people moved by muscles, `scanned` expressions
        on portraits.
    faces : path or None
        Folder with more photographs, see `flow.benchmark.pairs.load_photographs`.
    smooth : bool
        Wide pulls only, as in tables before version 0.2.
    portraits, head_model : path or None
        For scanned motion, see `flow.benchmark.scanned.ScannedSource`.
    h264, jpeg : int or None
        Constant rate factor or quality, if the frames are coded.
    limit : bool
        Add the limit to the table; applies to motion of a linear family and uncoded frames.

    Raises
    ------
    BadInput
        If options of another kind are given.
    """

    kind: Literal["photographs", "rendered", "scanned"] = "photographs"
    faces: Path | None = None
    smooth: bool = False
    portraits: Path | None = None
    head_model: Path | None = None
    h264: int | None = None
    jpeg: int | None = None
    limit: bool = True

    def __post_init__(self) -> None:
        if self.kind != "photographs" and (self.faces or self.smooth):
            raise BadSetting(
                f"--faces and --smooth belong to the benchmark on photographs, not to --{self.kind}."
            )
        if self.kind != "scanned" and (self.portraits or self.head_model):
            raise BadSetting("--portraits and --head-model belong to --scanned. Add it or omit them.")
        if self.h264 is not None and self.jpeg is not None:
            raise BadSetting("--h264 and --jpeg are two coders. Choose one.")

    def pairs(self, size: int, count: int, seed: int, still: bool) -> Iterator[BenchmarkPair]:
        """Yield `count` pairs of (size, size) frames; still pairs differ by noise only."""
        limit = self.limit and self.h264 is None and self.jpeg is None
        if self.kind == "rendered":
            pairs = rendered_pairs(size, count, seed, still)
        elif self.kind == "scanned":
            pairs = scanned_pairs(size, count, seed, self._scanned, still, limit)
        else:
            pairs = photograph_pairs(size, count, seed, self.faces, still, self.smooth, limit)
        if self.h264 is not None:
            return h264_pairs(pairs, self.h264)
        return pairs if self.jpeg is None else jpeg_pairs(pairs, self.jpeg)

    @property
    def peak_edges(self) -> Sequence[float]:
        """Edges of the bins of the longest motion, px at 224."""
        return (0.3, 1.0, 3.0, 6.0) if self.kind == "scanned" else PEAK_EDGES

    def command_options(self) -> list[str]:
        """Return the options of `mer flow benchmark` that select these pairs; folders as placeholders."""
        words = [] if self.kind == "photographs" else [f"--{self.kind}"]
        words += ["--smooth"] * self.smooth + ["--faces DIR"] * (self.faces is not None)
        words += ["--portraits DIR"] * (self.portraits is not None)
        words += ["--head-model FILE"] * (self.head_model is not None)
        words += [f"--h264 {self.h264}"] * (self.h264 is not None)
        words += [f"--jpeg {self.jpeg}"] * (self.jpeg is not None)
        return words + ["--no-limit"] * (not self.limit)

    @property
    def title(self) -> str:
        """Heading of the page of results."""
        pulls = "wide pulls" if self.smooth else "pulls"
        moved = {
            "photographs": f"photographs moved by {pulls}",
            "rendered": "rendered people moved by muscles",
            "scanned": "portraits moved as scanned people move",
        }[self.kind]
        return f"Flow methods on {moved}"

    def describe(self) -> list[str]:
        """Return who and what moves, for the head of a table."""
        if self.kind == "scanned":
            return self._scanned.describe()
        if self.kind == "rendered":
            return [
                "People: rendered, not used in training",
                "Motion: muscles, head, lids and gaze of the splat engine",
            ]
        widths = "wide" if self.smooth else "wide and narrow, slopes to .45"
        more = (
            ""
            if self.faces is None
            else ", and photographs of --faces (whether training used them is not checked)"
        )
        return [
            f"People: scikit-image's astronaut, not used in training{more}",
            f"Motion: sums of Gaussian pulls at the sites of facial muscles, {widths}",
        ]

    @property
    def _scanned(self) -> ScannedSource:
        return ScannedSource(self.portraits, self.head_model)


PHOTOGRAPHS = PairSource()
