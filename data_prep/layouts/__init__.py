"""Writers of small synthetic datasets in the native layouts, quirks included: one file per dataset.

They show what a right folder looks like, and let loaders be tested without the licensed data. Each file has
`write(root, clips)` and `EMOTIONS`, the dataset's own words. `mer/demo/replica.py` fills any of them with rendered faces.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from data_prep.frames import write_image
from mer_core.io import write_text

MARKER = "SYNTHETIC.txt"  # lies in the root of every replica, so that what is made from it says what it is


def write_marker(root: Path) -> None:
    """Write the marker that makes `mer prepare`, and all that follows, call this dataset synthetic."""
    write_text(
        root / MARKER,
        "Synthetic faces in the layout of a published dataset, drawn by mer. No real person, no finding.\n",
    )


@dataclass(frozen=True)
class ReplicaClip:
    """One clip to write; `frames(i)` gives its i-th image from the onset (i = 0) to the offset, (H, W, 3)
    uint8 RGB.
    """

    subject: int
    index: int  # from 1, unique within the subject
    emotion: str  # the dataset's own word
    action_units: str
    onset: int
    apex: int | None  # None is written as the dataset writes a missing apex
    offset: int
    frames: Callable[[int], np.ndarray]
    name: str = (
        ""  # of the clip, as the dataset names it; where empty, the writer makes one of subject and index
    )


def write_frames(folder: Path, clip: ReplicaClip, pattern: str, start: int | None = None) -> None:
    """Write the clip's images into `folder`, named by `pattern` with {} for the number, from the onset or
    `start` on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = clip.onset if start is None else start
    for i in range(clip.offset - clip.onset + 1):
        write_image(folder / pattern.format(start + i), clip.frames(i))


def write_workbook(path: Path, **sheets: list[tuple]) -> None:
    """Write a spreadsheet of named sheets, each a list of rows of cells; nothing is added to them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pd.ExcelWriter(path) as book:
        for name, rows in sheets.items():
            pd.DataFrame(rows).to_excel(book, sheet_name=name, header=False, index=False)
