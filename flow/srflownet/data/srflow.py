"""Reader of SRFlow and SRFlow3D, real or rendered by `flow/splatting/write_dataset.py`.

Both documented folder orders are supported: `<split>/<kind>/<subject>` and `<split>/<subject>/<kind>`;
forward flow is named `flow` or `flow_F`.

References
----------
J. Zhang and D. Li, SRFlow, arXiv 2601.06479, and the README of the authors' SRFlow3D.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from flow import io
from flow.srflownet.data.generic import TrainingPair
from mer_core.errors import NotFound, UnreadableFile

FOLDER_TREE = """ROOT/
  train/  test/
    render/<subject>/0000.jpg 0001.jpg ...   (or <subject>/render/)
    mask/<subject>/0000.jpg ...              the whole silhouette
    flow/<subject>/0000.flo ...              from render NNNN to the next; flow_F in SRFlow3D
    depth, scaled_inv_depth, camera, ...     not needed for flow
"""


class SRFlowPairs:
    """The pairs of one split, in order of subject and frame; an item is a `TrainingPair`.

    The mask is the silhouette. Report errors inside it: outside, flow is zero.

    Parameters
    ----------
    root : path
        Folder with train/ and test/.
    """

    def __init__(self, root: str | Path, split: str = "train") -> None:
        self.root = Path(root)
        folder = self.root / split
        if not folder.is_dir():
            raise NotFound(f"{root} holds no {split}/ folder. It should look like this:\n{FOLDER_TREE}")
        self.pairs = [pair for flow in _flow_folders(folder) for pair in _list_pairs(flow)]
        if not self.pairs:
            raise NotFound(
                f"{folder} holds no pairs: no .flo file with its two renders. It should look like "
                f"this:\n{FOLDER_TREE}"
            )

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> TrainingPair:
        return read_pair(*self.pairs[index])

    def subject(self, index: int) -> str:
        """Return the subject of pair `index`."""
        parts = self.pairs[index][2].relative_to(self.root).parts
        return parts[2] if parts[1] in ("flow", "flow_F") else parts[1]


def _flow_folders(split: Path) -> Iterator[Path]:
    """Yield folders with .flo files of one subject each, in either folder order."""
    found = [
        f
        for name in ("flow", "flow_F")
        for pattern in (f"{name}/*", f"*/{name}")
        for f in split.glob(pattern)
    ]
    yield from sorted({f for f in found if f.is_dir() and next(f.glob("*.flo"), None)})


def _list_pairs(flow: Path) -> Iterator[tuple[Path, Path, Path, Path | None]]:
    """Yield (render, next render, flow, mask) of one subject; flow without a next render is skipped."""

    def beside(kind: str) -> Path:
        return (
            flow.parent / kind if flow.name in ("flow", "flow_F") else flow.parent.parent / kind / flow.name
        )

    renders, masks = pictures_by_name(beside("render")), pictures_by_name(beside("mask"))
    for path in sorted(flow.glob("*.flo")):
        if path.stem in renders and next_name(path.stem) in renders:
            yield renders[path.stem], renders[next_name(path.stem)], path, masks.get(path.stem)


def pictures_by_name(folder: Path) -> dict[str, Path]:
    """Return the pictures of a folder by their names without suffix."""
    return {p.stem: p for p in sorted(folder.glob("*")) if p.suffix.lower() in (".jpg", ".jpeg", ".png")}


def next_name(name: str) -> str:
    """Return the name of the next frame, its last number plus one: a_9 -> a_10; "" without a number."""
    return re.sub(r"^(.*?)(\d+)(\D*)$", _next_number, name) if re.search(r"\d", name) else ""


def _next_number(match: re.Match[str]) -> str:
    head, last, tail = match.groups()
    return f"{head}{int(last) + 1:0{len(last)}d}{tail}"


def read_pair(first: Path, second: Path, flow_file: Path, mask_file: Path | None) -> TrainingPair:
    """Read a pair; without a mask file the mask is the whole frame.

    Raises
    ------
    BadInput
        Unless all files have the same size.
    """
    flow = io.read(flow_file)
    onset, apex = read_image(first), read_image(second)
    mask = read_image(mask_file)[..., 0] > 127 if mask_file else np.ones(flow.shape[:2], bool)
    if not onset.shape[:2] == apex.shape[:2] == flow.shape[:2] == mask.shape:
        raise UnreadableFile(
            f"{flow_file} is {flow.shape[:2]}, its images {onset.shape[:2]} and {apex.shape[:2]}, its mask "
            f"{mask.shape}."
        )
    return TrainingPair(onset, apex, flow, mask)


def read_image(path: Path) -> np.ndarray:
    """Read a picture, (H, W, 3) uint8 RGB; raise `BadInput` if that fails."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise UnreadableFile(f"{path} is not a picture that can be read. Copy it again.")
    return np.ascontiguousarray(image[..., ::-1])
