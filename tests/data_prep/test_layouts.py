"""Every dataset has a replica, and a replica reads back as what was written."""

import pytest

from data_prep.layouts import ReplicaClip
from mer_core import registry


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
