"""Block edges are found where damage left them; frames from there to the next key frame are left out."""

import cv2
import numpy as np
import pytest

from data_prep.frames import Frame
from data_prep.videos.block_edges import GRID_PX, has_block_edges
from tests.data_prep.small_videos import damage, read_frames, write_video

CODECS = {
    "libvpx": (".webm", {"crf": "10", "b:v": "1M", "deadline": "good", "cpu-used": "4", "threads": "1"}),
    "libvpx-vp9": (".webm", {"crf": "20", "b:v": "1M", "deadline": "good", "cpu-used": "4", "threads": "1"}),
    "libx265": (".mkv", {"crf": "20", "preset": "ultrafast", "x265-params": "log-level=none"}),
}


def scene(n: int, height: int = 160, width: int = 224) -> list[np.ndarray]:
    """Frames (height, width, 3) uint8 of soft waves that drift, with bars and a logo of sharp edges."""
    y, x = np.mgrid[:height, :width]
    frames = []
    for t in range(n):
        grey = 110 + 40 * np.sin((x + 2 * t) / 15) + 30 * np.cos((y - t) / 11)
        grey[:16] = grey[-16:] = 16  # edges on the grid
        grey[40:64, 30 + t : 60 + t] = 235
        frames.append(np.repeat(grey[..., None], 3, axis=2).astype(np.uint8))
    return frames


@pytest.mark.parametrize("shift, found", [(0, True), (3, False), (4, False)])
def test_only_edges_on_the_grid_count(shift, found):
    grey = scene(1)[0][..., 0].copy()
    for column, row in ((48, 64), (96, 40), (128, 96), (168, 72)):
        top, left = row + shift, column + shift
        grey[top : top + 2 * GRID_PX, left : left + 2 * GRID_PX] //= 2
    assert has_block_edges(grey) == found


@pytest.mark.parametrize("picture", [scene(1)[0][..., 0], np.zeros((5, 300), np.uint8)], ids=["bars", "low"])
def test_bars_and_low_pictures_have_none(picture):
    assert not has_block_edges(picture)


def n_wrong(frames: list[Frame], intact: list[Frame]) -> int:
    """Number of frames that differ visibly from those of the undamaged film."""
    pairs = [(frame.image, intact[frame.number].image) for frame in frames if frame.number < len(intact)]
    return sum((cv2.absdiff(image, right).mean(2) > 30).sum() > 64 for image, right in pairs)


@pytest.mark.parametrize("codec", CODECS)
def test_frames_from_damage_to_the_next_key_frame_are_left_out(tmp_path, codec):
    suffix, options = CODECS[codec]
    path = write_video(tmp_path / f"clip{suffix}", scene(26), codec, options=options)
    data, (intact, report) = path.read_bytes(), read_frames(path)
    assert len(intact) == 26 and not report.n_damaged and not report.jumps
    n_left_out = n_shown = 0
    for start in (0.12, 0.18, 0.48, 0.54, 0.66, 0.72):
        path.write_bytes(data)
        damage(path, start, 30)
        frames, report = read_frames(path)
        n_left_out += report.n_damaged
        assert bool(report.beside_damage) == bool(report.n_damaged)
        n_shown += n_wrong(frames, intact)
    assert n_left_out > 12 and n_shown <= 15
