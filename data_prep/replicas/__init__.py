"""Writers of small synthetic datasets in the native layouts, quirks included: one file per dataset.

They show what a right folder looks like, and let loaders be tested without the licensed data. Each file has
`write(root, clips)` and `EMOTIONS`, the dataset's own words.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np

from mer.disk import write_text

MARKER = "SYNTHETIC.txt"  # lies in the root of every replica, so that what is made from it says what it is


def mark(root: Path) -> None:
    """Write the marker that makes `mer prepare`, and all that follows, call this dataset synthetic."""
    write_text(root / MARKER, "Synthetic faces in the layout of a published dataset, drawn by mer. No real person, no finding.\n")


@dataclass(frozen=True)
class ReplicaClip:
    """One clip to write; `frames(i)` gives its i-th image from the onset (i = 0) to the offset, (H, W, 3) uint8 RGB."""

    subject: int
    index: int  # from 1, unique within the subject
    emotion: str  # the dataset's own word
    action_units: str
    onset: int
    apex: int | None  # None is written as the dataset writes a missing apex
    offset: int
    frames: Callable[[int], np.ndarray]
