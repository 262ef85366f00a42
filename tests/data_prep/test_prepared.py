"""Prepared folders: opened together, refused when unfinished or damaged."""

import numpy as np
import pytest

from data_prep import prepare as preparing
from data_prep.prepare import prepare
from data_prep.prepare_clip import LANDMARKS_FILE, load_outcome
from data_prep.prepared import PreparedDataset, open_prepared
from mer_core.errors import Duplicate, NotFound, UnreadableFile


def test_prepared_folders_are_opened_one_by_one_or_by_what_holds_them(make_replica, tmp_path):
    for name in ("smic", "casme2"):
        prepare(name, make_replica(name, subjects=(1,), clips_each=1), tmp_path / "prepared" / name)
    names = [p.path.name for p in open_prepared([tmp_path / "prepared"])]
    assert names == ["casme2", "smic"]
    assert [p.path.name for p in open_prepared([tmp_path / "prepared" / "smic"])] == ["smic"]
    with pytest.raises(UnreadableFile):
        open_prepared([tmp_path])
    with pytest.raises(Duplicate, match="smic"):
        open_prepared([tmp_path / "prepared", tmp_path / "prepared" / "smic"])


# Before the clips, and among the tables.
@pytest.mark.parametrize("stopped", ["load_outcome", "atomic_replace"])
def test_a_dataset_that_was_interrupted_is_not_passed_over(stopped, make_replica, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    prepare("smic", make_replica("smic", subjects=(1,), clips_each=1), tmp_path / "prepared" / "smic")
    monkeypatch.setattr(preparing, stopped, stop)
    with pytest.raises(KeyboardInterrupt):
        prepare(
            "casme2", make_replica("casme2", subjects=(1,), clips_each=1), tmp_path / "prepared" / "casme2"
        )
    with pytest.raises(NotFound, match="casme2.clips.parquet"):
        open_prepared([tmp_path / "prepared"])


@pytest.mark.parametrize("damage", ["cut", "other arrays"])
def test_damaged_landmarks(tmp_path, damage):
    folder = tmp_path / "faces" / "s" / "c"
    folder.mkdir(parents=True)
    np.savez(folder / LANDMARKS_FILE, other=np.zeros((478, 2)))
    if damage == "cut":
        (folder / LANDMARKS_FILE).write_bytes((folder / LANDMARKS_FILE).read_bytes()[:200])
    prepared = PreparedDataset.__new__(PreparedDataset)  # its tables do not matter here
    prepared.path = tmp_path
    with pytest.raises(UnreadableFile, match=LANDMARKS_FILE):
        prepared.landmarks("d/s/c")
    assert load_outcome(None, tmp_path, folder) is None  # so it is prepared again
