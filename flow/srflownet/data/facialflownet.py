"""Reader of FacialFlowNet: pairs of rendered faces with facial flow (expression and head) and head flow.

The published description gives the folders but not the names inside them. This reader assumes that a flow
file and its first image share their path below the split, and that the second image has the next number.

References
----------
J. Lu et al., FacialFlowNet, ACM MM 2024, arXiv 2409.05396, and the README of its repository.
"""

from pathlib import Path

from flow.srflownet.data.generic import TrainingPair
from flow.srflownet.data.srflow import next_name, pictures_by_name, read_pair
from mer_core.errors import NotFound

FOLDER_TREE = """ROOT/
  image/{facial,head}/{train,val,test}/.../NAME.png
  flow/{facial,head}/{train,val,test}/.../NAME.flo
  mask/.../NAME.png                                  (with or without a split)
"""


class FacialFlowNetPairs:
    """The pairs of one split, in order of path; an item is a `TrainingPair`.

    Parameters
    ----------
    root : path
        Folder with image/ and flow/.
    split : str
        `train`, `val` or `test`.
    motion : str
        `facial` (all motion of the face) or `head`.
    """

    def __init__(self, root: str | Path, split: str = "train", motion: str = "facial") -> None:
        self.root = root = Path(root)
        flow, image = root / "flow" / motion / split, root / "image" / motion / split
        if not flow.is_dir() or not image.is_dir():
            missing = flow if not flow.is_dir() else image
            raise NotFound(f"There is no {missing}. The dataset should look like this:\n{FOLDER_TREE}")
        self.pairs, unpaired = [], []
        for folder in sorted({p.parent for p in flow.rglob("*.flo")}):
            inside = folder.relative_to(flow)
            pictures = pictures_by_name(image / inside)
            masks = next(
                (m for m in (pictures_by_name(root / "mask" / s / inside) for s in (split, "")) if m), {}
            )
            for path in sorted(folder.glob("*.flo")):
                if path.stem in pictures and next_name(path.stem) in pictures:
                    self.pairs.append(
                        (pictures[path.stem], pictures[next_name(path.stem)], path, masks.get(path.stem))
                    )
                else:
                    unpaired.append(path)
        if not self.pairs:
            first = f" First: {unpaired[0]}." if unpaired else ""
            raise NotFound(
                f"No .flo file under {flow} has an image of its name and one of the next number.{first} It "
                f"should look like this:\n{FOLDER_TREE}"
            )

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> TrainingPair:
        return read_pair(*self.pairs[index])
