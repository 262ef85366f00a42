"""Identity by content: bytes and names decide, folders and order do not."""

import pytest

from mer_core.content import content_id
from mer_core.errors import UnreadableFile


def test_bytes_decide(tmp_path):
    first, same, other = (tmp_path / name for name in ("a", "b", "c"))
    first.write_bytes(b"x" * 10)
    same.write_bytes(b"x" * 10)
    other.write_bytes(b"x" * 9 + b"y")
    assert content_id(first) == content_id(same) != content_id(other)
    assert content_id(first).startswith("10-")


def test_of_several_files_names_count_and_the_folder_and_order_do_not(tmp_path):
    for folder in ("one", "two", "three"):
        (tmp_path / folder).mkdir()
        for number in (1, 2):
            name = f"{number + (folder == 'three')}.png"
            (tmp_path / folder / name).write_bytes(bytes([number]))
    one, two, three = ([*(tmp_path / folder).iterdir()] for folder in ("one", "two", "three"))
    assert content_id(one) == content_id(reversed(two)) != content_id(three)


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    with pytest.raises(UnreadableFile, match="absent"):
        content_id(tmp_path / "absent")
