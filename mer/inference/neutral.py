"""Find the person's neutral face in a clip, and follow it while it drifts.

The neutral face is the most probable one: it is seen often, clips tend to begin and end with it, its mouth is
closed and level, and its eyes are open. The most probable frame is the anchor. From there the neutral face
follows a slow random walk through all frames close to it; expressions, however long they are held, are too
far away to attract it.
"""

import numpy as np
from scipy.linalg import solveh_banded
from scipy.ndimage import gaussian_filter1d

from mer.inference.site_motion import EXPRESSIVE, N_STRONGEST, strength

# "%" below is per cent of the inter-ocular distance.
SMOOTH_S = 0.08  # standard deviation of the smoothing before the neutral face is sought
SHORT_S, SHORT_SMOOTH_S = 2.0, 0.02  # a run this short is a cut clip: smoothing must not blur its ends
MAX_CANDIDATES = 400  # frames that are tried as the neutral one
SAME_FACE = 3.0  # %: faces this close are probably the same state; less in a cut clip
BORDER_LOG_ODDS = 1.4  # four of five clips begin (and end) with a neutral face
# Mouths at rest: opening, height of the corners below the middle of the lips, width and tilt in %. Mean and
# spread over neutral portraits.
MOUTH_AT_REST, MOUTH_SPREAD = np.array([0.0, 1.0, 77.0, 0.0]), np.array([6.0, 2.5, 7.0, 2.5])
MIN_OPENNESS = 0.6  # of the person's open eyes; a face with narrower eyes is not at rest
SHUT_PENALTY = 4.0  # log odds
# Drift of the neutral face, and distance of frames at rest from it: proportional to `stillness`, bounded.
MAX_RATE, RATE_PER_STILLNESS = 1.0, 2.0  # % per square root of a second
NEAR_LIMITS, NEAR_PER_STILLNESS = (0.4, 1.5), 3.0  # %
HEAD_LEAK = 0.1  # fraction of a turn of the head (rad, times 100) that may look like motion of the face
ANCHOR_WEIGHT = 20.0  # the anchor counts as this many observations of a tenth of a second
STILL_LAG_S, STILL_QUANTILE = 0.25, 10
NOISE_LIMIT, SHORT_NOISE_LIMIT = 8.0, 2.0  # multiples of the noise; in a cut clip no frame need be still
MIN_NOISE = 0.02  # %: a hundredth of a pixel, and no flow is finer
N_ROUNDS, COOLING = 16, 0.8
# Fraction of frames that are at rest even in a short run with an expression, and the distance, relative to
# theirs, beyond which frames do not count for the straight course.
QUIET, QUIET_SCALE = 0.4, 1.5


def smooth_sites(time: np.ndarray, sites: np.ndarray, step: float) -> np.ndarray:
    """Smooth the sites (n, 17, 2) of one run, as they are compared with the neutral face."""
    smooth_s = SHORT_SMOOTH_S if time[-1] - time[0] < SHORT_S else SMOOTH_S
    return gaussian_filter1d(sites, smooth_s / step, axis=0, mode="nearest")


def find_neutral(
    time: np.ndarray, sites: np.ndarray, mouth: np.ndarray, lids: np.ndarray, still: float
) -> int:
    """Return the row of the frame that is most probably neutral.

    Parameters
    ----------
    time : (n,) s
    sites : (n, 17, 2), mouth : (n, 4), lids : (n, 2)
        As in `Track`; the sites smoothed.
    still : float
        As `stillness` returns it.
    """
    rows = np.unique(np.linspace(0, len(sites) - 1, min(len(sites), MAX_CANDIDATES)).astype(int))
    faces = sites[rows]
    distance = np.stack([strength(faces - face) for face in faces])
    is_cut = time[-1] - time[0] < SHORT_S
    same = float(np.clip(2 * still, NEAR_LIMITS[0], SAME_FACE)) if is_cut else SAME_FACE
    alike = np.exp(-(distance**2) / (2 * same**2))
    mouth_deviation = (((mouth[rows] - MOUTH_AT_REST) / MOUTH_SPREAD) ** 2).sum(1)
    openness = lids.max(1)
    is_shut = openness[rows] < MIN_OPENNESS * np.percentile(openness, 80)
    score = np.log(alike.mean(1)) + BORDER_LOG_ODDS * (alike[:, 0] + alike[:, -1])
    score -= 2 * np.log1p(mouth_deviation / 4) + SHUT_PENALTY * is_shut  # heavy tails: people differ
    return int(rows[score.argmax()])


