"""One clip -> what moved, when, where, which label that resembles, and how sure that is."""

import math
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np

import mer_core
from data_prep.frames import Frames
from mer import bundle as bundles
from mer.inference import action_units as units
from mer.inference import attribution, models, onset_apex, regions, reliability, spotting
from mer.inference.motion import PairMotion, measure_pair
from mer.inference.onset_apex import Moment
from mer.inference.recorder import track_clip
from mer.inference.score import Score
from mer.inference.spotting import Interval
from mer.inference.track import Track
from mer_core.errors import NothingToScore
from mer_core.io import printable_path
from mer_core.progress import track as show_progress

MAX_PICKED = 8  # intervals whose frames are held in memory together
SHIPPED_NAME = "synthetic, the one that comes with mer"


def score(
    clip: str | Path,
    bundle: str | Path | bundles.Bundle | None = None,
    *,
    onset: int | None = None,
    apex: int | None = None,
    fps: float | None = None,
    face: int = 1,
    neutral: int | None = None,
    device: str = "auto",
) -> Score:
    """Explain the strongest expression of a clip, or what lies between two frames.

    Parameters
    ----------
    clip : path of a video, or of a folder of frames, which are numbered by their names
    bundle : a bundle, the path of one, or None for the one that comes with mer
    onset, apex : frame numbers, both or neither; the strongest interval that `spot` lists where not given
    fps : frames per second of a folder, which has no times of its own
    face : which face to follow, 1 the largest
    neutral : number of a frame that shows the neutral face; found where not given
    device : what the flow network runs on, auto, cpu, cuda or mps; later calls in this process set it anew

    Raises
    ------
    BadInput
        For what cannot be read, frames that cannot be compared, and a device that is not there.
    NothingToScore
        For no face or a single frame of one.
    """
    onset_apex.check_order(onset, apex)
    models.use_device(device)
    loading = _load_in_background(bundle)
    frames, track = track_clip(clip, fps, face, neutral)
    found = spotting.intervals(track)
    if onset is None or apex is None:
        moment = onset_apex.choose(track, found, str(clip))
    else:
        moment = onset_apex.given(track, onset, apex, clip)
    return explain(Path(clip), frames, track, found, moment, loading.result(), _name(bundle))


def spot(
    clip: str | Path,
    bundle: str | Path | bundles.Bundle | None = None,
    *,
    fps: float | None = None,
    face: int = 1,
    neutral: int | None = None,
    label: bool = True,
    device: str = "auto",
) -> tuple[Track, list[Interval]]:
    """Track a clip and list its intervals; expressions get a label from the bundle unless `label` is False.

    Parameters and exceptions as in `score`.
    """
    models.use_device(device)
    recipe = _recipe(bundle) if label else None
    frames, track = track_clip(clip, fps, face, neutral)
    found = spotting.intervals(track)
    # The bundle is loaded only where it may be asked: that takes seconds and half of the memory.
    if recipe is not None and moments_to_label(Path(clip), track, found, recipe):
        fitted = _load_in_background(bundle).result()
        found = label_intervals(Path(clip), frames, track, found, fitted)
    return track, found


def moments_to_label(
    clip: Path, track: Track, found: list[Interval], recipe: bundles.Recipe
) -> dict[int, Moment]:
    """Return the moments of the intervals that may get a label, as far as is known without their flow."""
    moments = {}
    for i, interval in enumerate(found):
        if interval.is_expression:
            moment = onset_apex.choose(track, [interval], str(clip))
            conditions = reliability.measure_conditions(clip, track, moment, found, math.nan)
            if reliability.find_obstacle(moment, conditions, recipe) is None:
                moments[i] = moment
    return moments


def label_intervals(
    clip: Path, frames: Frames, track: Track, found: list[Interval], fitted: bundles.Bundle
) -> list[Interval]:
    """Return the intervals with the labels that `score` would give; flow is estimated only where it may."""
    labelled = list(found)
    moments = moments_to_label(clip, track, found, fitted.recipe)
    for start in show_progress(range(0, len(moments), MAX_PICKED), "Naming"):
        part = list(moments.items())[start : start + MAX_PICKED]
        images = frames.pick(int(track.number[row]) for _, moment in part for row in moment[:2])
        for i, moment in part:
            try:
                shown = _measure(images, track, moment, fitted)
            except NothingToScore:
                continue
            label, _, probabilities = _decide(clip, track, moment, found, shown, fitted)
            if label:
                labelled[i] = replace(found[i], label=label, probability=round(probabilities[label], 4))
    return labelled


