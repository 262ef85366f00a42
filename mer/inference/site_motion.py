"""The motion of named sites of the face, from two observations that fail in different places.

Landmarks know where each part is at any time, but jitter, and lean towards the faces their network has
learned. Flow from a key frame is ten times finer, but only where the skin still looks as it did: it says
nothing once teeth show or a hand passes, and it drifts when key frames are chained. So the track takes its
slow part from the landmarks and its fine part from the flow, wherever the picture confirms the flow.
"""

import cv2
import numpy as np
from scipy.ndimage import median_filter

from data_prep.align import fit_similarity, transform_points, warp_face
from data_prep.face_regions import SITES
from data_prep.landmarks import interocular
from flow.estimate import estimate
from mer.inference.head_motion import POINTS, basis, fit, sample

NAMES = tuple(SITES)
EXPRESSIVE = np.array(["lid" not in name for name in NAMES])  # lids tell blinks, not expressions
N_STRONGEST = 3  # sites that make the strength of a motion: an expression moves several, an error often one
PER_CENT = 100.0
SIZE = 128  # px of the aligned faces that flow is estimated between
METHOD, OPTIONS = (
    "dis",
    {"preset": "medium"},
)  # the quickest; the score's own flow is estimated later, with care
MAX_KEY_S = 2.0  # s, oldest key frame
MAX_KEY_HEAD = 0.05  # inter-ocular distances the head may move before a new key frame is taken
UNCONFIRMED = 4.0  # grey levels (of 255) by which a site may differ from where the flow says it came from
SLOW_S = 5.0  # s: what landmarks and flow differ by over longer times is drift of the flow
MAX_CORRECTION = (
    12.0  # per cent of the inter-ocular distance: flow that disagrees more with the landmarks is wrong
)


def _site_means() -> np.ndarray:
    means = np.zeros((len(SITES), POINTS))
    for row, (points, _) in zip(means, SITES.values()):
        row[list(points)] = 1 / len(points)
    return means


_SITE_MEANS = _site_means()


def at_sites(values: np.ndarray) -> np.ndarray:
    """Mean over the points of each site: (468, ...) -> (17, ...)."""
    return np.tensordot(_SITE_MEANS, values, axes=1)


def strength(displacement: np.ndarray) -> np.ndarray:
    """How strongly the face moves: mean length over the expressive sites that move most, (..., 17, 2) ->
    (...).
    """
    lengths = np.linalg.norm(displacement[..., EXPRESSIVE, :], axis=-1)
    return np.sort(lengths, axis=-1)[..., -N_STRONGEST:].mean(-1)


