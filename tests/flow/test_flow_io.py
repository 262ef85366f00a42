import struct
from pathlib import Path

import numpy as np
import pytest

from flow import io
from mer_core.errors import BadArray, BadSetting, NotFound, UnreadableFile

FLOW = np.arange(12, dtype=np.float32).reshape(2, 3, 2) / 7


def test_flo_bytes_are_those_of_the_format(tmp_path):
    io.write(tmp_path / "a.flo", FLOW)
    expected = b"PIEH" + struct.pack("<ii", 3, 2) + struct.pack("<12f", *FLOW.ravel())
    assert (tmp_path / "a.flo").read_bytes() == expected


@pytest.mark.parametrize("name", ["a.flo", "a.npz"])
def test_what_is_written_is_read_back_to_the_bit(tmp_path, name):
    io.write(tmp_path / name, FLOW)
    assert np.array_equal(io.read(tmp_path / name), FLOW)
    assert io.read(tmp_path / name).dtype == np.float32
    assert [path.name for path in tmp_path.iterdir()] == [name]  # no temporary file is left


def test_the_same_flow_makes_the_same_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        io.write(tmp_path / name, FLOW)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    io.write(tmp_path / "a.npz", FLOW)

    def full_disk(path, content):
        path.write_text("half")
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError):
        io.write(tmp_path / "a.npz", FLOW + 1)
    assert np.array_equal(io.read(tmp_path / "a.npz"), FLOW)
    assert len(list(tmp_path.iterdir())) == 1


def test_wrong_magic_is_named(tmp_path):
    (tmp_path / "a.flo").write_bytes(b"\x89PNG" + bytes(100))
    with pytest.raises(UnreadableFile, match="PNG"):
        io.read(tmp_path / "a.flo")


@pytest.mark.parametrize("keep", [0, 8, 40])
def test_cut_short_flo(tmp_path, keep):
    io.write(tmp_path / "a.flo", FLOW)
    (tmp_path / "a.flo").write_bytes((tmp_path / "a.flo").read_bytes()[:keep])
    with pytest.raises(UnreadableFile, match="a.flo"):
        io.read(tmp_path / "a.flo")


def test_cut_short_npz(tmp_path):
    io.write(tmp_path / "a.npz", FLOW)
    for keep in (0, 3, 100, 200):
        (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:keep])
        with pytest.raises(UnreadableFile, match="b.npz"):
            io.read(tmp_path / "b.npz")


def test_a_pickle_is_never_opened(tmp_path):
    np.savez(tmp_path / "a.npz", flow=np.array([{"code": "runs"}], dtype=object))
    with pytest.raises(UnreadableFile, match="a.npz"):
        io.read(tmp_path / "a.npz")


def test_other_contents(tmp_path):
    np.savez(tmp_path / "a.npz", motion=FLOW)
    with pytest.raises(UnreadableFile, match="'flow'"):
        io.read(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", flow=FLOW[0])
    with pytest.raises(UnreadableFile, match=r"\(3, 2\)"):
        io.read(tmp_path / "b.npz")
    with pytest.raises(NotFound):
        io.read(tmp_path / "c.npz")
    with pytest.raises(BadSetting, match=".png"):
        io.read(tmp_path / "d.png")
    with pytest.raises(BadArray, match="float64"):
        io.write(tmp_path / "e.npz", FLOW.astype(float))
