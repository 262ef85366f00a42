"""Clips below a folder: every kind is found, links are followed once, other files are counted."""

import os
import unicodedata

import cv2
import numpy as np
import pytest
import tifffile

from data_prep.clutter import clutter_kind
from data_prep.own_recordings.recordings import VIDEO_SUFFIXES, find_recordings, recording_id
from mer_core.errors import NotFound


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"video")
    return folder


def image(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((8, 8, 3), value, np.uint8))


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
def test_every_container_is_found_in_any_case(tmp_path, suffix):
    (tmp_path / f"clip{suffix.upper()}").write_bytes(b"G")
    assert list(find_recordings(tmp_path).clips) == [f"clip{suffix.upper()}"]


def test_folders_of_images_and_stacks_are_clips(folder):
    image(folder / "frames" / "img1.webp")
    tifffile.imwrite(folder / "stack1.tif", np.zeros((4, 8, 8), np.uint8), photometric="minisblack")
    image(folder / "pages" / "page1.tif")
    assert list(find_recordings(folder).clips) == ["a.mp4", "frames", "pages", "stack1.tif"]


def test_links_are_followed_once(folder, tmp_path):
    other = tmp_path / "disk2" / "session2"
    other.mkdir(parents=True)
    (other / "b.mp4").write_bytes(b"video")
    (other / "back").symlink_to(folder)  # a circle
    (folder / "session2").symlink_to(other)
    (folder / "session3").symlink_to(other)
    assert list(find_recordings(folder).clips) == ["a.mp4", "session2/b.mp4"]


def test_clutter_is_not_entered_and_everything_else_is_counted_by_kind(folder):
    for name in (
        ".Trash-1000/files/x.mp4",
        "__MACOSX/x.mp4",
        "@eaDir/x.mp4",
        "Backup 2019/x.mp4",
        ".git/x.mp4",
    ):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(b"")
    for name in ("notes.txt", "more.txt", "labels.csv", "LICENSE", "code.ts", ".hidden.mp4", "._a.mp4"):
        (folder / name).write_text("text")
    found = find_recordings(folder)
    assert list(found.clips) == ["a.mp4"]
    expected = {
        "trash": 1,
        "system": 3,
        "backup": 1,
        "hidden": 2,
        ".txt": 2,
        ".csv": 1,
        "without suffix": 1,
        ".ts": 1,
    }
    assert dict(found.skipped) == expected
    assert "2 .txt (more.txt, ...)" in found.sentence() and "1 trash (.Trash-1000)" in found.sentence()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("name", ["b.mp4", "b.ts", "img1.png", "b.tif"])
def test_a_pipe_is_counted_and_never_opened(folder, name):
    os.mkfifo(folder / name)
    recordings = find_recordings(folder)
    assert list(recordings.clips) == ["a.mp4"] and recordings.skipped == {"pipe or device": 1}


def test_a_folder_without_clips_says_what_it_holds(tmp_path):
    (tmp_path / "img1.heic").write_bytes(b"")
    with pytest.raises(NotFound, match=r"1 \.heic \(img1\.heic\)"):
        find_recordings(tmp_path)
    with pytest.raises(NotFound):
        find_recordings(tmp_path / "absent")


def test_a_clip_is_known_by_its_content(folder):
    before = recording_id(folder / "a.mp4")
    (folder / "a.mp4").rename(folder / "b.mp4")
    assert recording_id(folder / "b.mp4") == before
    (folder / "b.mp4").write_bytes(b"other")
    assert recording_id(folder / "b.mp4") != before
    image(folder / "frames" / "img1.png")
    before = recording_id(folder / "frames")
    (folder / "frames" / "notes.txt").write_text("not read")
    assert recording_id(folder / "frames") == before
    image(folder / "frames" / "img1.png", 1)
    assert recording_id(folder / "frames") != before


@pytest.mark.parametrize(
    "name, kind",
    [
        (".Trash-1000", "trash"),
        ("$RECYCLE.BIN", "trash"),
        ("__MACOSX", "system"),
        ("@eaDir", "system"),
        ("~$codes.xlsx", "system"),
        (".cache", "hidden"),
        ("Backup 2019", "backup"),
        ("frames.bak", "backup"),
        ("CASME2_backup", "backup"),
        ("backups", "backup"),
        ("@Recycle", "trash"),
        ("trash-1000", "trash"),
        ("Papierkorb", "trash"),
        (unicodedata.normalize("NFD", "ごみ箱"), "trash"),
        ("LOST.DIR", "system"),
        ("FOUND.000", "system"),
        ("@Recently-Snapshot", "system"),
        ("#snapshot", "system"),
        ("CASME2_backup_2019", "backup"),
        ("sub01_bak", "backup"),
        ("codes.old", "backup"),
        ("backupper", ""),
        ("kodak", ""),
        ("trashtalk", ""),
        ("snapshot", ""),
        ("feedback", ""),
        ("sub01", ""),
        ("Cropped", ""),
        ("old", ""),  # as opposed to young
        ("sub01 - Copy", ""),
    ],
)
def test_clutter_by_name(name, kind):
    assert clutter_kind(name) == kind


def test_thumbnails_and_small_copies_of_a_camera_are_no_clips(tmp_path):
    card = tmp_path / "PRIVATE/M4ROOT"
    for name in ("CLIP/C0001.MP4", "SUB/C0001S03.MP4", "THMBNL/C0001T01.JPG", "THMBNL/C0002T01.JPG"):
        (card / name).parent.mkdir(parents=True, exist_ok=True)
        (card / name).write_bytes(b"x")
    found = find_recordings(tmp_path)
    assert list(found.clips) == ["PRIVATE/M4ROOT/CLIP/C0001.MP4"]
    assert "small copies" in found.sentence() and sum(found.skipped.values()) == 2
    (tmp_path / "sub").mkdir()  # without a folder of films beside it, sub may be a subject
    (tmp_path / "sub/a.mp4").write_bytes(b"x")
    assert "sub/a.mp4" in find_recordings(tmp_path).clips
