"""The result of scoring one clip."""

import json
from dataclasses import dataclass, field

import numpy as np

from mer.inference import action_units as units
from mer.inference import regions, reliability
from mer.inference.spotting import Interval
from mer.inference.track import Track
from mer.recipe import Evidence, evidence_words
from mer_core.text import format_count


@dataclass(frozen=True)
class Score:
    """What one clip shows.

    Frame numbers are those of the file (a video starts at 0), times are seconds from its first frame. Motion
    is in per cent of the inter-ocular distance, without the head's.
    """

    clip: str
    label: str | None  # None if none is given
    reason: str | None  # why none is given
    reason_code: str | None  # the same for programs: a code that stays as it is
    probabilities: dict[str, float]  # as well calibrated as the bundle
    onset: int  # at rest; the interval may begin later, where motion stands out from noise
    apex: int
    onset_s: float | None  # None if the frames have no times
    apex_s: float | None
    motion: float | None  # strength of the motion from onset to apex; None if the two do not compare
    regions: list[regions.Region]  # by decreasing motion; none if the two do not compare
    units: list[units.Unit]  # action units, by decreasing evidence
    warnings: list[str]
    frames: int
    fps: float | None
    eyes_px: float  # inter-ocular distance in the clip, px
    bundle: str
    pipeline: str  # classifier, feature, flow and the start of its weights' SHA-256, version of mer
    synthetic: bool  # the bundle was fitted on synthetic faces only
    evidence: Evidence | None  # what is known of the quality of the bundle's labels
    interval: Interval | None  # the expression that is explained; None if it is not one of `intervals`
    intervals: list[Interval]  # all intervals of the clip
    track: Track = field(repr=False)
    matrix: np.ndarray = field(repr=False)  # (2, 3) from frame px to px of the aligned face
    landmarks: np.ndarray = field(repr=False)  # (478, 2) px of the aligned onset
    onset_face: np.ndarray = field(repr=False)  # (S, S, 3) uint8 RGB, aligned
    apex_face: np.ndarray = field(repr=False)
    facial_flow: np.ndarray = field(repr=False)  # (S, S, 2) float32 px, flow without the head's motion

    @property
    def confidence(self) -> float:
        """Probability of the likeliest label."""
        return max(self.probabilities.values())

    @property
    def onset_name(self) -> str:
        """What the onset is: where the face at rest before the expression is not seen, another frame."""
        is_rest_seen = self.onset < self.apex and self.reason_code != "neutral-not-seen"
        return "onset" if is_rest_seen else "compared with"

    def to_dict(self) -> dict:
        """Return everything but pictures and curves, ready for JSON."""
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
        """Return `to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=2)

    def to_text(self) -> str:
        """Return a few lines for a person to read."""
        ranked = sorted(self.probabilities.items(), key=lambda item: -item[1])
        probabilities = ", ".join(f"{label} {p:.2f}" for label, p in ranked)
        # Probabilities without a label would be read as one.
        answer = f"{self.label} ({probabilities})" if self.label else f"no label, {self.reason}"
        most = "the two do not compare"
        if self.regions:
            region = self.regions[0]
            most = f"most motion: {region.name}, {region.motion:.1f} % of the inter-ocular distance"
        lines = [
            f"{self.clip}: {answer}",
            f"{self.onset_name} frame {self.onset}{_in_seconds(self.onset_s)}, apex frame {self.apex}"
            f"{_in_seconds(self.apex_s)}; {most}; {format_count(self.frames, 'frame')} read",
        ]
        units = [f"{unit.title} {unit.evidence:.0%}" for unit in self.units[:3] if unit.evidence >= 0.005]
        if units:
            lines.append(f"looks like {', '.join(units)}")
        if self.label:
            lines.append(f"evidence for labels: {evidence_words(self.evidence)}")
        lines += [f"note: {warning}" for warning in self.warnings]
        if self.synthetic:
            lines.append(reliability.SYNTHETIC)
        return "\n".join(lines)


def _in_seconds(seconds: float | None) -> str:
    return "" if seconds is None else f" ({seconds:.3f} s)"
