"""Videos: numbers, times, and everything that a container says beside its pixels."""

import multiprocessing
from zipfile import ZipFile

import av
import numpy as np
import pytest
from PIL import Image

from data_prep.frames import open_frames
from data_prep.videos.video import UnreadableVideo, VideoFrames
from data_prep.videos.video_damage import FrameConverter
from data_prep.videos.video_stream import bits_per_pixel, read_packets
from tests.data_prep.small_videos import (
    damage,
    moving_square,
    read_frames,
    square_at,
    write_video,
)

LOSSLESS = {"qp": "0"}


def textured(n: int) -> list[np.ndarray]:
    """Frames with so much detail that every packet is large."""
    return [np.random.default_rng(k).integers(0, 255, (96, 128, 3), np.uint8) for k in range(n)]


def test_frames_have_numbers_times_and_pixels(tmp_path):
    frames, report = read_frames(write_video(tmp_path / "clip.mp4", moving_square(5)))
    assert [frame.number for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])
    assert [square_at(frame.image) for frame in frames] == [4, 6, 8, 10, 12]
    assert (report.n_used, report.n_in_file, report.times, report.sentences()) == (5, 5, "file", [])


@pytest.mark.parametrize("cover_first", [True, False])
def test_a_cover_picture_is_no_film(tmp_path, cover_first):
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        streams = {}
        for codec in ("mjpeg", "mpeg4") if cover_first else ("mpeg4", "mjpeg"):
            streams[codec] = stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = (
                96,
                64,
                "yuvj420p" if codec == "mjpeg" else "yuv420p",
            )
        streams["mjpeg"].disposition = av.stream.Disposition.attached_pic
        for codec, n in (("mjpeg", 1), ("mpeg4", 6)):
            stream = streams[codec]
            for k, image in enumerate(moving_square(n)):
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts = k
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    frames, report = read_frames(path)
    assert len(frames) == 6 and "cover picture" in report.other_streams[0]
    assert 0 < bits_per_pixel(path) < 10


def test_a_change_of_size_is_scaled_and_a_change_of_shape_passed_over(tmp_path):
    parts = {
        name: write_video(tmp_path / f"{name}.ts", moving_square(12, *size), "mpeg2video").read_bytes()
        for name, size in {"first": (64, 96), "larger": (128, 192), "square": (96, 96)}.items()
    }
    path = tmp_path / "clip.ts"
    path.write_bytes(b"".join(parts.values()))
    frames, report = read_frames(path)
    assert {frame.image.shape for frame in frames} == {(64, 96, 3)}
    assert report.n_resized >= 10 and report.n_other_shape >= 10
    assert report.n_used == len(frames)


@pytest.mark.parametrize("pix_fmt, source", [("gray16le", "gray16le"), ("gbrp16le", "rgb48le")])
def test_twelve_bits_in_sixteen_keep_their_grey_levels(tmp_path, pix_fmt, source):
    ramp = np.tile(np.linspace(0, 4095, 256).astype(np.uint16), (32, 1))
    images = [ramp // dim if source == "gray16le" else np.stack([ramp // dim] * 3, -1) for dim in (1, 2)]
    path = write_video(tmp_path / "clip.mkv", images, "ffv1", pix_fmt=pix_fmt, source=source, options={})
    (bright, dim), report = read_frames(path)
    assert bright.image[0, :, 0] == pytest.approx(np.arange(256), abs=1)
    assert dim.image[0, :, 0] == pytest.approx(np.arange(256) / 2, abs=1)  # the same factor for both
    assert (report.bit_depth, report.white) == (12, 4095)


def test_ten_bits_are_scaled_by_their_maximum(tmp_path):
    white = np.full((64, 96, 3), 65535, np.uint16)
    path = write_video(
        tmp_path / "clip.mp4",
        [white] * 2,
        "libx264",
        pix_fmt="yuv420p10le",
        source="rgb48le",
        options=LOSSLESS,
    )
    frames, report = read_frames(path)
    assert frames[0].image.min() >= 253 and report.bit_depth == 10


@pytest.mark.parametrize("color_range, bright", [(1, 255), (2, 235)])
def test_the_colour_range_of_the_file_is_respected(tmp_path, color_range, bright):
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=LOSSLESS)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.color_range = color_range
        frame = av.VideoFrame(64, 64, "yuv420p")
        for plane, value in zip(frame.planes, (235, 128, 128)):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.color_range, frame.pts = color_range, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    frames, report = read_frames(path)
    assert int(frames[0].image.mean()) == bright
    assert (report.color_range == "full") is (color_range == 2)


@pytest.mark.parametrize(
    "codec, suffix",
    [
        ("libx264", "mp4"),
        ("libx264", "ts"),
        ("mpeg4", "avi"),
        ("mpeg2video", "ts"),
        ("mjpeg", "avi"),
        ("ffv1", "mkv"),
    ],
)
def test_damage_costs_the_frames_that_are_built_on_it_and_no_more(tmp_path, codec, suffix):
    options = {"qp": "20"} if codec == "libx264" else {"slicecrc": "1"} if codec == "ffv1" else None
    path = tmp_path / f"clip.{suffix}"
    write_video(
        path, textured(36), codec, pix_fmt="yuvj420p" if codec == "mjpeg" else "yuv420p", options=options
    )
    whole = {round(25 * frame.time_s): frame.image for frame in read_frames(path)[0]}
    damage(path, 0.45, 400)
    frames, report = read_frames(path)
    for frame in frames:
        assert np.abs(frame.image.astype(int) - whole[round(25 * frame.time_s)]).mean() < 0.5
    assert 0 < report.n_damaged <= 13 and len(frames) >= len(whole) - 13  # of a group of 12
    assert any(str(report.n_damaged) in note for note in report.sentences())


