"""Score or spot one clip: what moved, when and where, which label it resembles, and how certain that is."""

import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

import mer_core
from data_prep.frames import Frames
from mer.bundle import Bundle, default_path
from mer.inference import models, onset_apex, regions, reliability, spotting
from mer.inference.motion import align_moment
from mer.inference.no_label import NoLabel
from mer.inference.onset_apex import Moment
from mer.inference.pair_reading import PairReading, Reader, read_pair
from mer.inference.recorder import clip_name, track_clip
from mer.inference.score import Score
from mer.inference.spotting import Interval
from mer.inference.track import Track
from mer.recipe import Recipe
from mer_core.errors import NothingToScore
from mer_core.io import printable_path
from mer_core.progress import count_steps
from mer_core.progress import track as show_progress

MAX_PICKED = 8  # intervals whose frames are held in memory together
DEFAULT_BUNDLE = "synthetic, the one that comes with mer"  # its name in results


def score(
    clip: str | Path | np.ndarray,
    bundle: str | Path | Bundle | None = None,
    *,
    onset: int | None = None,
    apex: int | None = None,
    fps: float | None = None,
    face: int = 1,
    neutral: int | None = None,
    device: str = "auto",
    reader: Reader | None = None,
) -> Score:
    """Explain the strongest expression of a clip, or the motion between two frames.

    Parameters
    ----------
    clip : path or (N, H, W, 3) uint8 RGB
        A video, a folder of frames numbered by their names, or frames in memory, numbered from 0.
    bundle : Bundle, path or None
        None: the bundle that comes with mer.
    onset, apex : int or None
        Frame numbers, both or neither. None: those of the strongest expression that `spot` finds.
    fps : float or None
        Frames per second of a folder or array, which has no times.
    face : int
        Face to follow, 1 for the largest.
    neutral : int or None
        Number of a frame that shows the neutral face. None: it is found.
    device : {"auto", "cpu", "cuda", "mps"}
        Where the flow network runs.
    reader : callable or None
        Asks `bundle` about two frames in place of this process; see `reader_process.reader_beside`.

    Raises
    ------
    BadInput
        If something cannot be read, the frames cannot be compared, or the device is missing.
    NothingToScore
        If fewer than two frames show the face.

    Examples
    --------
    >>> import mer
    >>> found = mer.score("recordings/clip", fps=100)
    >>> found.onset < found.apex < found.frames
    True
    >>> found.regions[0].name
    'lip corner right'
    """
    onset_apex.check_order(onset, apex)
    models.use_device(device)
    recipe, read = _recipe(bundle), reader or partial(read_pair, _fitted(bundle))
    frames, track = track_clip(clip, fps, face, neutral)
    intervals, name = spotting.find_intervals(track), clip_name(clip)
    if onset is None or apex is None:
        moment = onset_apex.choose_moment(track, intervals, name)
    else:
        moment = onset_apex.moment_between(track, onset, apex, name)
    return explain(Path(name), frames, track, intervals, moment, recipe, read, _name(bundle))


def spot(
    clip: str | Path | np.ndarray,
    bundle: str | Path | Bundle | None = None,
    *,
    fps: float | None = None,
    face: int = 1,
    neutral: int | None = None,
    label: bool = True,
    device: str = "auto",
) -> tuple[Track, list[Interval]]:
    """Track a clip and list its intervals.

    Parameters
    ----------
    clip, bundle, fps, face, neutral, device
        As in `score`.
    label : bool
        Whether expressions get a label from the bundle.

    Returns
    -------
    track : Track
    intervals : list of Interval
        By onset.

    Raises
    ------
    BadInput, NothingToScore
        As in `score`.

    Examples
    --------
    >>> import mer
    >>> track, intervals = mer.spot("recordings/clip", fps=100, label=False)
    >>> {interval.kind for interval in intervals}
    {'micro'}
    """
    models.use_device(device)
    recipe = _recipe(bundle) if label else None
    frames, track = track_clip(clip, fps, face, neutral)
    intervals, name = spotting.find_intervals(track), Path(clip_name(clip))
    # The bundle takes seconds to load and half of the memory, so it is loaded only if some label is possible.
    if recipe is not None and moments_to_label(name, track, intervals, recipe):
        with count_steps("Loading", 2) as advance:
            fitted = _fitted(bundle)
            advance()
            models.get_method(recipe.clip_input.method, recipe.method_options)
            advance()
        intervals = label_intervals(name, frames, track, intervals, fitted)
    return track, intervals


def moments_to_label(
    clip: Path, track: Track, intervals: list[Interval], recipe: Recipe
) -> dict[int, Moment]:
    """Return the moments of intervals that may get a label, by position, as far as is known without flow."""
    moments = {}
    for i, interval in enumerate(intervals):
        if interval.is_expression:
            moment = onset_apex.choose_moment(track, [interval], str(clip))
            conditions = reliability.measure_conditions(clip, track, moment, intervals, math.nan)
            if reliability.find_obstacle(moment, conditions, recipe) is None:
                moments[i] = moment
    return moments


