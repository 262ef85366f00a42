"""Numbers and times of the frames of a video."""

import av
import pytest

from data_prep.frames import open_frames
from tests.data_prep.small_videos import moving_square, read_frames, square_at, write_video

LOSSLESS = {"qp": "0"}


def test_a_variable_frame_rate_keeps_its_times(tmp_path):
    path = write_video(tmp_path / "clip.mp4", moving_square(3), rate=10, stamps=[0, 1, 5])
    frames, _ = read_frames(path)
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.1, 0.5])


@pytest.mark.parametrize("suffix", ["avi", "mp4", "mkv", "ts"])
def test_b_frames_come_in_the_order_and_at_the_times_of_presentation(tmp_path, suffix):
    options = {"qp": "5", "bf": "3"}
    frames, report = read_frames(
        write_video(tmp_path / f"clip.{suffix}", moving_square(24), "libx264", options=options)
    )
    assert [square_at(frame.image) for frame in frames] == [4 + 2 * k for k in range(24)]
    assert [frame.time_s for frame in frames] == pytest.approx([k / 25 for k in range(24)])
    assert (report.n_times_reordered > 0) is (suffix == "avi")  # which stores times of decoding only
    picked = open_frames(tmp_path / f"clip.{suffix}").pick([3, 17])
    assert {number: square_at(image) for number, image in picked.items()} == {3: 10, 17: 38}


@pytest.mark.parametrize("suffix, codec", [("avi", "mjpeg"), ("mp4", "mpeg4"), ("h264", "libx264")])
def test_a_rate_that_is_given_takes_effect(tmp_path, suffix, codec):
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = write_video(
        tmp_path / f"fast.{suffix}", moving_square(4), codec, rate=24, pix_fmt=pix_fmt, options={}
    )
    frames, report = read_frames(path, fps=200)
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.005, 0.01, 0.015])
    assert report.times == "fps" and report.fps_given == 200
    assert any("--fps 200" in note for note in report.sentences())


def test_a_rate_rescales_variable_times(tmp_path):
    path = write_video(tmp_path / "clip.mp4", moving_square(6), rate=25, stamps=[0, 1, 2, 3, 6, 7])
    frames, _ = read_frames(path, fps=100)
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.01, 0.02, 0.03, 0.06, 0.07])


def test_a_stream_without_times_says_that_its_rate_is_assumed(tmp_path):
    frames, report = read_frames(
        write_video(tmp_path / "raw.h264", moving_square(5), "libx264", options=LOSSLESS)
    )
    assert report.times == "assumed" and report.sentences()
    assert [frame.time_s for frame in frames] == pytest.approx([k / 25 for k in range(5)])


def test_joined_streams_go_on(tmp_path):
    path = write_video(tmp_path / "clip.ts", moving_square(30), "mpeg2video")
    path.write_bytes(path.read_bytes() * 2)
    frames, report = read_frames(path)
    times = [frame.time_s for frame in frames]
    assert len(frames) > 55 and report.n_time_jumps == 1 and report.n_used == len(frames)
    assert times == sorted(set(times)) and times[-1] < 2.5


def test_pauses_and_lost_frames_are_reported(tmp_path):
    stamps = [0, 4, 8, 12, 20, 24, 524, 528, 532]  # one frame late, and a pause of 5 s
    frames = open_frames(write_video(tmp_path / "a.mkv", moving_square(9), rate=100, stamps=stamps))
    assert [round(frame.time_s, 3) for frame in frames][5:7] == [0.24, 5.24]
    assert (frames.report.n_time_gaps, frames.report.longest_gap_s) == (1, pytest.approx(5))
    assert any("Times jump forward 1 time, by up to 5 s" in line for line in frames.report.sentences())


def test_a_rate_that_varies_is_reported_and_rounding_is_not(tmp_path):
    stamps = [0, 1, 2, 3, 5, 6, 7, 9, 10, 11]
    _, report = read_frames(write_video(tmp_path / "clip.mp4", moving_square(10), rate=30, stamps=stamps))
    assert report.n_uneven_steps == 2 and any("33.3 to 66.7 ms" in text for text in report.sentences())
    _, report = read_frames(write_video(tmp_path / "clip.mkv", moving_square(20), rate=120))
    assert report.n_uneven_steps == 0 and report.fps_in_file == pytest.approx(120, rel=0.01)


def test_short_recordings_that_are_joined_go_on(tmp_path):
    path = write_video(tmp_path / "clip.ts", moving_square(16), "libx264")
    path.write_bytes(path.read_bytes() * 2)
    frames, report = read_frames(path)
    assert report.n_time_jumps == 1 and not report.n_times_repeated
    assert frames[-1].time_s > 1.1


@pytest.mark.parametrize("capture, fps, said", [("240.000000", None, True), ("25.0", None, False),
    ("x", None, False), ("240", 240, False)])  # fmt: skip
def test_slow_motion_that_the_camera_states_is_said(tmp_path, capture, fps, said):
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as out:
        out.metadata["com.android.capture.fps"] = capture
        stream = out.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        for image in moving_square(8):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode())
    report = read_frames(path, fps)[1]
    assert any("slow motion" in sentence and "240" in sentence for sentence in report.sentences()) == said
