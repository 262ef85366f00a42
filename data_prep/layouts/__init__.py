"""Writers of small replicas in the datasets' native layouts, quirks included; one file per dataset.

Replicas show the expected folder and let the readers be tested without the licensed data. Each file defines
`write(root, clips)` and `EMOTIONS`, the dataset's own words. `mer/demo/replica.py` renders the faces.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from data_prep.frames import write_image
from mer_core.io import write_text

MARKER = "SYNTHETIC.txt"  # in the root of every replica, so that all results from it are marked synthetic


def write_marker(root: Path) -> None:
    """Write the marker by which `mer prepare` and all later steps call the dataset synthetic."""
    write_text(
        root / MARKER,
        "Synthetic faces in the layout of a published dataset, rendered by mer. No real person, no "
        "finding.\n",
    )


@dataclass(frozen=True)
class ReplicaClip:
    """One clip to write."""

    subject: int
    index: int  # from 1, unique for the subject
    emotion: str  # the dataset's own word
    action_units: str
    onset: int
    apex: int | None  # None is written as a missing apex
    offset: int
    frames: Callable[[int], np.ndarray]  # i -> (H, W, 3) uint8 RGB, with i = 0 for the onset
    name: str = ""  # in the dataset's form; the writer makes one if it is empty


def write_frames(folder: Path, clip: ReplicaClip, pattern: str, start: int | None = None) -> None:
    """Write the images of a clip.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.
    clip : ReplicaClip
        From its onset to its offset.
    pattern : str
        File name with {} for the frame number.
    start : int or None
        Number of the first file; None for the onset.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = clip.onset if start is None else start
    for i in range(clip.offset - clip.onset + 1):
        write_image(folder / pattern.format(start + i), clip.frames(i))


def write_workbook(path: Path, **sheets: list[tuple]) -> None:
    """Write a spreadsheet; each sheet is a list of rows, written without header and index."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pd.ExcelWriter(path) as book:
        for name, rows in sheets.items():
            pd.DataFrame(rows).to_excel(book, sheet_name=name, header=False, index=False)