def straight_course(time: np.ndarray, sites: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit a straight line to the frames at rest of a short run, robustly.

    A head that sways, and a codec that follows it, move the sites evenly for a second or two; an expression
    comes and goes.

    Parameters
    ----------
    time : (n,) s
    sites : (n, 17, 2) per cent of the inter-ocular distance, smoothed

    Returns
    -------
    course : (n, 17, 2) per cent of the inter-ocular distance
    weights : (n,) 0..1
        How much each frame counts; see `fit_line`.
    """
    weights = np.ones(len(time))
    for _ in range(N_ROUNDS):
        course = fit_line(time, sites, weights)
        distance = np.linalg.norm((sites - course)[:, EXPRESSIVE], axis=(1, 2))
        scale = QUIET_SCALE * max(float(np.quantile(distance, QUIET)), MIN_NOISE)
        weights = np.exp(-((distance / scale) ** 2) / 2) + 1e-6
    return course, weights


def fit_line(time: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the straight line through values (n, ...) over time by weighted least squares, (n, ...)."""
    columns = np.column_stack([np.ones_like(time), time - time.mean()])
    root = np.sqrt(weights)[:, None]
    line = np.linalg.lstsq(columns * root, values.reshape(len(time), -1) * root, rcond=None)[0]
    return (columns @ line).reshape(values.shape)


def stillness(sites: np.ndarray, step: float) -> float:
    """Return how far a still face moves in a quarter of a second, per cent of the inter-ocular distance.

    If all of a run is an expression, no part of it is still, so the result is bounded by the noise.

    Parameters
    ----------
    sites : (n, 17, 2) per cent of the inter-ocular distance
        One run, not smoothed.
    step : float
        Seconds between frames.
    """
    noise = estimate_noise(sites, step, SMOOTH_S)
    sites = gaussian_filter1d(sites, SMOOTH_S / step, axis=0, mode="nearest")
    lag = max(1, round(STILL_LAG_S / step))
    limit = NOISE_LIMIT if len(sites) * step >= SHORT_S else SHORT_NOISE_LIMIT
    if lag >= len(sites):
        return limit * noise
    moved = float(np.percentile(strength(sites[lag:] - sites[:-lag]), STILL_QUANTILE))
    return float(np.clip(moved, noise, limit * noise))


def head_position(turn: np.ndarray, shift: np.ndarray, eyes_px: np.ndarray) -> np.ndarray:
    """Return turn (rad), shift (inter-ocular distances) and log size of the head, times 100: (n, 6).

    Parameters
    ----------
    turn : (n, 3) degrees
    shift : (n, 2) px
    eyes_px : (n,) px
    """
    return 100 * np.column_stack([np.radians(turn), shift / np.median(eyes_px), np.log(eyes_px)])


def follow_neutral(
    time: np.ndarray, sites: np.ndarray, head: np.ndarray, anchor: int, still: float
) -> tuple[np.ndarray, np.ndarray]:
    """Follow the neutral face through one run of frames.

    Minimises sum w_t |x_t - b_t|^2 + sum |b_t+1 - b_t|^2 / q_t by reweighting with Welsch weights w, whose
    scale is lowered step by step (graduated non-convexity).

    Parameters
    ----------
    time : (n,) s
    sites : (n, 17, 2) per cent of the inter-ocular distance, smoothed
    head : (n, 6)
        As `head_position` returns it: errors of depth make a move of the head look like motion of the face.
    anchor : int
        Row of the neutral frame.
    still : float
        As `stillness` returns it.

    Returns
    -------
    neutral : (n, 17, 2) per cent of the inter-ocular distance
    at_rest : (n,) 0..1
        How close each frame is to the neutral face.

    References
    ----------
    A. Blake, A. Zisserman, Visual Reconstruction, MIT Press, 1987.
    """
    if len(time) < 2:
        return sites.copy(), np.ones(len(time))
    near = float(np.clip(NEAR_PER_STILLNESS * still, *NEAR_LIMITS))
    rate = min(RATE_PER_STILLNESS * still, MAX_RATE)
    dt = np.maximum(np.diff(time), 1e-3)
    if time[-1] - time[0] < SHORT_S:
        smooth = gaussian_filter1d(head, SMOOTH_S / np.median(dt), axis=0, mode="nearest")
        leak = HEAD_LEAK * np.linalg.norm(np.diff(smooth, axis=0), axis=1)
    else:
        leak = HEAD_LEAK * rate * np.linalg.norm(np.diff(head[:, :3], axis=0), axis=1)
    stiffness = 1 / (rate**2 * dt + leak**2)
    observations = np.median(dt) / 0.1
    flat = sites.reshape(len(time), -1)
    neutral, scale = np.broadcast_to(sites[anchor], sites.shape), 4 * near
    for _ in range(N_ROUNDS):
        scale = max(near, COOLING * scale)
        at_rest = np.exp(-((strength(sites - neutral) / scale) ** 2) / 2)
        weights = at_rest * observations + 1e-9
        weights[anchor] += ANCHOR_WEIGHT
        neutral = _smooth_path(flat, weights, stiffness).reshape(sites.shape)
    return neutral, at_rest


def _smooth_path(values: np.ndarray, weights: np.ndarray, stiffness: np.ndarray) -> np.ndarray:
    """Minimise sum w_t |x_t - b_t|^2 + sum s_t |b_t+1 - b_t|^2 over b (n, D); s is `stiffness` (n - 1,)."""
    bands = np.zeros((2, len(values)))
    bands[1] = weights
    bands[1, :-1] += stiffness
    bands[1, 1:] += stiffness
    bands[0, 1:] = -stiffness
    return solveh_banded(bands, weights[:, None] * values)


def estimate_noise(sites: np.ndarray, step: float, smooth_s: float) -> float:
    """Return the strength of pure noise after smoothing by `smooth_s`, per cent of the inter-ocular distance.

    It is estimated from second differences, which slow motion hardly changes.
    """
    if len(sites) < 5:
        return 0.1
    curvature = sites[:-2] - 2 * sites[1:-1] + sites[2:]
    spread = 1.4826 * np.median(np.abs(curvature), axis=0) / np.sqrt(6)
    # Fraction of white noise that a Gaussian leaves.
    remaining = np.sqrt(1 / (2 * np.sqrt(np.pi) * max(smooth_s / step, 0.28)))
    lengths = np.sort(np.linalg.norm(spread[EXPRESSIVE], axis=-1))
    return max(float(lengths[-N_STRONGEST:].mean() * remaining), MIN_NOISE)
