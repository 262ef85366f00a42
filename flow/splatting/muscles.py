"""Facial muscles: FACS action units as displacement fields on the landmarks.

There are two kinds of muscle after Waters: a linear muscle pulls a fan of skin towards its fixed end, a
sphincter contracts an ellipse of skin. Lids slide over the eyeball and the jaw rotates about its hinge. Every
field is computed on the given resting face, so the same action fits every identity.

References
----------
K. Waters, A Muscle Model for Animating Three-Dimensional Facial Expression, SIGGRAPH 1987. Effect of each
action unit: P. Ekman, W. Friesen, J. Hager, Facial Action Coding System, 2002.
"""

from collections.abc import Callable

import numpy as np

from flow.splatting.template import EYE, LIPS, LOWER_LID, LOWER_LIP, MOUTH, UPPER_LID, UPPER_LIP, template

JAW_ANGLE = 16.0  # degrees of opening at AU 26 = 1 (a dropped, not a stretched jaw)


def linear_muscle(
    points: np.ndarray, root: np.ndarray, tip: np.ndarray, reach: float, angle: float = 50.0
) -> np.ndarray:
    """Return the displacement (N, 3) of points (N, 3) by Waters' linear muscle of unit strength.

    Parameters
    ----------
    root : (3,) attachment to the bone
    tip : (3,) attachment to the skin
    reach : float
        Beyond the tip where the pull ends, cm.
    angle : float
        Half-width of the fan of pulled skin, degrees.
    """
    axis = tip - root
    length = np.linalg.norm(axis)
    away = points - root
    distance = np.linalg.norm(away, axis=1) + 1e-9
    cosine = away @ axis / (length * distance)
    fraction = np.clip((cosine - np.cos(np.radians(angle))) / (1 - np.cos(np.radians(angle))), 0, 1)
    across = fraction * fraction * (3 - 2 * fraction)
    near = np.sin(np.pi / 2 * np.clip(distance / length, 0, 1)) ** 2
    beyond = np.cos(np.pi / 2 * np.clip((distance - length) / reach, 0, 1)) ** 2
    strength = across * np.where(distance < length, near, beyond)
    return -strength[:, None] * away / distance[:, None]


def sphincter_muscle(points: np.ndarray, centre: np.ndarray, axes: tuple[float, float, float]) -> np.ndarray:
    """Return the displacement (N, 3) towards `centre` in an ellipsoid of half `axes` cm, unit strength."""
    away = points - centre
    radius = np.sqrt(((away / axes) ** 2).sum(1))
    strength = np.clip(1 - radius**2, 0, 1) ** 2 * radius * 2.5
    return -strength[:, None] * away / (np.linalg.norm(away, axis=1, keepdims=True) + 1e-9)


def gaussian_bump(
    points: np.ndarray, centre: np.ndarray, width: float | tuple[float, float, float]
) -> np.ndarray:
    """Return a Gaussian (N, 1), 1 at `centre`, of standard deviation `width` cm."""
    return np.exp(-0.5 * (((points - centre) / width) ** 2).sum(1))[:, None]


def move_landmarks(rest: np.ndarray, actions: dict[str, float]) -> np.ndarray:
    """Return the landmarks (468, 3) cm after `actions`, from those at rest."""
    moved = rest.copy()
    for name, side, strength in split_sides(actions):
        if name not in ("26", "43", "5", "7"):
            moved += strength * action_unit_field(rest, name, side)
    moved = _move_jaw(rest, actions, moved)
    return _move_lids(actions, moved)


def split_sides(actions: dict[str, float]) -> list[tuple[str, str, float]]:
    """Split {"12": 0.5, "4L": 0.2} into (name, side, strength) with the subject's side "right" or "left"."""
    split = []
    for key, strength in actions.items():
        name, sides = (
            (key[:-1], {"R": ("right",), "L": ("left",)}[key[-1]])
            if key[-1] in "RL"
            else (key, ("right", "left"))
        )
        split += [(name, side, strength) for side in sides]
    return split


