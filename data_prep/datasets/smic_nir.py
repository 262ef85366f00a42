"""SMIC-NIR: what `smic` shows at high speed, recorded by a near-infrared camera at 25 frames per second for
the last eight subjects.
"""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from data_prep.clip_images import FrameFile
from data_prep.dataset_files import DatasetFacts
from data_prep.datasets import smic

FACTS: DatasetFacts = replace(
    smic.FACTS,
    title="SMIC-NIR",
    fps=25,
    subjects=8,
    unverified=True,  # the emotions; that there are 71 clips is said at https://www.oulu.fi/cmvs/node/41319
    clips=71,
    emotions={"negative": 23, "positive": 28, "surprise": 20},
)

TREE = smic.TREE.replace("HS", "NIR").replace(" (157 clips)", "")


def read_annotations(root: Path) -> pd.DataFrame:
    """Clip table of this camera; apexes stay empty."""
    return smic.read_camera(Path(root), "NIR", "smic_nir", FACTS.fps)


def frame_files(root: Path, row) -> dict[int, FrameFile]:
    """Frame files of one clip by number; raises `BadInput` if its folder is not there."""
    return smic.camera_files(Path(root), "NIR", row)
