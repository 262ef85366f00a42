"""Pages of a TIFF as frames."""

import struct

import cv2
import numpy as np
import pytest
import tifffile

from data_prep.frames import open_frames, read_image
from data_prep.image_files.images import UnreadableImage
from data_prep.image_files.stack import UnreadableStack
from mer_core.errors import BadInput
from tests.data_prep.test_frames import RAMP, read


@pytest.mark.parametrize(
    "shape, options",
    [
        ((5, 16, 24), {"photometric": "minisblack"}),
        ((5, 16, 24, 3), {"photometric": "rgb"}),
        ((5, 16, 24), {"imagej": True, "metadata": {"axes": "TYX"}}),
    ],
)
def test_the_pages_of_a_tiff_are_frames(tmp_path, shape, options):
    pages = np.broadcast_to((40 * np.arange(5, dtype=np.uint8)).reshape(5, *[1] * (len(shape) - 1)), shape)
    tifffile.imwrite(tmp_path / "stack.tif", np.ascontiguousarray(pages), **options)
    frames, report = read(tmp_path / "stack.tif", fps=10)
    assert [int(frame.image.mean()) for frame in frames] == [0, 40, 80, 120, 160]
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert report.n_used == report.n_in_file == 5
    assert int(open_frames(tmp_path / "stack.tif").pick([3])[3].mean()) == 120


def test_deep_pages_are_scaled_by_one_factor(tmp_path):
    tifffile.imwrite(tmp_path / "stack.tif", np.stack([RAMP // 4, RAMP]))
    (_, bright), report = read(tmp_path / "stack.tif")
    assert bright.image[0, :, 0] == pytest.approx(np.arange(256), abs=1) and report.bit_depth == 12


def test_a_tiff_whose_pages_are_no_film_is_refused_with_its_axes(tmp_path):
    channels = np.zeros((5, 2, 16, 24), np.uint8)
    tifffile.imwrite(tmp_path / "hyper.tif", channels, imagej=True, metadata={"axes": "TCYX"})
    tifffile.imwrite(
        tmp_path / "planes.tif", channels[:, 0], photometric="minisblack", planarconfig="separate"
    )
    for name, axes in (("hyper", r"TCYX of size \(5, 2, 16, 24\)"), ("planes", r"SYX of size \(5, 16, 24\)")):
        with pytest.raises(UnreadableStack, match=axes):
            open_frames(tmp_path / f"{name}.tif")
    (tmp_path / "folder").mkdir()
    tifffile.imwrite(
        tmp_path / "folder" / "img1.tif", np.zeros((3, 16, 24), np.uint8), photometric="minisblack"
    )
    with pytest.raises(UnreadableImage, match="3 images"):
        read_image(tmp_path / "folder" / "img1.tif")


@pytest.mark.parametrize("start", range(0, 400, 7))
def test_a_damaged_tiff_is_read_or_refused(tmp_path, start):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.zeros((3, 16, 24), np.uint16), photometric="minisblack", compression="zlib")
    data = bytearray(path.read_bytes())
    data[start % len(data)] ^= 0xFF
    path.write_bytes(bytes(data))
    try:
        assert read(path)[1].n_used <= 3
    except BadInput as refused:
        assert "stack.tif" in str(refused)


def test_a_tiff_of_grey_floats_is_read(tmp_path):
    for k in range(2):
        assert cv2.imwrite(str(tmp_path / f"{k}.tif"), np.full((16, 24), 0.2 + 0.2 * k, np.float32))
    frames, _ = read(tmp_path)
    assert [round(float(frame.image.mean())) for frame in frames] == [51, 102]


def test_a_stack_of_grey_floats_is_read(tmp_path):
    values = np.full((4, 20, 30), 0.5, np.float32)
    tifffile.imwrite(tmp_path / "film.tif", values, photometric="minisblack")
    assert [frame.image.mean() for frame in open_frames(tmp_path / "film.tif", 25)] == pytest.approx(
        [128] * 4
    )


def test_a_stack_whose_first_page_has_no_tags_is_refused(tmp_path):
    path = tmp_path / "stack.tif"
    cv2.imwritemulti(str(path), [np.zeros((24, 32, 3), np.uint8)] * 4)
    data = bytearray(path.read_bytes())
    (directory,) = struct.unpack_from("<I", data, 4)
    struct.pack_into("<H", data, directory, 0)
    path.write_bytes(data)
    with pytest.raises(UnreadableStack):
        open_frames(path)
