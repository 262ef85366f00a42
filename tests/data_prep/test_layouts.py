"""Every dataset has a replica, and a replica reads back as what was written."""

import pytest

from data_prep.dataset_check import check_dataset
from data_prep.layouts import ReplicaClip
from data_prep.prepare import prepare
from flow.splatting import expression
from mer.demo.replica import write_small
from mer_core import registry
from mer_core.errors import BadInput


def test_every_dataset_has_its_replica():
    assert registry.list_names("data_prep.layouts") == registry.list_names("data_prep.datasets")


@pytest.mark.parametrize("name", registry.list_names("data_prep.datasets"))
def test_a_replica_reads_back(name, tmp_path, face):
    writer, dataset = registry.load("data_prep.layouts", name), registry.load("data_prep.datasets", name)
    clips = [
        ReplicaClip(subject, i + 1, word, "4+7", 96, 98, 101, lambda i: face)
        for subject in (1, 9)
        for i, word in enumerate(writer.EMOTIONS)
    ]
    writer.write(tmp_path, clips)
    table = dataset.read_annotations(tmp_path)
    assert len(table) == len(clips) and table["subject"].nunique() == 2
    assert sorted(table["emotion"]) == sorted(clip.emotion.lower() for clip in clips)
    assert set(table["emotion"]) == set(dataset.FACTS.emotions or writer.EMOTIONS)
    assert (table["offset"] - table["onset"] == 5).all()
    for row in table.itertuples():
        files = dataset.frame_files(tmp_path, row)
        assert list(files) == list(range(row.onset, row.offset + 1))


def test_a_small_replica_shows_a_right_folder_and_can_be_prepared(tmp_path):
    files = write_small("casme3", tmp_path / "casme3")
    assert "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx" in files and "spNO.1/a/color/152.jpg" in files
    assert check_dataset("casme3", tmp_path / "casme3").lines[-1] == "4 of 4 clips can be prepared."
    outcome = prepare("casme3", tmp_path / "casme3", tmp_path / "out")
    assert list(outcome["outcome"]) == ["ok"] * 4
    with pytest.raises(BadInput, match="is not empty"):
        write_small("casme3", tmp_path / "casme3")


@pytest.mark.parametrize("name", registry.list_names("data_prep.datasets"))
def test_every_dataset_has_a_small_replica(name, tmp_path, monkeypatch, face):
    monkeypatch.setattr(expression, "film", lambda *_, **__: [face[:8, :8]] * 12)  # drawing is tested above
    write_small(name, tmp_path)
    assert len(registry.load("data_prep.datasets", name).read_annotations(tmp_path)) == 4
