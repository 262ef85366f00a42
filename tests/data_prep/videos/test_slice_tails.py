"""Pictures whose last bytes have no effect are damaged; of intact ones they always have."""

from pathlib import Path

import av
import numpy as np
import pytest

from data_prep.videos import slice_tails
from data_prep.videos.packet_ends import _lengthen_hevc
from tests.data_prep.small_videos import read_frames, write_video
from tests.data_prep.videos.test_block_edges import scene

N_FRAMES, CHANGED = 24, 10
X265 = "log-level=none:no-wpp=1:keyint=12:min-keyint=12:scenecut=0"


@pytest.fixture(params=["bframes=0", "bframes=3:open-gop=0", "bframes=3"])
def film(tmp_path, request) -> Path:
    """A film without entry points, in which a bar appears in frame `CHANGED`."""
    frames = scene(N_FRAMES)
    for frame in frames[CHANGED:]:
        frame[64:96, 90:150] = np.arange(60)[:, None] * 4
    options = {"crf": "16", "preset": "ultrafast", "x265-params": f"{X265}:{request.param}"}
    return write_video(tmp_path / "film.mkv", frames, "libx265", options=options)


def lengthen(film: Path, shown: int) -> Path:
    """Copy a film with bytes behind the data of frame `shown`, which a decoder does not reach."""
    path = film.with_stem("longer")
    with av.open(str(film)) as source, av.open(str(path), "w") as out:
        stream = source.streams.video[0]
        target = out.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.size]
        stamp = sorted(packet.pts for packet in packets)[shown]
        for packet in packets:
            data = bytes(packet)
            if packet.pts == stamp:
                data = _lengthen_hevc(data, bytes(stream.codec_context.extradata))
            copy = av.Packet(data)
            copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
            copy.stream, copy.is_keyframe = target, packet.is_keyframe
            out.mux(copy)
    return path


@pytest.mark.parametrize("first", [0, CHANGED, 12])
def test_a_picture_that_is_not_read_to_its_end_is_damaged(film, first):
    assert read_frames(film)[1].n_damaged == 0
    frames, report = read_frames(lengthen(film, first))
    left_out = range(first, 12) if first < 12 else range(12, N_FRAMES)
    assert report.n_damaged >= len(left_out) and not {frame.number for frame in frames} & {*left_out}


def test_every_intact_picture_is_read_to_its_end(film, monkeypatch):
    tested = []
    has_unread_tail = slice_tails.SliceTails._has_unread_tail

    def remember(self, place):
        tested.append(has_unread_tail(self, place))
        return tested[-1]

    monkeypatch.setattr(slice_tails.SliceTails, "_changes_suddenly", lambda *_: True)
    monkeypatch.setattr(slice_tails.SliceTails, "_has_unread_tail", remember)
    monkeypatch.setattr(slice_tails, "FIRST_EFFORT", 10_000)
    assert read_frames(film)[1].n_damaged == 0
    assert len(tested) >= N_FRAMES and not any(tested)


def test_tests_are_limited(film, monkeypatch):
    monkeypatch.setattr(slice_tails, "EFFORT", 0)
    monkeypatch.setattr(slice_tails, "FIRST_EFFORT", 0)
    assert read_frames(lengthen(film, 12))[1].n_damaged == 0