def action_unit_field(rest: np.ndarray, name: str, side: str) -> np.ndarray:
    """Return the displacement (468, 3) cm of one action unit on one side at intensity 1.

    The left side is computed on the mirrored face, so both sides have the same muscle.
    """
    if side == "left":
        mirror = template().mirror[:468]
        flipped = (rest * [-1, 1, 1])[mirror]
        return (UNIT_FIELDS[name](flipped) * [-1, 1, 1])[mirror]
    return UNIT_FIELDS[name](rest)


def _right_half(rest: np.ndarray, soft: float = 0.5) -> np.ndarray:
    """Return weights (468, 1): 1 on the subject's right half (x < 0), falling to 0 across the midline."""
    return 1 / (1 + np.exp(rest[:, :1] / (soft * 0.5)))


def _other_lip_mask(upper: bool) -> np.ndarray:
    """Return weights (468, 1): 0 on the opposite lip, which other muscles move, and 1 elsewhere."""
    weight = np.ones((468, 1))
    weight[LOWER_LIP if upper else UPPER_LIP] = 0
    return weight


def _below_mouth(rest: np.ndarray) -> np.ndarray:
    """Return weights (468, 1): 0 above the mouth, 1 below; sharp between the lips, soft on the cheeks."""
    line = rest[[78, 13, 308], 1].mean()
    weight = 1 / (1 + np.exp(-(rest[:, 1:2] - line) / 0.35))
    weight[LOWER_LIP], weight[UPPER_LIP] = 1, 0
    weight[[78, 308, 61, 291, 62, 292, 76, 306]] = 0.5
    return weight


def _au1(p):  # inner frontalis: the inner brow rises
    return 1.0 * linear_muscle(p, p[108] + [0.3, -2.6, 0.3], p[55], 2.0, 40) * _right_half(p, 1.2)


def _au2(p):  # outer frontalis: the outer brow rises, two fibres side by side
    outer = linear_muscle(p, p[68] + [-0.6, -2.0, 0.9], p[46], 1.8, 55)
    inner = linear_muscle(p, p[104] + [0.0, -2.6, 0.4], p[53], 1.6, 45)
    return (0.55 * outer + 0.45 * inner) * _right_half(p)


def _au4(p):  # corrugator and depressor supercilii: brows down and together
    inward = gaussian_bump(p, p[55], (1.5, 0.9, 1.5)) * ((p[8] - p[55]) * [0.55, 0, 0.2]) * _right_half(p)
    down = gaussian_bump(p, (p[55] + p[52]) / 2, (1.7, 0.9, 1.6)) * [0, 0.58, 0.0] * _right_half(p, 0.9)
    return inward + down


def _au6(p):  # orbicularis oculi, outer part: cheek up, crow's feet
    eye = p[EYE].mean(0)
    cheek = 0.9 * linear_muscle(p, eye + [0.0, 0.4, 0.3], (p[50] + p[118]) / 2, 2.2, 60) * _right_half(p)
    draw = 0.55 * sphincter_muscle(p, eye + [-0.4, 0, 0], (3.0, 2.2, 3.0)) * _right_half(p)
    draw[EYE] *= 0.3
    draw[LOWER_LID[0] + LOWER_LID[1]] += [0, -0.16, 0]
    outward = gaussian_bump(p, p[50], 1.4) * [0, -0.12, -0.14] * _right_half(p)
    return cheek + draw + outward


def _au9(p):  # levator labii superioris alaeque nasi: the nose wrinkles, its wings rise
    wing = (
        0.85
        * linear_muscle(p, p[193] + [0, 0.1, 0.0], p[129], 1.6, 48)
        * _other_lip_mask(True)
        * _right_half(p)
    )
    pinch = gaussian_bump(p, p[55], (1.1, 0.8, 1.3)) * [0.10, 0.24, 0] * _right_half(p)
    return (
        wing + pinch + gaussian_bump(p, p[40], 0.8) * [0, -0.18, 0] * _other_lip_mask(True) * _right_half(p)
    )


def _au10(p):  # levator labii superioris: the upper lip rises
    pull = 0.55 * linear_muscle(p, p[119] + [0.6, 0.6, 0.2], p[39], 1.2, 42)
    middle = gaussian_bump(p, p[0], (1.0, 0.8, 1.2)) * [0, -0.34, 0]
    return (pull * _right_half(p) + middle * _right_half(p, 1.2)) * _other_lip_mask(True)


