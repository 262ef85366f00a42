"""Emotions as sets of action units with probabilities and strengths.

References
----------
- Du: S. Du, Y. Tao, A. Martinez, Compound facial expressions of emotion, PNAS 111(15), 2014, table 1: units
  shown by more than 70 % of 230 people (here 1), and the fraction of people who show the others;
- CASME II: W.-J. Yan et al., PLoS ONE 9(1), 2014: the units required for each emotion label;
- EMFACS: W. Friesen, P. Ekman, EMFACS-7: Emotional Facial Action Coding System, 1983.
AU 11, named by one source, is not implemented. The weights of the sources and fractions marked "ours" are
ours.
"""

import numpy as np

MIN_SEEN = 0.02  # strength of an action below which a coder sees nothing
# Emotion -> alternatives (probability, "AU:fraction ..."); a unit without a fraction is always shown.
RECIPES: dict[str, list[tuple[float, str]]] = {
    "happiness": [(0.3, "12 25 6:0.51"), (0.7, "12 6:0.51")],  # Du; CASME II (12 or 6), fraction from Du
    "surprise": [(0.3, "1 2 25 26 5:0.66"), (0.4, "1 2"), (0.1, "25"), (0.2, "2")],  # Du; CASME II
    "disgust": [(0.3, "9 10 17 4:0.31 24:0.26"), (0.2, "9"), (0.2, "10"), (0.3, "4 7")],  # Du; CASME II
    "anger": [
        (0.6, "4 7 24 10:0.26 17:0.52 23:0.29"),
        (0.4, "4 7 5:0.5 23:0.5"),
    ],  # Du; EMFACS, fractions ours
    "sadness": [  # Du; CASME II, EMFACS
        (0.5, "4 15 1:0.60 6:0.50 17:0.67"),
        (0.3, "1 4:0.5"),
        (0.2, "15 17:0.5"),
    ],
    "fear": [  # Du; EMFACS, fractions ours
        (0.6, "1 4 20 25 2:0.57 5:0.63 26:0.33"),
        (0.4, "1 2 4 5:0.5 20:0.5"),
    ],
    "contempt": [(0.6, "14"), (0.4, "14 12")],  # EMFACS, on one side
    "repression": [(0.4, "15"), (0.4, "17"), (0.2, "15 17")],  # CASME II
}
EMOTIONS = tuple(RECIPES)
ONE_SIDED_FRACTION = {"contempt": 0.8}  # how often an expression shows on one side only; otherwise rarely


def draw_actions(emotion: str, rng: np.random.Generator, strength: float = 1.0) -> dict[str, float]:
    """Draw one instance of `emotion`: {"12R": 0.31, "12L": 0.27, ...}; sides differ slightly.

    Parameters
    ----------
    strength : float
        Highest intensity; each unit has at least half of it.
    """
    alternatives = RECIPES[emotion]
    weights = np.array([often for often, _ in alternatives])
    levels: dict[str, float] = {}
    for unit in alternatives[rng.choice(len(alternatives), p=weights / weights.sum())][1].split():
        name, _, fraction = unit.partition(":")
        if not fraction or rng.uniform() < float(fraction):
            levels[name] = rng.uniform(0.5, 1.0)
    one_sided = rng.uniform() < ONE_SIDED_FRACTION.get(emotion, 0.06)
    loud = "R" if rng.uniform() < 0.5 else "L"
    actions = {}
    for name, level in levels.items():
        if name == "26":  # there is one jaw
            actions[name] = strength * level
            continue
        for side in "RL":
            quiet = rng.uniform(0.0, 0.15) if one_sided and side != loud else rng.uniform(0.85, 1.0)
            actions[name + side] = strength * level * quiet
    return actions


def facs_code(actions: dict[str, float]) -> str:
    """Write actions as a FACS coder does: "4+7", "L14", "6+R12"; weaker ones than `MIN_SEEN` are not seen.

    One side is named if the other is less than a third as strong.
    """
    sides: dict[str, list[float]] = {}
    for key, strength in actions.items():
        name = key.rstrip("RL")
        pair = sides.setdefault(name, [0.0, 0.0])
        for k, side in enumerate("RL"):
            pair[k] += strength if key[-1] in (side, name[-1]) else 0.0
    seen = []
    for name, (right, left) in sides.items():
        if max(right, left) < MIN_SEEN:
            continue
        prefix = "R" if left < right / 3 else "L" if right < left / 3 else ""
        seen.append((int(name), prefix + name))
    return "+".join(text for _, text in sorted(seen))
