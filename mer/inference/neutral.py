"""The person's own neutral face: found in the clip, then followed while it drifts.

Which of the faces in a clip is the neutral one is a question of probability: it is seen often, clips tend to
begin and end with it, its mouth is closed and level, and its eyes are open. The most probable frame is the
anchor. From there the neutral face follows a slow random walk through all frames that lie near it;
expressions, however long they are held, lie far away and pull at nothing.
"""

import numpy as np
from scipy.linalg import solveh_banded
from scipy.ndimage import gaussian_filter1d

from mer.inference.site_motion import EXPRESSIVE, strength

SMOOTH_S = 0.08  # s, standard deviation, of what the neutral face is sought in
SHORT_S, SHORT_SMOOTH_S = 2.0, 0.02  # a run that short is a cut clip: smoothing must not eat its ends
MAX_CANDIDATES = 400  # frames that are tried as the neutral one
SAME_FACE = (
    3.0  # per cent of the inter-ocular distance: two faces that near are probably one; less in a cut clip
)
BORDER_LOG_ODDS = 1.4  # four of five clips begin (and end) with a neutral face
# Mouths at rest: opening, height of the lip corners under the middle of the lips, width, tilt, in per cent of
# the inter-ocular distance. Mean and spread over neutral portraits.
MOUTH_AT_REST, MOUTH_SPREAD = np.array([0.0, 1.0, 77.0, 0.0]), np.array([6.0, 2.5, 7.0, 2.5])
OPEN_EYES = 0.6  # of the person's open eyes: below, a face is not at rest
SHUT_PENALTY = 4.0
# How far the neutral face strays, in units of how far a still face moves in a quarter of a second, and its
# bounds, per cent of the inter-ocular distance.
MAX_RATE, RATE_PER_STILLNESS = 1.0, 2.0  # per cent per square root of a second
NEAR_LIMITS, NEAR_PER_STILLNESS = (0.4, 1.5), 3.0
TURN_SHARE = 0.1  # of a turn of the head (rad, times 100) may show up as motion of the face
ANCHOR_WEIGHT = 20.0  # observations of a tenth of a second that the anchor counts for
STILL_LAG_S, STILL_QUANTILE, NOISE_LIMIT = 0.25, 10, 8.0
LEAST_NOISE = 0.02  # per cent of the inter-ocular distance: a hundredth of a pixel, no flow is finer
ROUNDS, COOLING = 16, 0.8


def smoothed(time: np.ndarray, sites: np.ndarray, step: float) -> np.ndarray:
    """Sites (n, 17, 2) of one run as they are compared with the neutral face."""
    smooth_s = SHORT_SMOOTH_S if time[-1] - time[0] < SHORT_S else SMOOTH_S
    return gaussian_filter1d(sites, smooth_s / step, axis=0, mode="nearest")


def most_neutral(
    time: np.ndarray, sites: np.ndarray, mouth: np.ndarray, lids: np.ndarray, still: float
) -> int:
    """Row of the frame that is most probably neutral.

    time : (n,) s; sites : (n, 17, 2), mouth : (n, 4), lids : (n, 2), per cent of the inter-ocular distance,
    see
    `Track`; still : see `stillness`
    """
    rows = np.unique(np.linspace(0, len(sites) - 1, min(len(sites), MAX_CANDIDATES)).astype(int))
    faces = sites[rows]
    distance = np.stack([strength(faces - face) for face in faces])
    is_cut = time[-1] - time[0] < SHORT_S
    same = float(np.clip(2 * still, NEAR_LIMITS[0], SAME_FACE)) if is_cut else SAME_FACE
    alike = np.exp(-(distance**2) / (2 * same**2))
    unusual = (((mouth[rows] - MOUTH_AT_REST) / MOUTH_SPREAD) ** 2).sum(1)
    openness = lids.max(1)
    shut = openness[rows] < OPEN_EYES * np.percentile(openness, 80)
    score = np.log(alike.mean(1)) + BORDER_LOG_ODDS * (alike[:, 0] + alike[:, -1])
    score -= 2 * np.log1p(unusual / 4) + SHUT_PENALTY * shut  # heavy tails: people differ
    return int(rows[score.argmax()])


