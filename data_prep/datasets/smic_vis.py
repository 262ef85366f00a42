"""SMIC-VIS: the last eight subjects of `smic`, recorded by an ordinary camera at 25 frames per second."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from data_prep.clip_images import FrameFile
from data_prep.dataset_files import DatasetFacts
from data_prep.datasets import smic

FACTS: DatasetFacts = replace(
    smic.FACTS,
    title="SMIC-VIS",
    fps=25,
    subjects=8,
    unverified=True,  # the emotions; https://www.oulu.fi/cmvs/node/41319 counts 71 clips
    clips=71,
    emotions={"negative": 23, "positive": 28, "surprise": 20},
)

TREE = smic.TREE.replace("HS", "VIS").replace(" (157 clips)", "")


def read_annotations(root: Path) -> pd.DataFrame:
    """Read the clip table of this camera; apexes stay empty."""
    return smic.read_camera(Path(root), "VIS", "smic_vis", FACTS.fps)


def frame_files(root: Path, row) -> dict[int, FrameFile]:
    """Return the frame files of one clip by number; raise `BadInput` if its folder is missing."""
    return smic.camera_files(Path(root), "VIS", row)