class KeyFrame:
    """The frame from which flow is measured, and what had moved until then.

    sites : (17, 2) per cent of the inter-ocular distance; turn : (3,) degrees yaw, pitch, roll
    """

    def __init__(self, image: np.ndarray, points: np.ndarray, time: float, sites=0.0, turn=0.0):
        self.matrix = fit_similarity(points, SIZE)
        self.face = warp_face(image, self.matrix, SIZE)
        self.soft = _soft(self.face)
        self.points = transform_points(points, self.matrix)[:POINTS].astype(float)
        self.freedoms = basis(self.points)
        self.unit = interocular(self.points) / PER_CENT
        self.time, self.sites, self.turn = time, sites, turn

    def flow_to(self, image: np.ndarray, method) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Sites and turn (as above), how much each site looks changed (17,), and the head's motion since the
        key.

        The change is in grey levels over that of the whole face; the head's motion in inter-ocular distances.
        """
        face = warp_face(image, self.matrix, SIZE)
        motion = sample(estimate(method, self.face, face, match_exposure=False), self.points)
        head = fit(self.freedoms, motion)
        of_head = self.freedoms @ head
        change = np.abs(sample(_soft(face), self.points + motion) - sample(self.soft, self.points))
        moved = float(np.linalg.norm(of_head, axis=1).max() / (self.unit * PER_CENT))
        sites = self.sites + at_sites(motion - of_head) / self.unit
        return sites, self.turn + np.degrees(head[2:5]), at_sites(change - np.median(change)), moved

    def is_stale(self, time: float, moved: float) -> bool:
        """Whether a new key frame is due."""
        return moved > MAX_KEY_HEAD or time - self.time > MAX_KEY_S


def _soft(face: np.ndarray) -> np.ndarray:
    """Grey, blurred, (SIZE, SIZE) float32: what may be compared at places known to a pixel."""
    return cv2.GaussianBlur(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 2)


def combine(
    landmarks: np.ndarray, flow: np.ndarray, change: np.ndarray, is_key: np.ndarray, step: float
) -> np.ndarray:
    """Site positions with the landmarks' slow part and the flow's fine part.

    landmarks, flow : (n, 17, 2) per cent of the inter-ocular distance, one run of frames
    change : (n, 17) grey levels, see `KeyFrame.flow_to`; is_key : (n,) bool, frames that became key frames
    step : s between frames

    Where a key frame was taken while a site was unconfirmed, the flow's origin for that site is lost, so its
    drift is followed on each side of that frame by itself.
    """
    out = landmarks.copy()
    trust = 1 / (1 + (np.maximum(change, 0) / UNCONFIRMED) ** 4)
    for site in range(landmarks.shape[1]):
        lost = np.flatnonzero(is_key & (change[:, site] > UNCONFIRMED)) + 1
        edges = np.unique([0, *lost, len(out)])
        for start, end in zip(edges[:-1], edges[1:]):
            part = slice(start, end)
            difference = landmarks[part, site] - flow[part, site]
            fine = difference - _drift(difference, trust[part, site] > 0.5, step)
            size = np.linalg.norm(fine, axis=1, keepdims=True)
            out[part, site] -= (
                fine * trust[part, site, None] * np.clip(1 - (size / MAX_CORRECTION) ** 4, 0, None)
            )
    return out


def combine_turn(
    landmarks: np.ndarray, flow: np.ndarray, step: float, max_correction: float = 2.0
) -> np.ndarray:
    """The same for the head's yaw, pitch and roll, (n, 3) degrees: rigid parts always look the same."""
    difference = landmarks - flow
    fine = difference - _slow_part(difference, 3.0, step)
    return landmarks - np.clip(fine, -max_correction, max_correction)


def _drift(difference: np.ndarray, confirmed: np.ndarray, step: float) -> np.ndarray:
    """Running median of the difference (n, 2) over confirmed frames."""
    if not confirmed.any():
        return difference
    at = np.arange(len(difference))
    known = np.stack([np.interp(at, at[confirmed], column[confirmed]) for column in difference.T], axis=1)
    return _slow_part(known, SLOW_S, step)


def _slow_part(difference: np.ndarray, window_s: float, step: float) -> np.ndarray:
    """Running median; one median in a run too short for key frames to age, whose flow hardly drifts.

    The first landmarks of a run stand apart from the rest, and a running median would follow them.
    """
    if len(difference) * step < MAX_KEY_S:
        return np.broadcast_to(np.median(difference, axis=0), difference.shape)
    return running_median(difference, window_s, step)


def running_median(values: np.ndarray, window_s: float, step: float) -> np.ndarray:
    """Median over `window_s` around each frame, (n, ...), at least ten values a second being looked at."""
    stride = max(1, int(0.1 / step)) if len(values) > 1000 else 1
    coarse = values[::stride]
    width = min(int(window_s / (step * stride)) | 1, (2 * len(coarse) - 1) | 1)
    flat = coarse.reshape(len(coarse), -1)
    medians = np.stack([median_filter(column, size=width, mode="nearest") for column in flat.T], axis=1)
    if stride > 1:
        at = np.arange(len(values)) / stride
        medians = np.stack([np.interp(at, np.arange(len(coarse)), column) for column in medians.T], axis=1)
    return medians.reshape(values.shape)
