"""One clip -> what moved, when, where, which label that resembles, and how sure that is."""

import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

import mer_core
from data_prep.frames import Frames
from mer import bundle as bundles
from mer.inference import action_units as units
from mer.inference import attribution, models, onset_apex, regions, reliability, spotting
from mer.inference.motion import Measured, measure
from mer.inference.onset_apex import Moment
from mer.inference.recorder import track_clip
from mer.inference.spotting import Interval
from mer.inference.track import Track
from mer_core.errors import NothingToScore
from mer_core.io import printable_path
from mer_core.progress import track as show_progress

MAX_PICKED = 8  # intervals whose frames are held in memory together
SHIPPED_NAME = "synthetic, the one that comes with mer"


@dataclass(frozen=True)
class Score:
    """What one clip shows.

    Frame numbers are the file's own (a video starts at 0), times are seconds from its first frame. Motion is
    in per cent of the inter-ocular distance, the head taken out.
    """

    clip: str
    label: str | None  # None where none is given
    reason: str | None  # why none is given
    probabilities: dict[str, float]  # calibrated as far as the bundle is
    onset: int
    apex: int
    onset_s: float | None  # None where the frames have no times
    apex_s: float | None
    motion: float  # of the sites that move most, from onset to apex
    regions: list[regions.Region]  # the one that moves most first
    units: list[units.Unit]  # action units, the one with most evidence first
    warnings: list[str]
    frames: int
    fps: float | None
    eyes_px: float  # inter-ocular distance in the clip, px
    bundle: str
    made_with: str  # classifier, feature, flow and the start of its weights' SHA-256, version of mer
    synthetic: bool  # the bundle has seen no real face
    evidence: bundles.Evidence | None  # what is known of the quality of the bundle's labels
    interval: Interval | None  # the listed expression that is explained
    intervals: list[Interval]  # all that is listed
    track: Track = field(repr=False)
    matrix: np.ndarray = field(repr=False)  # (2, 3) from frame px to px of the aligned face
    landmarks: np.ndarray = field(repr=False)  # (478, 2) px of the aligned onset
    onset_face: np.ndarray = field(repr=False)  # (S, S, 3) uint8 RGB, aligned
    apex_face: np.ndarray = field(repr=False)
    own: np.ndarray = field(repr=False)  # (S, S, 2) float32 px, flow without the head's motion

    @property
    def confidence(self) -> float:
        """Probability of the likeliest label."""
        return max(self.probabilities.values())

    def to_dict(self) -> dict:
        """Everything but pictures and curves, ready for JSON."""
        plain = {k: v for k, v in self.__dict__.items() if not isinstance(v, (np.ndarray, Track))}
        return {
            **plain,
            "evidence": self.evidence and self.evidence.model_dump(),
            "interval": self.interval and self.interval.to_dict(),
            "intervals": [interval.to_dict() for interval in self.intervals],
            "regions": [region.to_dict() for region in self.regions],
            "units": [unit.to_dict() for unit in self.units],
        }

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=2)

    def to_text(self) -> str:
        """A few lines for a person."""
        ranked = sorted(self.probabilities.items(), key=lambda item: -item[1])
        odds = ", ".join(
            f"{label} {p:.2f}" for label, p in ranked
        )  # without a label they would be read as one
        lines = [f"{self.clip}: " + (f"{self.label} ({odds})" if self.label else f"no label, {self.reason}")]
        where = self.regions[0]
        lines.append(
            f"onset frame {self.onset}{_at(self.onset_s)}, apex frame {self.apex}{_at(self.apex_s)}; most "
            "motion: "
            f"{where.name}, {where.motion:.1f} % of the inter-ocular distance"
        )
        if self.units:
            lines.append(
                "looks like " + ", ".join(f"{unit.words} {unit.evidence:.0%}" for unit in self.units[:3])
            )
        if self.label:
            lines.append(f"evidence for labels: {bundles.evidence_words(self.evidence)}")
        lines += [f"note: {warning}" for warning in self.warnings]
        if self.synthetic:
            lines.append(reliability.SYNTHETIC)
        return "\n".join(lines)


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
    fitted, name = _fitted(bundle)
    frames, track = track_clip(clip, fps, face, neutral)
    found = spotting.intervals(track)
    if onset is None or apex is None:
        moment = onset_apex.choose(track, found, str(clip))
    else:
        moment = onset_apex.given(track, onset, apex, clip)
    return explain(Path(clip), frames, track, found, moment, fitted, name)


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
    frames, track = track_clip(clip, fps, face, neutral)
    found = spotting.intervals(track)
    if label:
        found = label_intervals(Path(clip), frames, track, found, _fitted(bundle)[0])
    return track, found


def label_intervals(
    clip: Path, frames: Frames, track: Track, found: list[Interval], fitted: bundles.Bundle
) -> list[Interval]:
    """Return the intervals with the labels that `score` would give; flow is estimated only where it may."""
    labelled = list(found)
    moments: dict[int, Moment] = {}
    for i, interval in enumerate(found):
        if interval.is_expression:
            moment = onset_apex.choose(track, [interval], str(clip))
            conditions = reliability.measure_conditions(clip, track, moment, found, math.nan)
            if reliability.find_obstacle(moment, conditions, fitted.recipe) is None:
                moments[i] = moment
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
    share = attribution.shares(fitted, shown.taken, shown.landmarks)
    parts = [replace(part, share=share[part.name]) for part in regions.measure(shown.own, shown.landmarks)]
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
        motion=shown.far,
        regions=sorted(parts, key=lambda region: -region.motion),
        units=units.nearest(shown.points, shown.motion),
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
        own=shown.own,
    )


def _fitted(bundle: str | Path | bundles.Bundle | None) -> tuple[bundles.Bundle, str]:
    """A bundle and its name."""
    if isinstance(bundle, bundles.Bundle):
        return bundle, "one in memory"
    return models.bundle(str(bundle or bundles.default_path())), str(bundle or SHIPPED_NAME)


def _measure(images: dict[int, np.ndarray], track: Track, moment: Moment, fitted: bundles.Bundle) -> Measured:
    pair = [images[int(track.number[row])] for row in moment[:2]]
    return measure(pair, track.box[moment.onset], fitted.recipe)


def _decide(
    clip: Path,
    track: Track,
    moment: Moment,
    found: list[Interval],
    shown: Measured,
    fitted: bundles.Bundle,
) -> tuple[str | None, str | None, dict[str, float]]:
    """Return the label or None, the reason where there is none, and the probabilities."""
    both_ways = np.stack([fitted.extract(flow, shown.landmarks) for flow in (shown.taken, -shown.taken)])
    probabilities, opposite = (
        dict(zip(fitted.recipe.labels, map(float, p))) for p in fitted.predict_proba(both_ways)
    )
    conditions = reliability.measure_conditions(clip, track, moment, found, shown.far)
    label, reason = reliability.find_label(moment, conditions, probabilities, opposite, fitted.recipe)
    return label, reason, probabilities


def _made_with(recipe: bundles.Recipe, weights: str) -> str:
    flow = f"{recipe.method} flow (weights {weights})" if weights else f"{recipe.method} flow"
    return f"{recipe.classifier} on {recipe.feature} of {flow}, mer {mer_core.__version__}"


def _at(seconds: float | None) -> str:
    return "" if seconds is None else f" ({seconds:.3f} s)"
