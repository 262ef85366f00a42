"""Frames of folders and of TIFF stacks: order, times, depth, damage. Videos: test_video.py."""

import math
import os

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from data_prep.frames import image_names, open_frames, read_image, write_image
from data_prep.image_files.images import IMAGE_SUFFIXES, UnreadableImage, to_8_bits, white_level
from data_prep.image_files.stack import UnreadableStack
from mer_core.errors import BadSetting, NotFound

RAMP = np.tile(np.linspace(0, 4095, 256).astype(np.uint16), (16, 1))


def grey(value: int, height: int = 32, width: int = 48) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def read(path, fps=None):
    frames = open_frames(path, fps)
    return list(frames), frames.report


def test_a_folder_is_read_in_numeric_order_whatever_the_padding(tmp_path):
    for name, value in (("img100.jpg", 100), ("img98.jpg", 98), ("img0099.jpg", 99)):
        write_image(tmp_path / name, grey(value))
    (tmp_path / "Desktop - Shortcut.lnk").write_bytes(b"L")
    (tmp_path / "Thumbs 7.db").write_bytes(b"")
    (tmp_path / "._img101.jpg").write_bytes(b"resource fork")
    frames, report = read(tmp_path, fps=200)
    assert [frame.number for frame in frames] == [98, 99, 100]
    assert [round(float(frame.image.mean())) for frame in frames] == [98, 99, 100]
    assert [frame.time_s for frame in frames] == [0, 1 / 200, 2 / 200]
    assert (report.times, report.n_used, report.sentences()) == ("fps", 3, [])
    frames, report = read(tmp_path)
    assert math.isnan(frames[0].time_s) and report.times == "none"


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize(
    "orientation, name",
    [
        (1, ""),
        (2, "mirrored left to right"),
        (3, "turned by 180 degrees clockwise"),
        (6, "turned by 90 degrees clockwise"),
        (8, "turned by 270 degrees clockwise"),
    ],
)
def test_a_rotation_that_exif_requests_is_applied_and_said(tmp_path, suffix, orientation, name):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    for number in range(3):
        Image.fromarray(picture).save(tmp_path / f"img{number}{suffix}", exif=exif)
    frames, report = read(tmp_path, fps=25)
    assert report.orientation == name and frames[0].image.shape[:2] == (
        (32, 24) if orientation > 4 else (24, 32)
    )


@pytest.mark.parametrize("fps", [0, -25, math.nan, math.inf])
def test_a_rate_that_is_none_is_refused(tmp_path, fps):
    write_image(tmp_path / "1.png", grey(9))
    with pytest.raises(BadSetting):
        open_frames(tmp_path, fps)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_pipes_and_folders_are_no_images(tmp_path):
    for number in range(3):
        write_image(tmp_path / f"{number}.png", grey(9))
    os.mkfifo(tmp_path / "3.png")
    (tmp_path / "4.png").mkdir()
    (tmp_path / "5.png").symlink_to(tmp_path / "nowhere.png")
    frames, report = read(tmp_path, fps=25)
    assert len(frames) == 3 and (report.n_damaged, report.first_damaged) == (1, "5.png")


def test_gaps_and_copies_are_said(tmp_path):
    for number in (1, 2, 3, 7, 8):
        write_image(tmp_path / f"{number}.png", grey(number))
    (tmp_path / "8 (1).png").write_bytes((tmp_path / "8.png").read_bytes())
    frames, report = read(tmp_path, fps=10)
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.6, 0.7])
    assert (report.n_missing, report.first_missing) == (3, 4)
    assert any("8 (1).png" in sentence for sentence in report.sentences())


def test_names_that_are_times_give_the_times_unless_a_rate_is_given(tmp_path):
    for stamp in ("1399540000.633664", "1399540000.717080", "1399540001.009036"):
        write_image(tmp_path / f"{stamp}.png", grey(9))
    frames, report = read(tmp_path)
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.083416, 0.375372])
    assert [frame.number for frame in frames] == [0, 1, 2] and report.times == "names"
    frames, report = read(tmp_path, fps=24)
    assert [frame.time_s for frame in frames] == pytest.approx([0, 1 / 24, 2 / 24]) and report.times == "fps"


