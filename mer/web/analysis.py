"""Analyse a clip for the page. No other module of the page calls `mer.inference`.

Heavy imports are inside the functions, so that the server responds before the models are loaded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_prep.frames import Frames
    from mer.inference.onset_apex import Moment
    from mer.inference.score import Score
    from mer.inference.spotting import Interval
    from mer.inference.track import Track

Progress = Callable[[int, int | None], None]


@dataclass
class Analysis:
    """The result of one pass over a clip: track, intervals, and the selected moment with its score."""

    path: Path
    frames: "Frames"
    track: "Track"
    intervals: list["Interval"]
    moment: "Moment"
    score: "Score"


def warm_up(bundle: str) -> None:
    """Load the models and the bundle at this path before the first clip needs them."""
    from mer.inference import models, predict  # noqa: F401
    from mer.inference.pair_reading import warm_up

    models.get_mesh()
    models.get_detector()
    warm_up(models.get_bundle(bundle))


def analyse(path: Path, bundle: str, progress: Progress, face: int = 1) -> Analysis:
    """Track a clip, find and label its intervals, and score the strongest; raise as `mer.score` does."""
    from mer.inference import models, onset_apex, spotting
    from mer.inference.predict import label_intervals
    from mer.inference.recorder import track_clip

    frames, track = track_clip(path, face=face, progress=progress)
    found = label_intervals(path, frames, track, spotting.find_intervals(track), models.get_bundle(bundle))
    moment = onset_apex.choose_moment(track, found, path.name)
    return Analysis(path, frames, track, found, moment, _score(path, frames, track, found, moment, bundle))


def score_moment(analysis: Analysis, onset: int, apex: int, bundle: str) -> None:
    """Select and score the moment between two frame numbers; raise `BadInput` if one cannot be used.

    The numbers of the present score, and those of an expression, select that moment and not just two frames:
    what forbids a label does so with another bundle, too, and the label is that of the list of intervals.
    """
    moment = _select_moment(analysis, onset, apex)
    analysis.score = _score(
        analysis.path, analysis.frames, analysis.track, analysis.intervals, moment, bundle
    )
    analysis.moment = moment


def _select_moment(analysis: Analysis, onset: int, apex: int) -> "Moment":
    from mer.inference import onset_apex

    track, name = analysis.track, analysis.path.name
    if (onset, apex) == (analysis.score.onset, analysis.score.apex):
        return analysis.moment
    for interval in analysis.intervals:
        if interval.is_expression and (interval.onset, interval.apex) == (onset, apex):
            return onset_apex.choose_moment(track, [interval], name)
    onset_apex.check_order(onset, apex)
    return onset_apex.moment_between(track, onset, apex, name)


def _score(
    path: Path, frames: "Frames", track: "Track", found: list["Interval"], moment: "Moment", bundle: str
) -> "Score":
    from mer.inference import models
    from mer.inference.pair_reading import read_pair
    from mer.inference.predict import explain

    fitted = models.get_bundle(bundle)
    read = partial(read_pair, fitted)
    return explain(path, frames, track, found, moment, fitted.recipe, read, Path(bundle).name)


def to_dict(analysis: Analysis) -> dict[str, Any]:
    """Return the result for the page, ready for JSON."""
    from mer.recipe import evidence_words

    track, score = analysis.track, analysis.score
    evidence = evidence_words(score.evidence)
    units = [unit.to_dict() | {"words": unit.title} for unit in score.units]
    return {
        "score": score.to_dict() | {"clip": analysis.path.name, "units": units, "evidence": evidence},
        "intervals": [interval.to_dict() for interval in analysis.intervals],
        "n_faces": track.max_faces,
        "curve": {
            "numbers": track.number.tolist(),
            "times": [round(float(t), 4) for t in track.time],
            "strength": [round(float(a), 3) for a in track.activity],
        },
    }
