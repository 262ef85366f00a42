"""The action units that best account for the motion between onset and apex.

Scanned people show what each unit does to a face (unit_patterns.py). The measured motion of the landmarks is
written as a sum of these patterns with strengths that are not negative; a unit's evidence is the fraction of
the motion that it accounts for. This reads motion, as a ruler does; it is no certified coding, and units that
move the skin alike are told apart poorly.
"""

from dataclasses import asdict, dataclass

import numpy as np
from scipy.optimize import nnls

from data_prep.action_units import NAMES
from mer.inference import unit_patterns
from mer.inference.head_motion import basis, camera, fit

LEAST = 0.05  # evidence below which a unit is not named


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
    """Units by falling evidence, from the face's own motion (468, 2) px of points (468, 2) px; empty if
    nothing moved.

    The patterns are shown by the camera that shows the face, and lose what `head.fit` would take for the
    head's.
    """
    names, moved = unit_patterns.load()
    freedoms = basis(points)
    shown = moved @ camera(points).T
    patterns = np.stack([pattern - freedoms @ fit(freedoms, pattern) for pattern in shown])
    A, b = patterns.reshape(len(names), -1).T, own.reshape(-1).astype(float)
    total = float(b @ b)
    if total < 1e-9:
        return []
    strengths, _ = nnls(A, b)
    # At the optimum A s is perpendicular to what is left, so that the parts s_i A_i b add up to what is
    # accounted for.
    evidence = strengths * (A.T @ b) / total
    reach = 100 * np.linalg.norm(moved, axis=2).max(1) * strengths
    found = {
        names[i]: (float(strengths[i]), float(evidence[i]), float(reach[i]))
        for i in np.flatnonzero(strengths)
    }
    return sorted(
        (unit for unit in _joined(found) if unit.evidence >= LEAST), key=lambda unit: -unit.evidence
    )


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