@pytest.mark.parametrize("codec, suffix", [("libx264", "ts"), ("mjpeg", "avi"), ("mpeg4", "avi")])
def test_a_file_that_was_cut_off_gives_what_it_holds(tmp_path, codec, suffix):
    options = {"qp": "20"} if codec == "libx264" else None
    path = tmp_path / f"clip.{suffix}"
    write_video(
        path, textured(30), codec, pix_fmt="yuvj420p" if codec == "mjpeg" else "yuv420p", options=options
    )
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    frames, report = read_frames(path)
    assert 12 <= len(frames) <= 20
    assert suffix == "ts" or f"{len(frames)} of 30 frames were used." in report.sentences()


@pytest.mark.parametrize(
    "name", ["2024-05-08T12:30:05.mp4", "http:x.mp4", "concat:a|b.mp4", "a %03d.mp4", "-i.mp4", "ünï.mp4"]
)
def test_any_name_is_a_path(tmp_path, monkeypatch, name):
    write_video(tmp_path / name, moving_square(3))
    monkeypatch.chdir(tmp_path)
    assert len(read_frames(name)[0]) == len(read_frames(tmp_path / name)[0]) == 3
    assert bits_per_pixel(name) > 0


def test_a_playlist_opens_nothing_else(tmp_path):
    other = write_video(tmp_path / "other.ts", moving_square(3), "mpeg2video")
    (tmp_path / "clip.mp4").write_text(f"ffconcat version 1.0\nfile '{other}'\n")
    with pytest.raises(UnreadableVideo):
        VideoFrames(tmp_path / "clip.mp4")


def test_a_stream_that_begins_late_ends_no_other(tmp_path):
    class Container:
        def demux(self, stream):
            yield from "ab"
            raise IndexError  # as PyAV does after the last packet, if the file has more streams than at first

    assert list(read_packets(Container(), None)) == ["a", "b"]


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "notes.txt").write_text("FFmpeg would draw this text\n" * 20)
    (tmp_path / "empty.mp4").write_bytes(b"")
    for name, fact in (("text.mp4", "Invalid"), ("notes.txt", ""), ("empty.mp4", "empty")):
        with pytest.raises(UnreadableVideo) as refused:
            open_frames(tmp_path / name)
        assert refused.value.code == "unreadable-video"
        assert name in str(refused.value) and fact in str(refused.value).removeprefix(str(tmp_path / name))


@pytest.mark.parametrize("interlaced", [True, False])
def test_interlaced_videos_are_reported(tmp_path, interlaced):
    options = {"flags": "+ilme+ildct", "top": "1"} if interlaced else None
    path = write_video(tmp_path / "a.mpg", moving_square(8), "mpeg2video", options=options)
    frames = open_frames(path)
    n_frames = len(list(frames))
    assert frames.report.n_interlaced == (n_frames if interlaced else 0)
    assert any("interlaced" in sentence for sentence in frames.report.sentences()) == interlaced


def test_checksums_of_hevc_are_checked(tmp_path):
    options = {"x265-params": "hash=1:log-level=none", "crf": "20"}
    seen = 0
    for start in (0.5, 0.6, 0.7, 0.8):
        path = write_video(tmp_path / "clip.mkv", moving_square(26), "libx265", options=options)
        damage(path, start, 12)
        _, report = read_frames(path)
        seen += bool(report.n_damaged)
    assert seen == 4


def test_high_dynamic_range_is_reported(tmp_path):
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=25, options={"x265-params": "log-level=none"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p10le"
        stream.codec_context.color_trc = 18
        for image in moving_square(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    _, report = read_frames(path)
    assert report.hdr == "HLG" and any("HLG" in sentence for sentence in report.sentences())


def test_an_archive_is_called_one(tmp_path):
    with ZipFile(tmp_path / "clip.mp4", "w") as archive:
        archive.write(write_video(tmp_path / "clip.ts", moving_square(9)))  # which FFmpeg would find and play
    with pytest.raises(UnreadableVideo, match="clip.mp4"):
        read_frames(tmp_path / "clip.mp4")


def test_a_webp_is_called_an_image(tmp_path):
    path = tmp_path / "clip.webp"
    Image.new("RGB", (16, 16)).save(path, save_all=True, append_images=[Image.new("RGB", (16, 16), "red")])
    with pytest.raises(UnreadableVideo, match="WebP"):
        read_frames(path)


def test_a_frame_that_cannot_be_converted_is_damaged(tmp_path, monkeypatch):
    path = write_video(tmp_path / "clip.avi", moving_square(6))
    convert = FrameConverter.__call__
    monkeypatch.setattr(
        FrameConverter, "__call__", lambda self, frame: None if frame.pts == 3 else convert(self, frame)
    )
    frames, report = read_frames(path)
    assert [frame.number for frame in frames] == [0, 1, 2, 4, 5]
    assert (report.n_damaged, report.first_damaged) == (1, "frame 3")


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
def test_a_process_forked_after_a_video_was_read_can_read_it(tmp_path):
    path = write_video(tmp_path / "clip.mp4", [np.zeros((480, 640, 3), np.uint8)] * 3)
    read_frames(path)
    child = multiprocessing.get_context("fork").Process(target=read_frames, args=(path,))
    child.start()
    child.join(timeout=60)
    is_stuck = child.is_alive()
    child.kill()
    assert not is_stuck and child.exitcode == 0
