"""The motion of named sites of the face, from two observations that fail in different places.

Landmarks give a position in every frame, but jitter and are biased towards the faces of their training set.
Flow from a key frame is ten times finer, but only where the skin still looks the same: it fails once teeth
show or a hand passes, and drifts when key frames are chained. So slow motion is taken from the landmarks and
fine motion from the flow, wherever the picture confirms the flow.
"""

from typing import NamedTuple

import cv2
import numpy as np
from scipy.ndimage import median_filter

from data_prep.align import fit_similarity, transform_points, warp_face
from data_prep.face_regions import SITES
from data_prep.landmarks import interocular
from flow.estimate import estimate
from mer.inference.appearance import read_appearance
from mer.inference.head_motion import POINTS, fit_head_motion, head_motion_basis, sample

NAMES = tuple(SITES)
EXPRESSIVE = np.array(["lid" not in name for name in NAMES])  # lids show blinks, not expressions
N_STRONGEST = 3  # sites averaged for the strength: an expression moves several, an error often one
PER_CENT = 100.0
SIZE = 128  # px of the aligned faces that flow is estimated between
METHOD, OPTIONS = "dis", {"preset": "full"}  # the fastest; the bundle's method reads only onset and apex
MAX_KEY_S = 2.0  # s, maximum age of a key frame
MAX_KEY_HEAD = 0.05  # inter-ocular distances the head may move before a new key frame is taken
MAX_CHANGE = 4.0  # grey levels (of 255) by which a site may differ from its origin according to the flow
SLOW_S = 5.0  # s: slower differences between landmarks and flow are drift of the flow
# Per cent of the inter-ocular distance; flow that differs more from the landmarks is wrong.
MAX_CORRECTION = 12.0
MAX_TURN_CORRECTION = 2.0  # degrees


def _site_means() -> np.ndarray:
    means = np.zeros((len(SITES), POINTS))
    for row, (points, _) in zip(means, SITES.values()):
        row[list(points)] = 1 / len(points)
    return means


_SITE_MEANS = _site_means()


def at_sites(values: np.ndarray) -> np.ndarray:
    """Average over the points of each site: (468, ...) -> (17, ...)."""
    return np.tensordot(_SITE_MEANS, values, axes=1)


def strength(displacement: np.ndarray) -> np.ndarray:
    """Return the mean length of motion of the `N_STRONGEST` expressive sites: (..., 17, 2) -> (...)."""
    lengths = np.linalg.norm(displacement[..., EXPRESSIVE, :], axis=-1)
    return np.sort(lengths, axis=-1)[..., -N_STRONGEST:].mean(-1)


class FaceReading(NamedTuple):
    """What is measured in a frame against the key frame.

    Attributes
    ----------
    sites : (17, 2) per cent of the inter-ocular distance
    turn : (3,) degrees
    change : (17,) grey levels
        How much each site looks changed, compared with the whole face.
    head_shift : float
        Motion of the head since the key frame, inter-ocular distances.
    appearance : (3, 128) uint8
        See `read_appearance`.
    """

    sites: np.ndarray
    turn: np.ndarray
    change: np.ndarray
    head_shift: float
    appearance: np.ndarray


class KeyFrame:
    """The frame from which flow is measured.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    points : (478, 2) px
    time : float
        Seconds.
    sites : (17, 2) per cent of the inter-ocular distance
        Motion of the sites up to this frame.
    turn : (3,) degrees
        Yaw, pitch and roll up to this frame.
    """

    def __init__(self, image: np.ndarray, points: np.ndarray, time: float, sites=0.0, turn=0.0):
        self.matrix = fit_similarity(points, SIZE)
        self.face = warp_face(image, self.matrix, SIZE)
        self.blurred = _blurred_grey(self.face)
        self.points = transform_points(points, self.matrix)[:POINTS].astype(float)
        self.basis = head_motion_basis(self.points)
        self.unit = interocular(self.points) / PER_CENT
        self.time, self.sites, self.turn = time, sites, turn

    def flow_to(self, image: np.ndarray, points: np.ndarray, method) -> FaceReading:
        """Measure the motion from the key frame to `image`, whose landmarks are `points`."""
        face = warp_face(image, self.matrix, SIZE)
        motion = sample(estimate(method, self.face, face, match_exposure=False), self.points)
        head = fit_head_motion(self.basis, motion)
        head_motion = self.basis @ head
        blurred = _blurred_grey(face)
        change = np.abs(sample(blurred, self.points + motion) - sample(self.blurred, self.points))
        head_shift = float(np.linalg.norm(head_motion, axis=1).max() / (self.unit * PER_CENT))
        sites = self.sites + at_sites(motion - head_motion) / self.unit
        return FaceReading(
            sites,
            self.turn + np.degrees(head[2:5]),
            at_sites(change - np.median(change)),
            head_shift,
            read_appearance(blurred, transform_points(points, self.matrix)),
        )

    def is_stale(self, time: float, head_shift: float) -> bool:
        """Return whether a new key frame is due."""
        return head_shift > MAX_KEY_HEAD or time - self.time > MAX_KEY_S