def stillness(sites: np.ndarray, step: float) -> float:
    """How far this face moves in a quarter of a second while it is still, per cent of the inter-ocular
    distance.

    sites : (n, 17, 2), one run, not smoothed. Where all of it is an expression no part is still, and the
    measuring noise bounds it.
    """
    noise = measuring_noise(sites, step, SMOOTH_S)
    sites = gaussian_filter1d(sites, SMOOTH_S / step, axis=0, mode="nearest")
    lag = max(1, round(STILL_LAG_S / step))
    if lag >= len(sites):
        return NOISE_LIMIT * noise
    moved = float(np.percentile(strength(sites[lag:] - sites[:-lag]), STILL_QUANTILE))
    return float(np.clip(moved, noise, NOISE_LIMIT * noise))


def follow(
    time: np.ndarray, sites: np.ndarray, turn: np.ndarray, anchor: int, still: float
) -> tuple[np.ndarray, np.ndarray]:
    """Follow the neutral face through one run of frames.

    Parameters
    ----------
    time : (n,) s; sites : (n, 17, 2) per cent of the inter-ocular distance, smoothed
    turn : (n, 3) degrees, yaw, pitch and roll, because depths that are not quite right look like motion in a
    turn
    anchor : row of the neutral frame; still : see `stillness`

    Returns
    -------
    neutral : (n, 17, 2); at_rest : (n,) 0..1, how near each frame is to it

    Notes
    -----
    Minimises sum w_t |x_t - b_t|^2 + sum |b_t+1 - b_t|^2 / q_t by reweighting with Welsch weights w, whose
    scale is lowered step by step (graduated non-convexity, Blake and Zisserman, Visual Reconstruction, 1987).
    """
    n = len(time)
    if n < 2:
        return sites.copy(), np.ones(n)
    near = float(np.clip(NEAR_PER_STILLNESS * still, *NEAR_LIMITS))
    rate = min(RATE_PER_STILLNESS * still, MAX_RATE)
    dt = np.maximum(np.diff(time), 1e-3)
    turned = np.radians(np.linalg.norm(np.diff(turn, axis=0), axis=1)) * 100
    stiffness = 1 / (rate**2 * dt + (TURN_SHARE * rate * turned) ** 2)
    observations = np.median(dt) / 0.1
    flat = sites.reshape(n, -1)
    neutral, scale = np.broadcast_to(sites[anchor], sites.shape), 4 * near
    for _ in range(ROUNDS):
        scale = max(near, COOLING * scale)
        at_rest = np.exp(-((strength(sites - neutral) / scale) ** 2) / 2)
        weights = at_rest * observations + 1e-9
        weights[anchor] += ANCHOR_WEIGHT
        bands = np.zeros((2, n))
        bands[1] = weights
        bands[1, :-1] += stiffness
        bands[1, 1:] += stiffness
        bands[0, 1:] = -stiffness
        neutral = solveh_banded(bands, weights[:, None] * flat).reshape(sites.shape)
    return neutral, at_rest


def measuring_noise(sites: np.ndarray, step: float, smooth_s: float) -> float:
    """Strength that pure measuring noise has after smoothing by `smooth_s`, per cent of the inter-ocular
    distance.

    From second differences, which slow motion leaves alone.
    """
    if len(sites) < 5:
        return 0.1
    bends = sites[:-2] - 2 * sites[1:-1] + sites[2:]
    spread = 1.4826 * np.median(np.abs(bends), axis=0) / np.sqrt(6)
    kept = np.sqrt(1 / (2 * np.sqrt(np.pi) * max(smooth_s / step, 0.28)))  # of white noise after a Gaussian
    lengths = np.sort(np.linalg.norm(spread[EXPRESSIVE], axis=-1))
    return max(float(lengths[-3:].mean() * kept), LEAST_NOISE)