def _au12(p):  # zygomaticus major: the corner of the mouth goes up and out
    pull = 0.95 * linear_muscle(p, p[123] + [0.0, 0.9, 0], p[61], 2.2, 46) * _right_half(p, 0.8)
    cheek = gaussian_bump(p, p[205], 1.2) * [-0.10, -0.20, -0.16] * _right_half(p)
    middle = gaussian_bump(p, _mouth_centre(p), (1.6, 0.8, 1.5)) * [0, -0.14, 0.05] * _right_half(p, 1.2)
    return pull + cheek + middle


def _au14(p):  # buccinator: the corner is drawn in and tightened
    tight = gaussian_bump(p, p[61], 0.9) * ((p[61] - p[13]) * [0.16, 0, 0] + [0, 0, 0.30]) * _right_half(p)
    return tight + gaussian_bump(p, p[61] + [-0.9, 0, 0.3], 0.7) * [0.16, 0, 0.06] * _right_half(p)


def _au15(p):  # depressor anguli oris: the corner goes down
    return 0.72 * linear_muscle(p, p[169] + [0.6, 0.6, 0], p[61], 1.5, 44) * _right_half(p)


def _au16(p):  # depressor labii inferioris: the lower lip goes down
    pull = 0.55 * linear_muscle(p, p[170] + [0.9, 0.3, 0], p[84], 1.3, 48)
    middle = gaussian_bump(p, p[17], (1.1, 0.8, 1.2)) * [0, 0.26, 0]
    return (pull * _right_half(p) + middle * _right_half(p, 1.2)) * _other_lip_mask(False) * _below_mouth(p)


def _au17(p):  # mentalis: the chin boss rises and pushes the lower lip up
    rise = gaussian_bump(p, p[200], (1.5, 1.3, 2.0)) * [0, -0.62, -0.12]
    lip = gaussian_bump(p, p[17], (1.6, 0.7, 1.5)) * [0, -0.16, -0.14]
    return (
        rise * _below_mouth(p)
        + lip * (_below_mouth(p) * 0.75 + 0.25 * gaussian_bump(p, p[14], (1.6, 0.6, 2)))
    ) * _right_half(p, 1.4)


def _au20(p):  # risorius: the corner is stretched outwards
    return 0.72 * linear_muscle(p, p[177] + [0.5, 0.3, 0], p[61], 2.0, 42) * _right_half(p, 0.8)


def _mouth_centre(p: np.ndarray) -> np.ndarray:
    return (p[13] + p[14]) / 2


def _au23(p):  # orbicularis oris tightens: lips narrower and thinner
    centre = _mouth_centre(p)
    squeeze = 0.40 * sphincter_muscle(p, centre, (3.6, 2.2, 3.0)) * [1.0, 0.5, 0]
    thin = gaussian_bump(p, centre, (2.2, 0.9, 2.0)) * (centre - p) * [0, 0.22, 0]
    return (squeeze + thin) * _right_half(p, 1.0)


def _au24(p):  # orbicularis oris presses: lips flat against each other
    centre = _mouth_centre(p)
    flat = gaussian_bump(p, centre, (2.4, 1.1, 2.0)) * ((centre - p) * [0.04, 0.48, 0] + [0, 0, 0.10])
    return flat * _right_half(p, 1.0)


def _au25(p):  # lips part
    centre = _mouth_centre(p)
    across = np.clip(1 - ((p[:, :1] - centre[0]) / (p[308, 0] - p[78, 0]) * 2) ** 2, 0, 1)
    upper, lower = np.zeros((468, 1)), np.zeros((468, 1))
    upper[UPPER_LIP], lower[LOWER_LIP] = 1, 1
    below = gaussian_bump(p, p[17], (1.8, 1.0, 2)) * _below_mouth(p) * (1 - upper)
    raised = 0.16 * upper * gaussian_bump(p, p[13], (2.2, 0.8, 2))
    lowered = 0.34 * np.maximum(lower * gaussian_bump(p, p[14], (2.4, 1.1, 2)), 0.8 * below)
    return across * (lowered - raised) * [0, 1, 0] * _right_half(p, 1.2)


