"""Emotions as sets of action units, with how likely and how strong each is.

Sources of the sets:
- W. Friesen, P. Ekman, EMFACS-7: Emotional Facial Action Coding System, 1983 (the prototypes of the seven emotions);
- W.-J. Yan et al., CASME II, PLoS ONE 9(1), 2014, table 3 (which AUs its coders took as signs of each emotion:
  4+7 disgust and repression, 12 happiness, 1 or 2 surprise, 15 or 17 sadness and repression, 14 others);
- A. Davison et al., SAMM, IEEE TAC 9(1), 2018 (14, 12, 4 and 7 are its most frequent AUs).
The probabilities are our rounding of those accounts, not published frequencies.
"""

import numpy as np

# emotion -> list of alternatives; each is (weight, {AU: (probability, lowest intensity, highest intensity)}),
# intensities as shares of the expression's overall strength.
RECIPES: dict[str, list[tuple[float, dict[str, tuple[float, float, float]]]]] = {
    "happiness": [
        (0.7, {"12": (1.0, 0.7, 1.0), "6": (0.6, 0.4, 1.0), "25": (0.2, 0.2, 0.6), "14": (0.1, 0.2, 0.5)}),
        (0.3, {"12": (1.0, 0.6, 1.0), "6": (0.3, 0.3, 0.7), "24": (0.2, 0.2, 0.5)}),
    ],
    "surprise": [
        (
            0.6,
            {
                "1": (1.0, 0.6, 1.0),
                "2": (1.0, 0.6, 1.0),
                "5": (0.4, 0.3, 0.8),
                "25": (0.3, 0.2, 0.6),
                "26": (0.25, 0.1, 0.5),
            },
        ),
        (0.4, {"1": (0.7, 0.5, 1.0), "2": (0.8, 0.5, 1.0)}),
    ],
    "disgust": [
        (0.5, {"4": (0.8, 0.4, 1.0), "7": (0.6, 0.3, 0.9), "9": (0.5, 0.4, 1.0), "10": (0.3, 0.3, 0.8)}),
        (0.5, {"9": (0.5, 0.5, 1.0), "10": (0.8, 0.5, 1.0), "17": (0.3, 0.2, 0.6), "4": (0.3, 0.3, 0.7)}),
    ],
    "anger": [
        (
            1.0,
            {
                "4": (1.0, 0.6, 1.0),
                "5": (0.3, 0.2, 0.6),
                "7": (0.6, 0.3, 0.9),
                "23": (0.4, 0.3, 0.9),
                "24": (0.3, 0.3, 0.8),
            },
        ),
    ],
    "sadness": [
        (0.6, {"1": (0.9, 0.5, 1.0), "4": (0.6, 0.3, 0.8), "15": (0.6, 0.4, 1.0), "17": (0.4, 0.3, 0.8)}),
        (0.4, {"15": (0.8, 0.5, 1.0), "17": (0.7, 0.4, 1.0)}),
    ],
    "fear": [
        (
            1.0,
            {
                "1": (1.0, 0.5, 1.0),
                "2": (0.6, 0.3, 0.8),
                "4": (0.8, 0.4, 0.9),
                "5": (0.5, 0.3, 0.8),
                "20": (0.5, 0.3, 0.9),
                "25": (0.3, 0.2, 0.5),
                "7": (0.3, 0.2, 0.6),
            },
        ),
    ],
    "contempt": [
        (0.7, {"14": (1.0, 0.7, 1.0)}),
        (0.3, {"14": (0.8, 0.5, 1.0), "12": (0.5, 0.3, 0.7)}),
    ],
    "repression": [
        (0.5, {"14": (0.6, 0.4, 1.0), "17": (0.7, 0.4, 1.0), "15": (0.3, 0.3, 0.7), "24": (0.3, 0.2, 0.6)}),
        (0.5, {"4": (0.5, 0.3, 0.8), "17": (0.6, 0.4, 1.0), "15": (0.6, 0.4, 1.0), "23": (0.2, 0.2, 0.5)}),
    ],
}
EMOTIONS = tuple(RECIPES)
LOPSIDED = {"contempt": 0.8}  # how often an expression shows on one side only; otherwise rarely


def draw(emotion: str, rng: np.random.Generator, strength: float = 1.0) -> dict[str, float]:
    """Actions of one instance of `emotion`: {"12R": 0.31, "12L": 0.27, ...}; sides differ a little, as in real faces.

    strength : the intensity that a share of 1 stands for. At least one action is always drawn.
    """
    alternatives = RECIPES[emotion]
    weights = np.array([w for w, _ in alternatives])
    units = alternatives[rng.choice(len(alternatives), p=weights / weights.sum())][1]
    chosen = {name: rng.uniform(low, high) for name, (p, low, high) in units.items() if rng.uniform() < p}
    if not chosen:
        name = max(units, key=lambda n: units[n][0])
        chosen = {name: units[name][2]}
    one_sided = rng.uniform() < LOPSIDED.get(emotion, 0.06)
    loud = "R" if rng.uniform() < 0.5 else "L"
    actions = {}
    for name, share in chosen.items():
        if name == "26":  # there is one jaw
            actions[name] = strength * share
            continue
        for side in "RL":
            quiet = rng.uniform(0.0, 0.15) if one_sided and side != loud else rng.uniform(0.85, 1.0)
            actions[name + side] = strength * share * quiet
    return actions


def coded(actions: dict[str, float], least: float = 0.02) -> str:
    """The actions as a coder writes them: "4+7", "L14", "6+R12"; those weaker than `least` go unseen.

    One side is named when the other is less than a third as strong.
    """
    sides: dict[str, list[float]] = {}
    for key, strength in actions.items():
        name = key.rstrip("RL")
        pair = sides.setdefault(name, [0.0, 0.0])
        for k, side in enumerate("RL"):
            pair[k] += strength if key[-1] in (side, name[-1]) else 0.0
    seen = []
    for name, (right, left) in sides.items():
        if max(right, left) < least:
            continue
        prefix = "R" if left < right / 3 else "L" if right < left / 3 else ""
        seen.append((int(name), prefix + name))
    return "+".join(text for _, text in sorted(seen))
