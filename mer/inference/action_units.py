"""The action units that best account for the motion between onset and apex.

Scanned people show what each unit does to a face (unit_patterns.py). The measured motion of the landmarks is
decomposed into as few units as suffice, with strengths of at least 0. The evidence of a unit is the fraction
of the motion that it accounts for. This measures motion and is not a certified coding; units that move the
skin alike cannot be told apart well.
"""

from dataclasses import asdict, dataclass

import numpy as np

from data_prep.action_units import NAMES
from mer.inference import unit_patterns
from mer.inference.head_motion import POINTS, fit_camera, head_motion_basis, mean_face, subtract_head_motion
from mer.inference.site_motion import PER_CENT, at_sites
from mer_core.progress import track

SITE_NOISE = 0.5  # of a site's motion, per cent of the inter-ocular distance
USUAL_STRENGTH = 0.3  # of a unit in a video
# Fraction of the motion that one more unit must explain: several units together can imitate almost any one.
MIN_GAIN = 0.02


@dataclass(frozen=True)
class Unit:
    """An action unit found in a motion."""

    unit: str  # number
    side: str  # right, left (the person's own) or both
    strength: float  # 1: the strongest that adults can show
    evidence: float  # fraction of the face's motion that it accounts for
    motion: float  # of the point that it moves most, per cent of the inter-ocular distance
    asymmetry: float  # (right - left) / (right + left) of the strengths; 0 for units without sides

    @property
    def title(self) -> str:
        """Number, name and side, such as "AU 12 (lip corner puller, left)"."""
        side = "" if self.side == "both" else f", {self.side}"
        return f"AU {self.unit} ({NAMES[int(self.unit)]}{side})"

    def to_dict(self) -> dict:
        return asdict(self)


def find_units(landmarks: np.ndarray, point_motion: np.ndarray) -> list[Unit]:
    """Return the units that account for a motion, by decreasing evidence; none if nothing moved.

    The patterns are projected by the camera that shows the face, and what looks like head motion in them is
    subtracted, as it is from the measured motion.

    Parameters
    ----------
    landmarks : (478, 2) px
    point_motion : (468, 2) px
        Motion of the landmarks without the head's.
    """
    names, motions = unit_patterns.load(as_read=True)
    points = landmarks[:POINTS].astype(float)
    basis, projected = head_motion_basis(points), motions @ fit_camera(points).T
    patterns = np.stack([subtract_head_motion(basis, pattern) for pattern in projected])
    A, b = patterns.reshape(len(names), -1).T, point_motion.reshape(-1).astype(float)
    total = float(b @ b)
    if total < 1e-9:
        return []
    strengths = _fit_few(A, b, [unit for unit, _ in names])
    # At the optimum A s is perpendicular to the residual, so the parts s_i A_i b add up to the explained
    # motion. A unit that only compensates for others has none.
    evidence = np.maximum(strengths * (A.T @ b), 0) / total
    reach = PER_CENT * np.linalg.norm(motions, axis=2).max(1) * strengths
    found = {
        names[i]: (float(strengths[i]), float(evidence[i]), float(reach[i]))
        for i in np.flatnonzero(strengths)
    }
    return sorted(_join_sides(found), key=lambda unit: -unit.evidence)


def _fit_few(A: np.ndarray, b: np.ndarray, units: list[str]) -> np.ndarray:
    """Return strengths (K,) of patterns A (D, K) that explain b (D,), adding units while one more helps.

    Both sides of a unit are added together. Orthogonal matching pursuit with strengths that are not negative:
    A. Bruckstein, M. Elad, M. Zibulevsky, IEEE Transactions on Information Theory 54(11), 2008.
    """
    from scipy.optimize import nnls

    strengths, unexplained = np.zeros(len(units)), float(b @ b)
    min_gain = MIN_GAIN * unexplained
    columns = {unit: [i for i, name in enumerate(units) if name == unit] for unit in dict.fromkeys(units)}
    chosen: list[int] = []
    while columns:
        fits = {unit: nnls(A[:, chosen + more], b) for unit, more in columns.items()}
        unit = min(fits, key=lambda name: fits[name][1])
        solution, residual = fits[unit]
        if unexplained - residual**2 < min_gain:
            break
        chosen, unexplained = chosen + columns.pop(unit), residual**2
        strengths[chosen] = solution
    return strengths


def unit_activations(displacement: np.ndarray) -> tuple[list[tuple[str, str]], np.ndarray]:
    """Return the activation of each unit in each frame, from the motion of the sites.

    Seventeen sites cannot separate all units: those that move the skin alike share their motion.

    Parameters
    ----------
    displacement : (n, 17, 2) per cent of the inter-ocular distance
        NaN where nothing was measured.

    Returns
    -------
    units : list of (number, side)
    activations : (n, units)
        0 at rest, 1 for the strongest that adults can show; NaN where nothing was measured.
    """
    from scipy.optimize import nnls

    names, motions = unit_patterns.load()
    basis = head_motion_basis(mean_face()[:, :2])
    facial = [at_sites(subtract_head_motion(basis, pattern[:, :2])) for pattern in motions]
    patterns = np.stack(facial) * PER_CENT
    # Ridge: without it, units that hardly move any site would explain the noise.
    damping = SITE_NOISE / USUAL_STRENGTH * np.eye(len(names))
    damped = np.vstack([patterns.reshape(len(names), -1).T, damping])
    out = np.full((len(displacement), len(names)), np.nan)
    for row in track(np.flatnonzero(np.isfinite(displacement).all((1, 2))), "Action units"):
        out[row], _ = nnls(damped, np.append(displacement[row], np.zeros(len(names))))
    return list(names), out


def _join_sides(found: dict[tuple[str, str], tuple[float, float, float]]) -> list[Unit]:
    """Join both sides of a unit if neither is weaker than a third of the other.

    `found` holds strength, evidence and motion by unit and side.
    """
    units = []
    for unit in dict.fromkeys(name for name, _ in found):
        sides = {side: found[unit, side] for side in ("right", "left", "both") if (unit, side) in found}
        strength = {side: values[0] for side, values in sides.items()}
        right, left = strength.get("right", 0.0), strength.get("left", 0.0)
        asymmetry = (right - left) / (right + left) if right + left else 0.0
        if len(sides) == 2 and min(right, left) >= max(right, left) / 3:
            strengths, evidence, motion = zip(*sides.values())
            units.append(Unit(unit, "both", float(np.mean(strengths)), sum(evidence), max(motion), asymmetry))
        else:
            units += [Unit(unit, side, *values, asymmetry) for side, values in sides.items()]
    return units
