"""Codecs that show damage late: the frames since the last key frame are suspect once damage is noticed."""

from types import SimpleNamespace

import pytest

from data_prep.frame_report import FrameReport
from data_prep.videos import video_damage
from data_prep.videos.video import VideoFrames
from data_prep.videos.video_damage import DamageLog, DamageTracker
from data_prep.videos.video_stream import UnreadableVideo
from tests.data_prep.small_videos import read_frames, write_video
from tests.data_prep.videos.test_block_edges import scene

N_FRAMES, KEYS = 24, (0, 12)


class Damaged(DamageTracker):
    """Damage that is noticed in given frames, which are their own stamps."""

    def is_spoiled(self, frame) -> bool:
        if frame.pts in frame.bad:
            self.noticed.add(frame.pts)
        return frame.pts in frame.bad

    def n_lost_before(self, frame) -> int:
        return 0


def suspects(bad: set[int], is_smoothed: bool = True) -> list[tuple[int, int]]:
    """Suspect spans of a video with key frames at `KEYS` and damage noticed in `bad`."""
    log = DamageLog(Damaged(is_smoothed, last=N_FRAMES - 1), FrameReport())
    for stamp in range(N_FRAMES):
        log.add(SimpleNamespace(pts=stamp, key_frame=stamp in KEYS, bad=bad))
    log.finish()
    assert log.report.n_damaged == len(bad)
    return log.report.suspect_spans


@pytest.mark.parametrize(
    "bad, expected",
    [
        (set(), []),
        (set(range(7, 12)), [(0, 6)]),
        (set(range(12, 24)), []),  # the key frame itself
        (set(range(20, 24)), [(12, 19)]),
        ({5, 6, *range(18, 24)}, [(0, 4), (12, 17)]),
        ({23}, []),  # the end of a file that was cut off
    ],
)
def test_frames_from_a_key_frame_to_damage_are_suspect(bad, expected):
    assert suspects(bad) == expected
    assert suspects(bad, is_smoothed=False) == []


@pytest.fixture
def late_film(tmp_path, monkeypatch):
    """A film in VP8 with 24 frames, whose damage is noticed from frame 18 on."""
    options = {"crf": "20", "b:v": "1M", "deadline": "good", "cpu-used": "4", "threads": "1"}
    path = write_video(tmp_path / "clip.webm", scene(N_FRAMES), "libvpx", gop=12, options=options)
    (marked, _), bad = read_frames(path), 18
    assert len(marked) == N_FRAMES
    seen = []
    monkeypatch.setattr(
        video_damage, "has_block_edges", lambda grey: seen.append(grey) or (len(seen) - 1) % N_FRAMES == bad
    )
    return path, seen


def test_suspects_are_said_and_have_no_times(late_film):
    path, seen = late_film
    film = VideoFrames(path)
    seen.clear()
    frames = list(film)
    assert [frame.number for frame in frames] == list(range(18))
    assert film.report.suspect_spans == [(12, 17)] and film.report.n_damaged == 6
    assert any("12 to 17" in sentence for sentence in film.report.sentences())
    seen.clear()
    assert sorted(film.frame_times()) == list(range(12))


def test_a_film_of_suspects_alone_has_no_intact_frame(late_film, monkeypatch):
    path, seen = late_film
    film = VideoFrames(path)
    monkeypatch.setattr(FrameReport, "suspects", property(lambda report: set(range(N_FRAMES))))
    with pytest.raises(UnreadableVideo, match="intact"):
        film.frame_times()
