"""Atomic writing, errors that name the target, and the visible files of a folder."""

import errno
import os

import pytest

from mer_core.errors import UnreadableFile
from mer_core.io import atomic_replace, read_json, visible_names, write_json


def test_hidden_files_leave_a_folder_free(tmp_path):
    assert visible_names(tmp_path / "nowhere") == set()
    (tmp_path / ".DS_Store").touch()
    assert visible_names(tmp_path) == set()
    (tmp_path / "thesis.tex").touch()
    assert visible_names(tmp_path) == {"thesis.tex"}


@pytest.mark.parametrize("content", [b"{", b"", b"[1]", b"\xff\xfe", None])
def test_what_is_no_json_object_is_named(content, tmp_path):
    if content is not None:
        (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UnreadableFile, match="a.json"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("named", [True, False])
def test_a_full_disk_is_said_of_the_file_that_was_asked_for_and_leaves_nothing(named, tmp_path):
    """A disk that fills up names no file; a folder that cannot be written to names the temporary one."""
    with pytest.raises(OSError) as caught, atomic_replace(tmp_path / "ä b.json") as temporary:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *([str(temporary)] if named else []))
    assert caught.value.filename == str(tmp_path / "ä b.json") and list(tmp_path.iterdir()) == []


def test_who_may_read_a_file_is_as_for_any_other(tmp_path):
    (tmp_path / "other").touch()
    with atomic_replace(tmp_path / "a.bin") as temporary:
        temporary.touch(0o600)
    assert (tmp_path / "a.bin").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_what_was_not_written_does_not_take_a_place(tmp_path):
    (tmp_path / "a.bin").write_text("whole")
    with pytest.raises(FileNotFoundError), atomic_replace(tmp_path / "a.bin"):
        pass
    assert (tmp_path / "a.bin").read_text() == "whole"


def test_a_file_that_is_there_stays_whole_when_writing_fails(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"a": {1}})
    assert read_json(tmp_path / "a.json") == {"a": 1} and len(list(tmp_path.iterdir())) == 1
