"""Frames in memory and in NumPy files."""

import numpy as np
import pytest

from data_prep.frames import open_frames
from data_prep.image_files.frame_array import ArrayFrames
from mer_core.errors import BadArray, UnreadableFile

RGB = np.random.default_rng(0).integers(0, 255, (3, 16, 20, 3), dtype=np.uint8)


def test_grey_frames_have_three_equal_channels():
    grey = np.concatenate([RGB[..., 0], RGB[..., 1]])
    frames = list(ArrayFrames(grey, fps=50))
    assert [frame.number for frame in frames] == list(range(6)) and frames[2].time_s == 0.04
    assert all(np.array_equal(frame.image, np.stack([grey[i]] * 3, -1)) for i, frame in enumerate(frames))
    assert np.array_equal(ArrayFrames(grey).pick([1])[1][..., 2], grey[1])


@pytest.mark.parametrize(
    "images",
    [
        RGB[0],
        RGB[0].transpose(2, 0, 1),
        RGB[:0],
        RGB[..., :2],
        RGB.astype(float) * np.nan,
        RGB.astype(np.uint16),
        RGB[:, 0, :, 0],
        RGB[None],
    ],
)
def test_what_is_no_sequence_of_frames_is_refused_with_its_shape_and_type(images, tmp_path):
    np.save(tmp_path / "a.npy", images)
    for clip in (images, tmp_path / "a.npy"):
        with pytest.raises(BadArray) as refused:
            open_frames(clip)
        assert str(images.shape) in str(refused.value) and str(images.dtype) in str(refused.value)
    assert "a.npy" in str(refused.value)


def test_a_file_reads_as_its_array(tmp_path):
    np.save(tmp_path / "a.NPY", RGB)
    (tmp_path / "a.NPY.npy").rename(tmp_path / "a.NPY")
    of_file, of_array = open_frames(tmp_path / "a.NPY", 25), open_frames(RGB, 25)
    assert of_file.frame_times() == of_array.frame_times()
    assert all(np.array_equal(a.image, b.image) for a, b in zip(of_file, of_array, strict=True))


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"no array"])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(UnreadableFile, match="a.npy"):
        open_frames(tmp_path / "a.npy")


def test_several_arrays_in_one_file_are_refused(tmp_path):
    with (tmp_path / "a.npy").open("wb") as file:
        for _ in range(2):
            np.save(file, np.zeros((5, 8, 8, 3), np.uint8))
    with pytest.raises(UnreadableFile, match="a.npy"):
        open_frames(tmp_path / "a.npy")


def test_python_objects_are_never_loaded(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(UnreadableFile, match="a.npy"):
        open_frames(tmp_path / "a.npy")
