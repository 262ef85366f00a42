"""One new clip -> what moved, when, where, and the label that a bundle gives it.

Onset and apex are spotted by the rule in data_prep/spotting.py unless they are given.
"""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data_prep import spotting
from data_prep.align import similarity, transform_points, warp
from data_prep.frames import Frame, Frames, open_frames, write_image
from data_prep.landmarks import STABLE, FaceMesh
from flow import draw, motion
from flow.estimate import estimate, load_method
from flow.strain import strain
from mer import bundle as bundles
from mer import registry
from mer.disk import replacing, write_text
from mer.errors import BadInput, NothingToScore
from mer.progress import track

# Below this the flow of two frames of a face at rest cannot be told from noise; px per 224 px of aligned face.
REST_PX = 0.1
FLOW_RADIUS_PX, STRAIN_FULL = 2.0, 0.05  # full colour in the pictures


@dataclass(frozen=True)
class Score:
    """What one clip shows. Frame numbers are the file's own (a video starts at 0), times are seconds from its first frame."""

    clip: str
    label: str
    probabilities: dict[str, float]
    onset: int
    apex: int
    onset_s: float | None  # None where the frames have no times
    apex_s: float | None
    motion_px: float  # motion at the site that moves most, head motion removed, px of the aligned face
    site: str  # that site, see flow/motion.py
    face_size: int
    synthetic: bool  # the bundle has seen no real face
    onset_face: np.ndarray = field(repr=False)  # (S, S, 3) uint8 RGB, aligned
    apex_face: np.ndarray = field(repr=False)
    flow: np.ndarray = field(repr=False)  # (S, S, 2) float32 px

    def to_dict(self) -> dict:
        """Everything but the pictures, ready for JSON."""
        return {key: value for key, value in self.__dict__.items() if not isinstance(value, np.ndarray)}

    def to_text(self) -> str:
        """A few lines for a person."""
        ranked = sorted(self.probabilities.items(), key=lambda item: -item[1])
        lines = [
            f"{self.clip}: {self.label} (" + ", ".join(f"{label} {p:.2f}" for label, p in ranked) + ")",
            f"onset frame {self.onset}{_at(self.onset_s)}, apex frame {self.apex}{_at(self.apex_s)}; "
            f"most motion at the {self.site.replace('_', ' ')}: {self.motion_px:.2f} px of a {self.face_size} px face",
        ]
        if self.synthetic:
            lines.append("The bundle was fitted on synthetic faces only: the label is a demonstration, not a finding.")
        return "\n".join(lines)

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=2)


def score_clip(clip: str | Path, bundle: str | Path | bundles.Bundle, *, onset: int | None = None, apex: int | None = None,
               fps: float | None = None) -> Score:
    """Score a video file or a folder of frames.

    clip   : path; frames of a folder are numbered by their names
    bundle : a bundle, or the path of one
    onset, apex : frame numbers, both or neither; spotted where not given
    fps    : frames per second of a folder, which has no times of its own

    Raises `BadInput` for what cannot be read, `NothingToScore` for no face, a single frame, or no motion.
    """
    if (onset is None) != (apex is None) or (onset is not None and onset == apex):
        raise BadInput("Give both the onset and the apex, two different frames, or neither.")
    fitted = bundle if isinstance(bundle, bundles.Bundle) else bundles.load(bundle)
    recipe = fitted.recipe
    frames = open_frames(clip, fps)
    with FaceMesh() as mesh:
        if onset is None:
            onset, apex, *_ = spotting.spot(track(frames, "Finding the face"), mesh)
        picked = [_pick(frames, number) for number in (onset, apex)]
        points = mesh.landmarks(picked[0].image)
    if points is None:
        raise NothingToScore(f"{clip}: no face was found in frame {onset}. Give a clip that shows a face from the front.")

    matrix = similarity(points, recipe.face_size)
    faces = [warp(frame.image, matrix, recipe.face_size) for frame in picked]
    landmarks = transform_points(points, matrix)
    method = load_method(recipe.method, **recipe.method_options)
    flow = estimate(method, *faces, match_exposure=recipe.match_exposure)
    site, motion_px = most_moved(flow, landmarks)
    if motion_px < REST_PX * recipe.face_size / 224:
        raise NothingToScore(f"{clip}: nothing moves between frames {onset} and {apex} (at most {motion_px:.2f} px of a "
                             f"{recipe.face_size} px face, which is noise).")

    feature = registry.load("mer.features", recipe.feature)
    seconds = [None if math.isnan(frame.time_s) else frame.time_s for frame in picked]
    p = fitted.predict_proba(feature.extract(flow, landmarks, **recipe.feature_settings)[None])[0]
    return Score(
        clip=str(clip), label=recipe.labels[int(p.argmax())], probabilities=dict(zip(recipe.labels, map(float, p))),
        onset=onset, apex=apex, onset_s=seconds[0], apex_s=seconds[1], motion_px=motion_px, site=site,
        face_size=recipe.face_size, synthetic=recipe.synthetic, onset_face=faces[0], apex_face=faces[1], flow=flow,
    )


def most_moved(flow: np.ndarray, landmarks: np.ndarray) -> tuple[str, float]:
    """The facial site that moves most, and how far in px, after the median motion of the stable points is taken off.

    flow : (H, W, 2) px; landmarks : (478, 2) px of the onset
    """
    def at(points):
        x, y = np.clip(np.rint(landmarks[list(points)]).astype(int), 0, np.array(flow.shape[1::-1]) - 1).T
        return flow[y, x]

    head = np.median(at(STABLE), axis=0)
    moved = {site: float(np.linalg.norm(at(points).mean(0) - head)) for site, (points, _) in motion.SITES.items()}
    site = max(moved, key=moved.get)
    return site, moved[site]


def _pick(frames: Frames, wanted: int) -> Frame:
    """The frame numbered `wanted`; raises `BadInput` with the numbers there are if it is not among them."""
    numbers = []
    for frame in frames:
        if frame.number == wanted:
            return frame
        numbers.append(frame.number)
    raise BadInput(f"{frames.path} has no frame {wanted}; its {len(numbers)} frames run from {numbers[0]} to {numbers[-1]}.")


def _at(seconds: float | None) -> str:
    return "" if seconds is None else f" ({seconds:.3f} s)"


def write_pictures(score: Score, out: str | Path) -> None:
    """Write onset.png, apex.png, flow.png and strain.png (each with its legend) and score.json into the folder `out`."""
    pictures = {
        "onset": score.onset_face,
        "apex": score.apex_face,
        "flow": draw.beside(draw.draw_flow(score.flow, FLOW_RADIUS_PX), draw.legend(FLOW_RADIUS_PX)),
        "strain": draw.draw_strain(strain(score.flow).magnitude, STRAIN_FULL),
    }
    for name, picture in pictures.items():
        with replacing(Path(out) / f"{name}.png") as temporary:
            write_image(temporary, picture)
    write_text(Path(out) / "score.json", score.to_json() + "\n")
