"""What --check says, without opening an image."""

import shutil

import pytest

from data_prep import frames
from data_prep.datasets import casme2
from data_prep.survey import check_dataset
from mer import registry
from mer.errors import UnknownName


@pytest.mark.parametrize("name", registry.names("data_prep.datasets"))
def test_a_right_folder_is_usable_and_no_image_is_opened(name, make_replica, monkeypatch):
    root = make_replica(name)
    monkeypatch.setattr(frames, "read_image", lambda path: pytest.fail(f"{path} was opened"))
    for image in (p for p in root.rglob("*") if p.suffix in frames.IMAGE_SUFFIXES):
        image.write_bytes(b"")
    check = check_dataset(name, root)
    facts = registry.load("data_prep.datasets", name).FACTS
    assert check.usable
    assert any(line.split() == ["clips", "4,", "published", str(facts.clips)] for line in check.lines)
    assert any(line.split() == ["subjects", "2,", "published", str(facts.subjects)] for line in check.lines)
    assert check.lines[-1] == "4 of 4 clips can be prepared."
    assert "  ROOT" in check.lines


def test_counts_as_published_are_said_to_be_so(make_replica, monkeypatch):
    root = make_replica("smic", subjects=(1,), clips_each=1)
    dataset = registry.load("data_prep.datasets", "smic")
    monkeypatch.setattr(dataset, "FACTS", dataset.FACTS.__class__(**(vars(dataset.FACTS) | {"clips": 1})))
    assert any(line.split() == ["clips", "1,", "as", "published"] for line in check_dataset("smic", root).lines)


def test_missing_frames_are_counted_and_the_first_named(make_replica):
    root = make_replica("casme2")
    frame_folder = root / "CASME2_RAW_selected" / "CASME2_RAW_selected"
    shutil.rmtree(frame_folder / "sub01" / "EP02_01")
    (frame_folder / "sub02" / "EP01_01f" / "img99.jpg").unlink()  # the apex
    (frame_folder / "sub02" / "EP02_01" / "img98.jpg").unlink()  # neither onset nor apex: not needed
    check = check_dataset("casme2", root)
    assert check.usable and check.lines[-1] == "2 of 4 clips can be prepared."
    line = next(line for line in check.lines if "lack frames" in line)
    assert "2 of 4 clips lack frames. First: casme2/sub01/EP02_01, There is no folder CASME2_RAW_selected/" in line


def test_a_folder_without_frames_is_not_usable(make_replica, tmp_path):
    root = make_replica("casme2")
    shutil.rmtree(root / "CASME2_RAW_selected")
    check = check_dataset("casme2", root)
    assert not check.usable and check.lines[-1] == "Not usable: no clip has its frames."
    empty = tmp_path / "empty"
    empty.mkdir()
    check = check_dataset("casme2", empty)
    assert not check.usable and casme2.FACTS.obtain in check.lines[-1]


def test_notes_and_odd_emotions_are_shown(make_replica):
    root = make_replica("casme2", apex=None)
    lines = check_dataset("casme2", root).lines
    assert "  casme2/sub01/EP01_01f: apex printed as '/'" in lines


def test_an_unknown_dataset_is_answered_with_the_nearest(tmp_path):
    with pytest.raises(UnknownName, match="Did you mean casme2"):
        check_dataset("casme22", tmp_path)
