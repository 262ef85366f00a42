"""Made-up tracks, in which everything is known to the frame."""

from dataclasses import replace

import numpy as np

from mer.inference import neutral
from mer.inference.appearance import N_POINTS
from mer.inference.site_motion import NAMES
from mer.inference.track import Track

FPS, SECONDS = 50, 20.0
SMILE = ("lip_corner_right", "lip_corner_left", "cheek_left", "cheek_right")


def resting_track(seconds: float = SECONDS, fps: float = FPS) -> Track:
    """A face at rest, with the noise of a good camera."""
    n, rng = round(fps * seconds), np.random.default_rng(0)
    sites = rng.normal(0, 0.03, (n, len(NAMES), 2))
    return Track(
        number=np.arange(n),
        time=np.arange(n) / fps,
        seen=np.ones(n, bool),
        run=np.zeros(n, int),
        n_faces=np.ones(n, int),
        plausibility=np.ones(n),
        box=np.tile([10.0, 10, 90, 90], (n, 1)),
        eyes_px=np.full(n, 80.0),
        turn=rng.normal(0, 0.02, (n, 3)),
        shift=np.full((n, 2), 50.0),
        sites=sites,
        neutral=np.zeros_like(sites),
        at_rest=np.ones(n),
        lids=14.0 + rng.normal(0, 0.2, (n, 2)),
        open_lids=np.full(2, 14.0),
        mouth=np.tile([0.0, 1.0, 77.0, 0.0], (n, 1)),
        appearance=np.zeros((n, 3, N_POINTS), np.uint8),
        neutral_frame=0,
        face_id=1,
        max_faces=1,
        frames=n,
        shape=(100, 100),
        timed=True,
    )


def bump(track: Track, onset: float, offset: float) -> np.ndarray:
    """(n,) 0..1, up and down between two times."""
    inside = np.clip((track.time - onset) / (offset - onset), 0, 1)
    return (1 - np.cos(2 * np.pi * inside)) / 2


def plateau(track: Track, onset: float, offset: float, ramp: float = 0.3) -> np.ndarray:
    """(n,) 0..1, held between two times; ramps lie inside and may lie before or after the film."""
    return np.clip(np.minimum(track.time - onset, offset - track.time) / ramp, 0, 1)


def move(track: Track, level: np.ndarray, far: float, sites=SMILE, opening: float = 0.0) -> None:
    """Raise sites by `far` % at level 1; `opening` of the mouth, too."""
    for site in sites:
        track.sites[:, NAMES.index(site), 1] -= far * level
    track.mouth[:, 0] += opening * level


def with_neutral(track: Track) -> Track:
    """The track with its neutral face found, as `track_assembly` does."""
    step = track.step(np.arange(len(track.number)))
    smooth = neutral.smooth_sites(track.time, track.sites, step)
    still = neutral.stillness(track.sites, step)
    anchor = neutral.find_neutral(track.time, smooth, track.mouth, track.lids, still)
    head = neutral.head_position(track.turn, track.shift, track.eyes_px)
    face, rest = neutral.follow_neutral(track.time, smooth, head, anchor, still)
    return replace(track, neutral=face, at_rest=rest, neutral_frame=int(track.number[anchor]))
