"""The action units that best account for the motion between onset and apex.

Scanned people show what each unit does to a face (unit_patterns.py). The measured motion of the landmarks is
written as a sum of as few units as will do, with strengths that are not negative; a unit's evidence is the
fraction of the motion that it accounts for. This reads motion, as a ruler does; it is no certified coding,
and units that move the skin alike are told apart poorly.
"""

from dataclasses import asdict, dataclass

import numpy as np
from scipy.optimize import nnls

from data_prep.action_units import NAMES
from mer.inference import unit_patterns
from mer.inference.head_motion import basis, camera, mean_face, without_head
from mer.inference.site_motion import PER_CENT, at_sites

# Noise of a site's motion, per cent of the inter-ocular distance, and what units usually reach in a film.
SITE_NOISE, USUAL_STRENGTH = 0.5, 0.3
# Least fraction of the motion that one more unit must explain: several units together imitate almost any one.
MIN_GAIN = 0.02


@dataclass(frozen=True)
class Unit:
    """An action unit. side : right, left (the person's own) or both; strength : 1 = as strong as an adult can

    evidence : fraction of the face's motion that it accounts for; what all units leave to 1 fits none of them
    motion : of the point that it moves most, per cent of the inter-ocular distance
    asymmetry : strength of the right side less that of the left over their sum, -1 to 1; 0 for units without
        sides
    """

    unit: str
    side: str
    strength: float
    evidence: float
    motion: float
    asymmetry: float

    @property
    def words(self) -> str:
        side = "" if self.side == "both" else f", {self.side}"
        return f"AU {self.unit} ({NAMES[int(self.unit)]}{side})"

    def to_dict(self) -> dict:
        return asdict(self)


def nearest(points: np.ndarray, own: np.ndarray) -> list[Unit]:
    """Return the units that account for a motion, by falling evidence; none if nothing moved.

    The patterns are shown by the camera that shows the face, and lose what `head_motion.fit` would take
    for the head's.

    Parameters
    ----------
    points : (468, 2) px
    own : (468, 2) px
        Motion of the points without the head's.
    """
    names, moved = unit_patterns.load()
    freedoms = basis(points)
    shown = moved @ camera(points).T
    patterns = np.stack([without_head(freedoms, pattern) for pattern in shown])
    A, b = patterns.reshape(len(names), -1).T, own.reshape(-1).astype(float)
    total = float(b @ b)
    if total < 1e-9:
        return []
    strengths = _fit_few(A, b, [unit for unit, _ in names])
    # At the optimum A s is perpendicular to what is left, so that the parts s_i A_i b add up to what is
    # accounted for. A unit that only takes back what others overdo has none.
    evidence = np.maximum(strengths * (A.T @ b), 0) / total
    reach = PER_CENT * np.linalg.norm(moved, axis=2).max(1) * strengths
    found = {
        names[i]: (float(strengths[i]), float(evidence[i]), float(reach[i]))
        for i in np.flatnonzero(strengths)
    }
    return sorted(_joined(found), key=lambda unit: -unit.evidence)


def _fit_few(A: np.ndarray, b: np.ndarray, units: list[str]) -> np.ndarray:
    """Return strengths (K,) of patterns A (D, K) that explain b (D,), unit after unit while one more helps.

    A unit comes with both of its sides. Orthogonal matching pursuit with strengths that are not negative:
    A. Bruckstein, M. Elad, M. Zibulevsky, IEEE Transactions on Information Theory 54(11), 2008.
    """
    strengths, unexplained = np.zeros(len(units)), float(b @ b)
    least = MIN_GAIN * unexplained
    columns = {unit: [i for i, name in enumerate(units) if name == unit] for unit in dict.fromkeys(units)}
    chosen: list[int] = []
    while columns:
        fits = {unit: nnls(A[:, chosen + more], b) for unit, more in columns.items()}
        unit = min(fits, key=lambda name: fits[name][1])
        solution, residual = fits[unit]
        if unexplained - residual**2 < least:
            break
        chosen, unexplained = chosen + columns.pop(unit), residual**2
        strengths[chosen] = solution
    return strengths


def activations(displacement: np.ndarray) -> tuple[list[tuple[str, str]], np.ndarray]:
    """Activation of each unit in each frame, from the motion of the sites.

    displacement : (n, 17, 2) per cent of the inter-ocular distance, NaN where nothing was measured

    Returns the units (number, side) and (n, units): 0 rest, 1 as strong as an adult can; NaN as given.
    Seventeen sites cannot tell all units apart: those that move the skin alike share their motion.
    """
    names, moved = unit_patterns.load()
    freedoms = basis(mean_face()[:, :2])
    patterns = np.stack([at_sites(without_head(freedoms, pattern[:, :2])) for pattern in moved]) * PER_CENT
    # Ridge: without it, units that hardly move any site would explain the noise.
    damping = SITE_NOISE / USUAL_STRENGTH * np.eye(len(names))
    damped = np.vstack([patterns.reshape(len(names), -1).T, damping])
    out = np.full((len(displacement), len(names)), np.nan)
    for row in np.flatnonzero(np.isfinite(displacement).all((1, 2))):
        out[row], _ = nnls(damped, np.append(displacement[row], np.zeros(len(names))))
    return list(names), out


def _joined(found: dict[tuple[str, str], tuple[float, float, float]]) -> list[Unit]:
    """Both sides of a unit as one, where neither is less than a third of the other."""
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