def test_single_frames_are_picked_without_reading_others(tmp_path):
    for number in (5, 6, 7):
        write_image(tmp_path / f"{number}.png", grey(number))
    (tmp_path / "6.png").write_bytes(b"broken")
    assert {n: int(image[0, 0, 0]) for n, image in open_frames(tmp_path).pick([7, 5]).items()} == {5: 5, 7: 7}


def test_a_damaged_image_costs_its_frame_and_is_counted(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(4):
        write_image(tmp_path / f"{number}.png", rng.integers(0, 255, (32, 48, 3), np.uint8))
    data = bytearray((tmp_path / "1.png").read_bytes())
    data[len(data) // 2] ^= 255
    (tmp_path / "1.png").write_bytes(bytes(data))
    (tmp_path / "2.png").write_bytes((tmp_path / "3.png").read_bytes()[:1000])
    frames, report = read(tmp_path, fps=25)
    assert [frame.number for frame in frames] == [0, 3] and frames[1].time_s == 3 / 25
    assert (report.n_damaged, report.first_damaged, report.n_used) == (2, "1.png", 2)
    assert "2 of 4 frames were used." in report.sentences()
    for number in (0, 3):
        (tmp_path / f"{number}.png").write_bytes(b"")
    with pytest.raises(UnreadableImage, match="4 images"):
        read(tmp_path)


def test_a_frame_of_another_shape_is_passed_over(tmp_path):
    for number, size in enumerate([(32, 48), (64, 96), (48, 48), (32, 48)]):
        write_image(tmp_path / f"{number}.png", grey(9, *size))
    frames, report = read(tmp_path)
    assert [frame.number for frame in frames] == [0, 1, 3] and {f.image.shape for f in frames} == {
        (32, 48, 3)
    }
    assert (report.n_resized, report.n_other_shape) == (1, 1)


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_deep_images_are_scaled_by_one_factor_for_the_clip(tmp_path, suffix):
    for number, dim in enumerate((8, 1)):  # the darker one first: its own maximum must not count
        cv2.imwrite(str(tmp_path / f"{number}.{suffix}"), RAMP // dim)
    (dim, bright), report = read(tmp_path)
    assert bright.image[0, :, 0] == pytest.approx(np.arange(256), abs=1)
    assert dim.image[0, :, 0] == pytest.approx(np.arange(256) / 8, abs=1)
    assert report.bit_depth == 12 and any("12 bits" in sentence for sentence in report.sentences())
    assert (open_frames(tmp_path).pick([0])[0] == dim.image).all()


@pytest.mark.parametrize(
    "brightest, white", [(200, 255), (256, 1023), (1023, 1023), (3440, 4095), (9000, 16383), (65535, 65535)]
)
def test_full_brightness_is_that_of_the_bit_depth_in_use(brightest, white):
    assert white_level(brightest, np.dtype(np.uint16)) == white


def test_float_images_are_fractions_and_nonsense_is_refused():
    assert to_8_bits(np.float32([[[0, 0.5, 1]]])).tolist() == [[[0, 128, 255]]]
    for wrong in (np.nan, -1.0):
        with pytest.raises(UnreadableImage):
            to_8_bits(np.full((2, 2, 3), wrong, np.float32))


@given(st.lists(st.integers(0, 65535), min_size=2, max_size=20), st.integers(0, 65535))
def test_scaling_keeps_the_order_of_brightness(samples, more):
    image = np.array(samples, np.uint16).reshape(1, -1, 1)
    scaled = to_8_bits(image, white_level(max(*samples, more), image.dtype))
    order = np.argsort(samples, kind="stable")
    assert (np.diff(scaled.ravel()[order].astype(int)) >= 0).all()


@pytest.mark.parametrize("suffix", [suffix for suffix in IMAGE_SUFFIXES if suffix != ".jfif"])
def test_every_suffix_that_is_listed_is_read(tmp_path, suffix):
    image = grey(120)[..., 0] if suffix == ".pgm" else grey(120)
    data = cv2.imencode(suffix, image)[1]
    for number in (1, 2):
        (tmp_path / f"img{number}{suffix.upper()}").write_bytes(data.tobytes())
    frames, _ = read(tmp_path)
    assert len(frames) == 2 and abs(int(frames[0].image.mean()) - 120) <= 2


def test_colours_and_grey_files_are_read_as_rgb(tmp_path):
    red = grey(0)
    red[..., 0] = 200
    write_image(tmp_path / "red.png", red)
    assert (read_image(tmp_path / "red.png") == red).all()
    cv2.imwrite(str(tmp_path / "grey.png"), red[..., 0])
    assert (read_image(tmp_path / "grey.png") == 200).all()


def test_what_cannot_be_read_is_said(tmp_path):
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing" / "img1.heic").write_bytes(b"")
    (tmp_path / "empty.png").write_bytes(b"")
    for path, fact in {"absent.mp4": "absent.mp4", "nothing": "1 .heic"}.items():
        with pytest.raises(NotFound, match=fact):
            open_frames(tmp_path / path)
    with pytest.raises(UnreadableImage, match="empty.png") as refused:
        read_image(tmp_path / "empty.png")
    assert refused.value.code == "unreadable-image"
    with pytest.raises(NotFound):
        image_names(tmp_path / "absent")


def test_jpeg_2000_is_refused_whatever_its_suffix(tmp_path):
    data = cv2.imencode(".jp2", grey(120))[1].tobytes()
    for name in ("img1.png", "img2.png"):
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UnreadableImage, match="JPEG 2000"):
        read_image(tmp_path / "img1.png")


def test_other_files_that_are_named_like_the_frames_are_counted(tmp_path):
    for name in ("img1.png", "img2.png"):
        write_image(tmp_path / name, grey(9))
    for name in ("img3.heic", "IMG4.HEIC", "notes1.txt", "._img5.heic"):
        (tmp_path / name).write_bytes(b"")
    frames, report = read(tmp_path, fps=25)
    assert len(frames) == 2 and "Not read: 2 .heic." in report.sentences()


def test_numbers_that_rise_by_more_than_one_are_said_with_the_rate(tmp_path):
    for k in range(12):
        write_image(tmp_path / f"{4 * k}.png", grey(10 * k))
    frames, report = read(tmp_path, fps=25)
    assert frames[1].time_s == 4 / 25
    assert report.sentences() == ["Frame numbers rise by 4: at --fps 25, images are 0.16 s apart."]
    _, report = read(tmp_path, fps=250)  # also every fourth frame, or milliseconds
    assert report.times == "names" and "0.016 s apart" in report.sentences()[0]


def test_images_picked_from_mixed_sizes_have_the_size_that_was_measured(tmp_path):
    for number, side in enumerate((64, 64, 128, 64)):
        write_image(tmp_path / f"{number}.png", np.full((side, side, 3), 90, np.uint8))
    frames = open_frames(tmp_path, 25)
    measured = {frame.number: frame.image.shape for frame in frames}
    assert {number: image.shape for number, image in frames.pick(measured).items()} == measured


@pytest.mark.parametrize("dtype", ["int32", "float64", "int16"])
def test_samples_of_other_types_are_refused(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "1.tif", np.full((20, 30), 5, dtype))
    with pytest.raises(UnreadableImage):
        read_image(tmp_path / "1.tif")
    tifffile.imwrite(tmp_path / "film.tif", np.full((4, 20, 30), 5, dtype), photometric="minisblack")
    with pytest.raises(UnreadableStack):
        list(open_frames(tmp_path / "film.tif", 25))
