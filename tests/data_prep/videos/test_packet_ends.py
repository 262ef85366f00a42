"""Pictures that depend on bytes behind the end of their data are damaged; intact ones never do."""

import av
import pytest

from data_prep.videos import packet_ends, video_damage
from data_prep.videos.packet_ends import (
    APPENDED,
    SecondDecoder,
    _lengthen_hevc,
    _lengthen_vp9,
    _split_superframe,
)
from tests.data_prep.small_videos import damage, read_frames, write_video
from tests.data_prep.videos.test_block_edges import scene

X265 = {"crf": "8", "preset": "ultrafast"}
SLICES = "log-level=none:slices=3:bframes=3:keyint=12"
VP9 = {"crf": "20", "b:v": "1M", "deadline": "good", "cpu-used": "4", "threads": "1"}
FILMS = {
    "lengths": ("libx265", ".mkv", X265 | {"x265-params": "log-level=none"}),
    "start codes": ("libx265", ".ts", X265 | {"x265-params": SLICES}),
    "superframes": ("libvpx-vp9", ".webm", VP9 | {"auto-alt-ref": "1", "lag-in-frames": "16"}),
}


@pytest.mark.parametrize("film", FILMS)
def test_a_picture_that_reads_on_behind_its_end_is_damaged(tmp_path, monkeypatch, film):
    codec, suffix, options = FILMS[film]
    monkeypatch.setattr(video_damage, "has_block_edges", lambda grey: False)
    path = write_video(tmp_path / f"clip{suffix}", scene(26), codec, options=options)
    data, (intact, report) = path.read_bytes(), read_frames(path)
    assert len(intact) == 26 and report.n_damaged == 0
    n_noticed = 0
    for start in range(40, 95, 5):
        path.write_bytes(data)
        damage(path, start / 100, 3)
        n_noticed += read_frames(path)[1].n_damaged > 0
    assert n_noticed >= 1


def test_a_row_that_ends_elsewhere_than_its_entry_point_is_damaged(tmp_path, monkeypatch):
    monkeypatch.setattr(video_damage, "has_block_edges", lambda grey: False)
    monkeypatch.setattr(packet_ends, "APPENDED", b"")
    options = X265 | {"x265-params": "log-level=none:ctu=16:pools=2:keyint=12"}
    path = write_video(tmp_path / "clip.mkv", scene(26), "libx265", options=options)
    data, (intact, report) = path.read_bytes(), read_frames(path)
    assert len(intact) == 26 and report.n_damaged == 0
    n_more = 0
    for start in range(40, 95, 5):
        path.write_bytes(data)
        damage(path, start / 100, 3)
        n_damaged = read_frames(path)[1].n_damaged
        with monkeypatch.context() as patch:
            patch.setattr(SecondDecoder, "differs", lambda *_: False)
            n_more += n_damaged > read_frames(path)[1].n_damaged
    assert n_more >= 5


def test_frames_whose_stamps_recur_are_compared_in_order(tmp_path):
    path = write_video(tmp_path / "clip.mkv", scene(6), "libx265", options=X265)
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        second, n_frames = SecondDecoder(stream.codec_context), 0
        for packet in film.demux(stream):
            packet.pts = 0
            frames = packet.decode()
            second.decode(packet)
            assert not any(second.differs(frame) for frame in frames)
            n_frames += len(frames)
    assert n_frames == 6


def test_every_slice_is_lengthened_and_nothing_else():
    slice_, sei = bytes([1 << 1, 1, 9]), bytes([40 << 1, 1, 7])
    prefixed = b"".join(len(unit).to_bytes(4, "big") + unit for unit in (slice_, sei, slice_))
    longer = slice_ + APPENDED
    expected = b"".join(len(unit).to_bytes(4, "big") + unit for unit in (longer, sei, longer))
    assert _lengthen_hevc(prefixed, b"\1" + bytes(20) + b"\3") == expected
    annex_b = b"\0\0\0\1" + slice_ + b"\0\0\1" + sei
    assert _lengthen_hevc(annex_b, b"") == b"\0\0\0\1" + longer + b"\0\0\0\1" + sei


def test_frames_of_a_superframe_are_lengthened_one_by_one():
    frames, marker = [b"hidden", b"shown", b"1"], bytes([0b11000000 | 2])
    packet = b"".join(frames) + marker + bytes(map(len, frames)) + marker
    assert _split_superframe(packet) == frames
    assert _split_superframe(_lengthen_vp9(packet, b"")) == [b"hidden" + APPENDED, b"shown" + APPENDED, b"1"]
    assert _lengthen_vp9(b"single", b"") == b"single" + APPENDED
