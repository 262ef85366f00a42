"""Frames of folders and videos: order, numbers, times, errors."""

import math
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest

from data_prep.frames import _upright, frame_number, numbered_images, open_frames, read_image, write_image
from mer_core.errors import BadInput


def grey(value: int) -> np.ndarray:
    return np.full((32, 48, 3), value, np.uint8)


@pytest.fixture
def video(tmp_path):
    """Three frames, grey 40, 120, 200, shown at 0, 0.1 and 0.5 s: a variable frame rate."""
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 10)
        for value, pts in ((40, 0), (120, 1), (200, 5)):
            frame = av.VideoFrame.from_ndarray(grey(value), format="rgb24")
            frame.pts, frame.time_base = pts, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_a_folder_is_read_in_numeric_order_whatever_the_padding(tmp_path):
    for name, value in (("img100.jpg", 100), ("img46.jpg", 46), ("img0099.jpg", 99)):
        write_image(tmp_path / name, grey(value))
    (tmp_path / "Desktop - Shortcut.lnk").write_bytes(b"L")
    (tmp_path / "Thumbs 7.db").write_bytes(b"")
    frames = list(open_frames(tmp_path, fps=200))
    assert [frame.number for frame in frames] == [46, 99, 100]
    assert [round(float(frame.image.mean())) for frame in frames] == [46, 99, 100]
    assert [frame.time_s for frame in frames] == [0, 53 / 200, 54 / 200]
    assert math.isnan(next(iter(open_frames(tmp_path))).time_s)


def test_the_frame_number_is_the_last_run_of_digits(tmp_path):
    assert frame_number(tmp_path / "006_05562.jpg") == 5562
    assert frame_number(tmp_path / "reg_image563854.bmp") == 563854
    assert frame_number(tmp_path / "portrait.jpg") is None


def test_two_images_of_one_number_are_refused(tmp_path):
    write_image(tmp_path / "img7.png", grey(0))
    write_image(tmp_path / "img007.png", grey(0))
    with pytest.raises(BadInput, match="two images of frame 7"):
        numbered_images(tmp_path)


def test_a_video_gives_its_own_times(video):
    frames = list(open_frames(video))
    assert [frame.number for frame in frames] == [0, 1, 2]
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.1, 0.5])
    assert [float(frame.image.mean()) for frame in frames] == pytest.approx([40, 120, 200], abs=4)


def test_single_frames_are_picked_from_folder_and_video(tmp_path, video):
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in (5, 6, 7):
        write_image(folder / f"{number}.png", grey(number))
    (folder / "6.png").write_bytes(b"broken")  # not asked for, so not read
    assert {n: int(image[0, 0, 0]) for n, image in open_frames(folder).pick([7, 5]).items()} == {5: 5, 7: 7}
    assert float(open_frames(video).pick([1])[1].mean()) == pytest.approx(120, abs=4)


def test_a_rotation_flag_turns_the_frame_counter_clockwise():
    image = np.zeros((2, 3, 3), np.uint8)
    image[0, 2] = 255  # top right goes to top left
    turned = _upright(SimpleNamespace(rotation=90, to_ndarray=lambda format: image))
    assert turned.shape == (3, 2, 3) and turned[0, 0, 0] == 255


def test_colours_and_grey_files_are_read_as_rgb(tmp_path):
    red = grey(0)
    red[..., 0] = 200
    write_image(tmp_path / "red.png", red)
    assert (read_image(tmp_path / "red.png") == red).all()


def test_what_cannot_be_read_is_said(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "nothing").mkdir()
    said = {
        "text.mp4": "cannot be read as a video",
        "absent.mp4": "no file or folder",
        "nothing": "no numbered images",
    }
    for path, words in said.items():
        with pytest.raises(BadInput, match=words):
            open_frames(tmp_path / path)
    with pytest.raises(BadInput, match="not an image"):
        read_image(tmp_path / "empty.png")
