"""Landmarks that a disk damaged are refused, and prepared again."""

import numpy as np
import pytest

from data_prep.prepare_clip import LANDMARKS_FILE, load_outcome
from data_prep.prepared import PreparedDataset
from mer_core.errors import BadInput


@pytest.mark.parametrize("damage", ["cut", "other arrays"])
def test_damaged_landmarks(tmp_path, damage):
    folder = tmp_path / "faces" / "s" / "c"
    folder.mkdir(parents=True)
    np.savez(folder / LANDMARKS_FILE, other=np.zeros((478, 2)))
    if damage == "cut":
        (folder / LANDMARKS_FILE).write_bytes((folder / LANDMARKS_FILE).read_bytes()[:200])
    prepared = PreparedDataset.__new__(PreparedDataset)  # its tables do not matter here
    prepared.path = tmp_path
    with pytest.raises(BadInput, match=LANDMARKS_FILE):
        prepared.landmarks("d/s/c")
    assert load_outcome(None, tmp_path, folder) is None  # so it is prepared again