def _blurred_grey(face: np.ndarray) -> np.ndarray:
    """Return the face in grey, (SIZE, SIZE) float32, blurred because places are known to about a pixel."""
    return cv2.GaussianBlur(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 2)


def combine(
    landmarks: np.ndarray, flow: np.ndarray, change: np.ndarray, is_key: np.ndarray, step: float
) -> np.ndarray:
    """Combine the slow part of the landmarks with the fine part of the flow.

    Where a key frame was taken while the picture did not confirm the flow of a site, the origin of that flow
    is lost, so its drift is estimated separately on each side of that frame.

    Parameters
    ----------
    landmarks, flow : (n, 17, 2) per cent of the inter-ocular distance
        One run of frames.
    change : (n, 17) grey levels
        As `KeyFrame.flow_to` returns it.
    is_key : (n,) bool
        Frames that became key frames.
    step : float
        Seconds between frames.

    Returns
    -------
    (n, 17, 2) per cent of the inter-ocular distance
    """
    out = landmarks.copy()
    trust = 1 / (1 + (np.maximum(change, 0) / MAX_CHANGE) ** 4)
    for site in range(landmarks.shape[1]):
        lost = np.flatnonzero(is_key & (change[:, site] > MAX_CHANGE)) + 1
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


def combine_turn(landmarks: np.ndarray, flow: np.ndarray, step: float) -> np.ndarray:
    """Combine yaw, pitch and roll, (n, 3) degrees, in the same way; rigid parts need no confirmation."""
    difference = landmarks - flow
    fine = difference - _slow_part(difference, 3.0, step)
    return landmarks - np.clip(fine, -MAX_TURN_CORRECTION, MAX_TURN_CORRECTION)


def _drift(difference: np.ndarray, confirmed: np.ndarray, step: float) -> np.ndarray:
    """Return the running median of the difference (n, 2) over confirmed frames."""
    if not confirmed.any():
        return difference
    rows = np.arange(len(difference))
    filled = np.stack(
        [np.interp(rows, rows[confirmed], column[confirmed]) for column in difference.T], axis=1
    )
    return _slow_part(filled, SLOW_S, step)


def _slow_part(difference: np.ndarray, window_s: float, step: float) -> np.ndarray:
    """Return the running median, or a single median in a run too short for the flow to drift.

    The first landmarks of a run differ from the rest, and in a short run a running median would follow them.
    """
    if len(difference) * step < MAX_KEY_S:
        return np.broadcast_to(np.median(difference, axis=0), difference.shape)
    return running_median(difference, window_s, step)


def running_median(values: np.ndarray, window_s: float, step: float) -> np.ndarray:
    """Return the median over `window_s` around each frame, (n, ...), of at least ten values per second."""
    stride = max(1, int(0.1 / step)) if len(values) > 1000 else 1
    coarse = values[::stride]
    width = min(int(window_s / (step * stride)) | 1, (2 * len(coarse) - 1) | 1)
    flat = coarse.reshape(len(coarse), -1)
    medians = np.stack([median_filter(column, size=width, mode="nearest") for column in flat.T], axis=1)
    if stride > 1:
        rows = np.arange(len(values)) / stride
        medians = np.stack([np.interp(rows, np.arange(len(coarse)), column) for column in medians.T], axis=1)
    return medians.reshape(values.shape)