def explain(
    clip: Path,
    frames: Frames,
    track: Track,
    found: list[Interval],
    moment: Moment,
    fitted: bundles.Bundle,
    name: str,
) -> Score:
    """Explain one moment of a clip that has been tracked. found : its intervals; name : of the bundle."""
    recipe = fitted.recipe
    numbers = [int(track.number[row]) for row in moment[:2]]
    shown = _measure(frames.pick(numbers), track, moment, fitted)
    label, reason, probabilities = _decide(clip, track, moment, found, shown, fitted)
    share = attribution.decision_fractions(fitted, shown.input_flow, shown.landmarks)
    parts = [
        replace(part, share=share[part.name])
        for part in regions.measure_regions(shown.facial.flow, shown.landmarks)
    ]
    weights = models.method(recipe.method, recipe.method_options).weights
    seconds = [float(track.time[row]) if track.timed else None for row in moment[:2]]
    return Score(
        clip=printable_path(clip),
        label=label,
        reason=reason,
        probabilities=probabilities,
        onset=numbers[0],
        apex=numbers[1],
        onset_s=seconds[0],
        apex_s=seconds[1],
        motion=shown.facial.strength,
        regions=sorted(parts, key=lambda region: -region.motion),
        units=units.find_units(shown.landmarks, shown.facial.points),
        warnings=reliability.warnings(clip, frames, track, moment, found, recipe, weights),
        frames=track.frames,
        fps=None if not track.timed or math.isnan(track.fps) else round(track.fps, 3),
        eyes_px=round(float(track.eyes_px[moment.onset]), 1),
        bundle=name,
        made_with=_made_with(recipe, weights),
        synthetic=recipe.synthetic,
        evidence=recipe.evidence,
        interval=moment.interval,
        intervals=found,
        track=track,
        matrix=shown.matrix,
        landmarks=shown.landmarks,
        onset_face=shown.faces[0],
        apex_face=shown.faces[1],
        facial_flow=shown.facial.flow,
    )


def _recipe(bundle: str | Path | bundles.Bundle | None) -> bundles.Recipe:
    return bundle.recipe if isinstance(bundle, bundles.Bundle) else models.recipe(_path(bundle))


def _load_in_background(bundle: str | Path | bundles.Bundle | None) -> "Future[bundles.Bundle]":
    if not isinstance(bundle, bundles.Bundle):
        return models.load_in_background(_path(bundle))
    loaded: Future[bundles.Bundle] = Future()
    loaded.set_result(bundle)
    return loaded


def _path(bundle: str | Path | None) -> str:
    return str(bundle or bundles.default_path())


def _name(bundle: str | Path | bundles.Bundle | None) -> str:
    return "one in memory" if isinstance(bundle, bundles.Bundle) else str(bundle or SHIPPED_NAME)


def _measure(
    images: dict[int, np.ndarray], track: Track, moment: Moment, fitted: bundles.Bundle
) -> PairMotion:
    pair = [images[int(track.number[row])] for row in moment[:2]]
    return measure_pair(pair, track.box[moment.onset], fitted.recipe)


def _decide(
    clip: Path,
    track: Track,
    moment: Moment,
    found: list[Interval],
    shown: PairMotion,
    fitted: bundles.Bundle,
) -> tuple[str | None, str | None, dict[str, float]]:
    """Return the label or None, the reason where there is none, and the probabilities."""
    both_ways = np.stack(
        [fitted.extract(flow, shown.landmarks) for flow in (shown.input_flow, -shown.input_flow)]
    )
    probabilities, opposite = (
        dict(zip(fitted.recipe.labels, map(float, p))) for p in fitted.predict_proba(both_ways)
    )
    conditions = reliability.measure_conditions(clip, track, moment, found, shown.facial.strength)
    label, reason = reliability.find_label(moment, conditions, probabilities, opposite, fitted.recipe)
    return label, reason, probabilities


def _made_with(recipe: bundles.Recipe, weights: str) -> str:
    flow = f"{recipe.method} flow (weights {weights})" if weights else f"{recipe.method} flow"
    return f"{recipe.classifier} on {recipe.feature} of {flow}, mer {mer_core.__version__}"