def _au28(p):  # lips are sucked in over the teeth
    centre = _mouth_centre(p)
    roll = gaussian_bump(p, centre, (2.1, 0.75, 1.6)) * ((centre - p) * [0, 0.72, 0] + [0, 0, 0.35])
    return roll * _right_half(p, 1.0)


UNIT_FIELDS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "1": _au1, "2": _au2, "4": _au4, "6": _au6, "9": _au9, "10": _au10, "12": _au12, "14": _au14,
    "15": _au15, "16": _au16, "17": _au17, "20": _au20, "23": _au23, "24": _au24, "25": _au25, "28": _au28,
}  # fmt: skip
LID_UNITS = ("5", "7", "43")
ACTION_UNITS = tuple(sorted((*UNIT_FIELDS, *LID_UNITS, "26"), key=int))


def _move_lids(actions: dict[str, float], moved: np.ndarray) -> np.ndarray:
    """Move the lids: 43 lowers the upper lid onto the lower, 5 raises it, 7 tightens both."""
    total = {(n, s): 0.0 for n in LID_UNITS for s in ("right", "left")}
    for name, side, strength in split_sides(actions):
        if name in LID_UNITS:
            total[name, side] += strength
    moved = moved.copy()
    for side in ("right", "left"):
        close, raised, tight = total["43", side], total["5", side], total["7", side]
        if not (close or raised or tight):
            continue
        pick = (lambda ids: ids) if side == "right" else template().left_of
        upper, lower = [pick(r) for r in UPPER_LID], [pick(r) for r in LOWER_LID]
        gap = moved[lower[0]] - moved[upper[0]]
        for row, fraction in enumerate((1.0, 0.62, 0.12)):
            moved[upper[row]] += fraction * gap * (0.97 * close + 0.16 * tight - 0.30 * raised)
        for row, fraction in enumerate((1.0, 0.65, 0.25)):
            moved[lower[row]] -= fraction * gap * (0.06 * close + 0.22 * tight)
    return moved


def jaw_motion(rest: np.ndarray, actions: dict[str, float]) -> Callable[[np.ndarray], np.ndarray]:
    """Return the rotation of the jaw about the hinge between the ears, as a function of points (N, 3)."""
    strength = sum(s for name, _, s in split_sides(actions) if name == "26") / 2
    angle = np.radians(JAW_ANGLE * strength)
    hinge = (rest[234] + rest[454]) / 2 + [0, 0.6, 1.5]
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    return lambda points: (points - hinge) @ turn.T + hinge


def _move_jaw(rest: np.ndarray, actions: dict[str, float], moved: np.ndarray) -> np.ndarray:
    """Move chin, lower lip and lower cheeks with the jaw."""
    fraction = _below_mouth(rest) * np.clip((rest[172, 2] + 2.5 - rest[:, 2:3]) / 5.0, 0.0, 1.0) ** 0.5
    centre = _mouth_centre(rest)
    corner = np.clip(np.abs(rest[:, :1] - centre[0]) / np.abs(rest[61, 0] - centre[0]), 0, 1)
    lips = np.zeros((468, 1))
    lips[list(set(LOWER_LIP + LIPS + MOUTH))] = 1
    fraction = fraction * (1 - 0.45 * lips * corner**3)
    return moved + fraction * (jaw_motion(rest, actions)(moved) - moved)


def expression_timing(
    t: np.ndarray | float, onset: float, apex: float, hold: float, offset: float
) -> np.ndarray:
    """Return the intensity 0..1 of an expression at time t, s; both slopes are cosines.

    It starts at `onset`, peaks at `apex`, stays for `hold`, then fades over `offset` s.
    """
    rise = np.clip((np.asarray(t, float) - onset) / max(apex - onset, 1e-9), 0, 1)
    fall = np.clip((np.asarray(t, float) - apex - hold) / max(offset, 1e-9), 0, 1)
    return 0.5 * (1 - np.cos(np.pi * rise)) * 0.5 * (1 + np.cos(np.pi * fall))
