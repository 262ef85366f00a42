"""A damaged, hostile or oversized .npz is refused before its arrays are allocated."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest

from mer_core import io
from mer_core.errors import UnreadableFile


def _header(shape):
    out = BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return out.getvalue()


def _npz(path, data):
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("flow.npy", data)
    return path


def test_what_was_written_is_read(tmp_path):
    io.write_npz(tmp_path / "a.npz", a=np.arange(4), name=np.array("x"))
    found = io.read_npz(tmp_path / "a.npz")
    assert found["a"].tolist() == [0, 1, 2, 3] and str(found["name"]) == "x"


@pytest.mark.parametrize("data", [_header((10**6, 10**6, 2)), b"", b"\x93NUMPY", _header((4,)) + b"abc"])
def test_headers_that_promise_too_much_are_refused(tmp_path, data):
    with pytest.raises(UnreadableFile, match="a.npz"):
        io.read_npz(_npz(tmp_path / "a.npz", data))


def test_what_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(io, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(UnreadableFile, match="MB"):
        io.read_npz(_npz(tmp_path / "a.npz", _header((1000,)) + bytes(4000)))


def test_objects_are_not_unpickled(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.array([{}], dtype=object))
    with pytest.raises(UnreadableFile):
        io.read_npz(tmp_path / "a.npz")


def test_brackets_without_end_are_no_json(tmp_path):
    (tmp_path / "a.json").write_text("[" * 100_000)
    with pytest.raises(UnreadableFile, match="a.json"):
        io.read_json(tmp_path / "a.json")