def label_intervals(
    clip: Path, frames: Frames, track: Track, intervals: list[Interval], fitted: Bundle
) -> list[Interval]:
    """Return the intervals with the labels that `score` would give.

    Flow is estimated only for moments that may get a label.
    """
    labelled = list(intervals)
    moments = moments_to_label(clip, track, intervals, fitted.recipe)
    for start in show_progress(range(0, len(moments), MAX_PICKED), "Naming"):
        part = list(moments.items())[start : start + MAX_PICKED]
        images = frames.pick(int(track.number[row]) for _, moment in part for row in moment[:2])
        for i, moment in part:
            try:
                aligned = align_moment(images, track, moment[:2], fitted.recipe.clip_input.face_size)
            except NothingToScore:
                continue
            reading = read_pair(fitted, aligned, with_explanation=False)
            label, _ = _decide(clip, track, moment, intervals, reading, fitted.recipe)
            if label:
                probability = round(reading.probabilities[label], 4)
                labelled[i] = replace(intervals[i], label=label, probability=probability)
    return labelled


def explain(
    clip: Path,
    frames: Frames,
    track: Track,
    intervals: list[Interval],
    moment: Moment,
    recipe: Recipe,
    read: Reader,
    bundle_name: str,
) -> Score:
    """Explain one moment of a clip that has been tracked; `read` asks the bundle of that recipe.

    Flow between two faces that do not compare is no motion of the face: no region, unit or strength is given.
    """
    numbers = [int(track.number[row]) for row in moment[:2]]
    aligned = align_moment(frames.pick(numbers), track, moment[:2], recipe.clip_input.face_size)
    reading = read(aligned)
    facial, weights = reading.pair.facial, reading.flow_weights
    label, no_label = _decide(clip, track, moment, intervals, reading, recipe)
    is_comparable = bool(track.is_comparable(np.array([moment.onset]), moment.apex)[0])
    parts = [
        replace(part, decision=reading.decision[part.name])
        for part in regions.measure_regions(facial.flow, aligned.landmarks)
        if is_comparable
    ]
    seconds = [float(track.time[row]) if track.timed else None for row in moment[:2]]
    return Score(
        clip=printable_path(clip),
        label=label,
        reason=no_label and no_label.text,
        reason_code=no_label and no_label.code,
        probabilities=reading.probabilities,
        onset=numbers[0],
        apex=numbers[1],
        onset_s=seconds[0],
        apex_s=seconds[1],
        motion=facial.strength if is_comparable else None,
        regions=sorted(parts, key=lambda region: -region.motion),
        units=reading.units if is_comparable else [],
        warnings=reliability.list_warnings(track, moment, intervals, recipe, weights),
        frames=track.frames,
        fps=None if not track.timed or math.isnan(track.fps) else round(track.fps, 3),
        eyes_px=round(float(track.eyes_px[moment.onset]), 1),
        bundle=bundle_name,
        pipeline=_describe_pipeline(recipe, weights),
        synthetic=recipe.synthetic,
        evidence=recipe.evidence,
        interval=moment.interval,
        intervals=intervals,
        track=track,
        matrix=aligned.matrix,
        landmarks=aligned.landmarks,
        onset_face=aligned.faces[0],
        apex_face=aligned.faces[1],
        facial_flow=facial.flow,
    )


def _recipe(bundle: str | Path | Bundle | None) -> Recipe:
    if isinstance(bundle, Bundle):
        return models.check_reads_clips(bundle.recipe)
    return models.get_recipe(_path(bundle))


def _fitted(bundle: str | Path | Bundle | None) -> Bundle:
    return bundle if isinstance(bundle, Bundle) else models.get_bundle(_path(bundle))


def _path(bundle: str | Path | None) -> str:
    return str(bundle or default_path())


def _name(bundle: str | Path | Bundle | None) -> str:
    return "one in memory" if isinstance(bundle, Bundle) else str(bundle or DEFAULT_BUNDLE)


def _decide(
    clip: Path,
    track: Track,
    moment: Moment,
    intervals: list[Interval],
    reading: PairReading,
    recipe: Recipe,
) -> tuple[str | None, NoLabel | None]:
    """Return the label and None, or None and the reason why there is none."""
    motion = reading.pair.facial.strength
    conditions = reliability.measure_conditions(clip, track, moment, intervals, motion)
    return reliability.find_label(moment, conditions, reading.probabilities, reading.opposite, recipe)


def _describe_pipeline(recipe: Recipe, weights: str | None) -> str:
    flow = f"{recipe.method} flow (weights {weights})" if weights else f"{recipe.method} flow"
    return f"{recipe.classifier} on {recipe.feature} of {flow}, mer {mer_core.__version__}"
