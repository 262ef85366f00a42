"""From a file to what the page shows: the only module of the page that calls `mer.inference`.

Heavy imports are made at the call, so that the server answers before the models are loaded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mer_core.errors import BadInput

if TYPE_CHECKING:
    from mer.inference.predict import Score
    from mer.inference.spotting import Interval
    from mer.inference.track import Course

Progress = Callable[[int, int | None], None]


@dataclass
class Analysis:
    """What one pass over a clip gave: its track, its intervals, and the score of the moment that is shown."""

    path: Path
    track: "Course"
    intervals: list["Interval"]
    score: "Score"


def warm_up() -> None:
    """Load the models, so that the first clip does not wait for them."""
    from mer.inference import models

    models.mesh(), models.detector()


def analyse(path: Path, bundle: str, progress: Progress) -> Analysis:
    """Track the clip once, list its intervals, score the strongest moment. Raises as `mer.score` does."""
    from data_prep.frames import open_frames
    from mer.inference import onset_apex, spotting
    from mer.inference.face_tracker import Follower
    from mer.inference.predict import FPS
    from mer.inference.track import watch

    frames, follower, total = open_frames(path), Follower(), promised_frames(path)

    def counted():
        for n_read, frame in enumerate(frames, start=1):
            progress(n_read, total)
            yield frame

    track = watch(counted(), follower, FPS, most_fps=spotting.RATE)
    follower.require(path.name)
    moment = onset_apex.strongest(track, path.name)
    return Analysis(path, track, spotting.intervals(track), _score(path, track, moment, bundle))


def score_moment(analysis: Analysis, onset: int, apex: int, bundle: str) -> "Score":
    """Score the same clip between two frame numbers. Raises `BadInput` where one cannot be used."""
    from mer.inference.predict import given

    if onset == apex:
        raise BadInput("Onset and apex must be two different frames.")
    moment = given(analysis.track, onset, apex, Path(analysis.path.name))
    return _score(analysis.path, analysis.track, moment, bundle)


def _score(path: Path, track: "Course", moment, bundle: str) -> "Score":
    from data_prep.frames import open_frames
    from mer.inference import models
    from mer.inference.predict import explain

    return explain(path, open_frames(path), track, moment, models.bundle(bundle), Path(bundle).name)


def promised_frames(path: Path) -> int | None:
    """How many frames the container says there are; None where it says nothing."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return (
            stream.frames
            or round(float((container.duration or 0) / 1e6 * (stream.average_rate or 0)))
            or None
        )


def to_dict(analysis: Analysis) -> dict[str, Any]:
    """The result for the page, ready for JSON."""
    track, score = analysis.track, analysis.score
    units = [unit.to_dict() | {"words": unit.words} for unit in score.units]
    return {
        "score": score.to_dict() | {"clip": analysis.path.name, "units": units},
        "intervals": [vars(interval) | {"confidence": None} for interval in analysis.intervals],
        "curve": {
            "numbers": track.number.tolist(),
            "times": [round(float(t), 4) for t in track.time],
            "strength": [round(float(a), 3) for a in score.activity],
        },
    }
