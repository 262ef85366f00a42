"""The pictures of a clip from a known track: where things are drawn, and what a blurred picture holds."""

from types import SimpleNamespace

import numpy as np
import pytest

from data_prep.frames import Frame, open_frames
from mer.inference.spotting import Interval
from mer.report import annotated_video, mesh_picture, timeline_picture
from mer.report.annotated_video import write_annotated_video
from mer.report.panel import draw_panel
from mer.report.theme import DARK, LIGHT, THEMES

N = 20
BOX = np.array([20.0, 10.0, 84.0, 90.0])


@pytest.fixture
def track() -> SimpleNamespace:
    """Twenty frames at uneven times; a peak at frame 8, no face in the last four."""
    time = np.cumsum(np.where(np.arange(N) % 2, 0.03, 0.05))
    activity = 5 * np.exp(-(((np.arange(N) - 8) / 2) ** 2))
    displacement = np.zeros((N, 17, 2))
    displacement[:, 0, 1] = -activity
    box = np.tile(BOX, (N, 1))
    box[-4:] = np.nan
    seen = np.arange(N) < N - 4
    return SimpleNamespace(
        number=np.arange(N),
        time=time - time[0],
        seen=seen,
        box=box,
        activity=activity,
        displacement=displacement,
    )


@pytest.fixture
def intervals(track) -> list[Interval]:
    t = track.time
    return [
        Interval("macro", 5, 8, 11, t[5], t[8], t[11], 5.0),
        Interval("blink", 13, 14, 15, t[13], t[14], t[15], 80.0),
    ]


class Film:
    """Frames of one plain colour."""

    def __init__(self, colour=(200, 120, 90)):
        self.image = np.full((100, 104, 3), colour, np.uint8)

    def __iter__(self):
        return (Frame(i, 0.04 * i, self.image) for i in range(N))

    def pick(self, numbers):
        return {number: self.image for number in sorted(set(numbers))}


@pytest.fixture(autouse=True)
def mesh(monkeypatch):
    """Landmarks without the network: on a grid in the box."""
    points = BOX[:2] + np.random.default_rng(0).uniform(0.1, 0.9, (478, 2)) * (BOX[2:] - BOX[:2])
    for module in (annotated_video, timeline_picture):
        monkeypatch.setattr(
            module, "find_mesh", lambda image, box: points if np.isfinite(box).all() else None
        )


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_times_lie_where_the_panel_says(track, intervals, theme):
    panel = draw_panel(track, intervals, 800, 220, theme)
    assert panel.image.shape == (220, 800, 3) and tuple(panel.image[0, 0]) == theme.ground

    def near(colour):
        return np.abs(panel.image.astype(int) - colour).sum(-1) < 60

    curve = near(theme.ink)
    peak = np.flatnonzero(curve[np.flatnonzero(curve.any(1))[0]])
    assert abs(peak.mean() - panel.x(track.time[8])) < 3
    lane = np.flatnonzero(near(theme.kinds["blink"]).sum(0) > 5)
    assert abs(lane[0] - panel.x(track.time[13])) < 3 and abs(lane[-1] - panel.x(track.time[15])) < 3


def test_thumbnails_show_apexes_and_nothing_where_no_face_is(track, intervals):
    numbers = timeline_picture.thumbnail_frames(track, intervals)
    assert len(numbers) == timeline_picture.N_THUMBNAILS and 8 in numbers and numbers[-1] is None
    picture = timeline_picture.timeline_picture(track, intervals, Film(), width=900)
    assert picture.shape[1] == 900 and (picture == (200, 120, 90)).all(-1).any()


def test_a_video_keeps_frames_and_times_and_moves_its_cursor(track, intervals, tmp_path):
    done = []
    path = tmp_path / "annotated.mp4"
    write_annotated_video(track, intervals, Film(), path, progress=done.append)
    frames = list(open_frames(path))
    assert (
        len(frames) == N
        and done == list(range(1, N + 1))
        and [p.name for p in tmp_path.iterdir()] == [path.name]
    )
    assert np.allclose([frame.time_s for frame in frames], track.time, atol=2e-3)
    panel = draw_panel(track, intervals, annotated_video.WIDTH, annotated_video.PANEL_HEIGHT, DARK)
    for row in (2, 8, 17):
        lower = frames[row].image[-annotated_video.PANEL_HEIGHT + 8 :][:20].astype(int)
        cursor = np.abs(lower - DARK.accent).sum(-1).mean(0).argmin()
        assert abs(cursor - panel.x(track.time[row])) <= 2


def test_blurred_outputs_hold_no_pixel_of_the_film(track, intervals, tmp_path):
    dark, light = Film((0, 255, 0)), Film((255, 0, 255))
    drawn = [
        timeline_picture.timeline_picture(track, intervals, film, LIGHT, blur=True) for film in (dark, light)
    ]
    assert np.array_equal(*drawn)
    paths = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    for film, path in zip((dark, light), paths):
        write_annotated_video(track, intervals, film, path, blur=True)
    first, second = (np.stack([frame.image for frame in open_frames(path)]).astype(int) for path in paths)
    assert np.abs(first - second).max() <= 3  # the coder's threads may differ; green and magenta do by 255


def test_a_frame_without_a_face_is_plain_ground():
    assert (mesh_picture.mesh_picture(None, (40, 60), LIGHT) == LIGHT.ground).all()
