"""The action units that best account for the motion between onset and apex.

The engine knows what each unit does to a face (flow/splatting/muscles.py). The measured motion of the landmarks is written as
a sum of these patterns with strengths that are not negative; a unit's evidence is the share of the motion that it accounts for.
This reads motion, as a ruler does; it is no certified coding, and units that move the skin alike are told apart poorly.
"""

from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import nnls

from data_prep.action_units import NAMES
from flow.splatting.muscles import ACTIONS, move
from flow.splatting.template import template
from mer.inference.head_motion import POINTS, basis, camera, fit

SMALL = 0.2  # intensity at which patterns are taken: motion grows in proportion up to there
LEAST = 0.05  # evidence below which a unit is not named


@dataclass(frozen=True)
class Unit:
    """An action unit. side : right, left (the person's own) or both; strength : 1 = as strong as an adult can

    evidence : its share of the face's motion, 0 to 1; what all units leave to 1 fits none of them
    """

    unit: str
    side: str
    strength: float
    evidence: float

    @property
    def words(self) -> str:
        side = "" if self.side == "both" else f", {self.side}"
        return f"AU {self.unit} ({NAMES[int(self.unit)]}{side})"

    def to_dict(self) -> dict:
        return asdict(self)


@lru_cache(maxsize=1)
def _patterns() -> tuple[list[tuple[str, str]], np.ndarray]:
    """Names (unit, side) and what each does to the mean face at intensity 1: (units, 468, 3) in inter-ocular distances."""
    from data_prep.landmarks import interocular

    rest = template().mean[:POINTS]
    names = [(unit, side) for unit in ACTIONS for side in (("both",) if unit == "26" else ("right", "left"))]
    moved = [
        (move(rest, {unit + {"right": "R", "left": "L", "both": ""}[side]: SMALL}) - rest) / SMALL
        for unit, side in names
    ]
    return names, np.stack(moved) / interocular(template().mean[:, :2])


def nearest(points: np.ndarray, own: np.ndarray) -> list[Unit]:
    """Units by falling evidence, from the face's own motion (468, 2) px of points (468, 2) px; empty if nothing moved.

    The patterns are shown by the camera that shows the face, and lose what `head.fit` would take for the head's.
    """
    names, moved = _patterns()
    freedoms = basis(points)
    shown = moved @ camera(points).T
    patterns = np.stack([pattern - freedoms @ fit(freedoms, pattern) for pattern in shown])
    A, b = patterns.reshape(len(names), -1).T, own.reshape(-1).astype(float)
    total = float(b @ b)
    if total < 1e-9:
        return []
    strengths, _ = nnls(A, b)
    # At the optimum A s is perpendicular to what is left, so that the parts s_i A_i b add up to what is accounted for.
    evidence = strengths * (A.T @ b) / total
    found = {names[i]: (float(strengths[i]), float(evidence[i])) for i in np.flatnonzero(strengths)}
    return sorted(
        (unit for unit in _joined(found) if unit.evidence >= LEAST), key=lambda unit: -unit.evidence
    )


def _joined(found: dict[tuple[str, str], tuple[float, float]]) -> list[Unit]:
    """Both sides of a unit as one, where neither is less than a third of the other."""
    units = []
    for unit in dict.fromkeys(name for name, _ in found):
        sides = {side: found[unit, side] for side in ("right", "left", "both") if (unit, side) in found}
        weak, strong = min(s for s, _ in sides.values()), max(s for s, _ in sides.values())
        if len(sides) == 2 and weak >= strong / 3:
            units.append(
                Unit(
                    unit,
                    "both",
                    float(np.mean([s for s, _ in sides.values()])),
                    sum(e for _, e in sides.values()),
                )
            )
        else:
            units += [Unit(unit, side, *values) for side, values in sides.items()]
    return units
