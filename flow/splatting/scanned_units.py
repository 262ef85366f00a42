"""FACS action units as sums of the scanned expressions of a head model (head_model.py).

The scans follow ARKit's names. Which of them show which unit: the descriptions in P. Ekman, W. Friesen, J.
Hager, Facial Action Coding System, 2002, held against the displacement of each expression; the weights are
ours.
"""

import numpy as np

from flow.splatting.head_model import HeadModel

# Unit -> expression without its side -> weight at full strength.
UNITS: dict[str, dict[str, float]] = {
    "1": {"browInnerUp": 1.0},
    "2": {"browOuterUp": 1.0},
    "4": {"browDown": 1.0},
    "5": {"eyeWide": 1.0},
    "6": {"cheekRaiser": 0.7, "cheekSquint": 0.5, "eyeSquint": 0.4},
    "7": {"eyeSquint": 1.0, "eyeBlink": 0.12},
    "9": {"noseSneer": 1.0, "browDown": 0.2},
    "10": {"mouthUpperUp": 1.0},
    "12": {"mouthSmile": 1.0},
    "14": {"mouthDimple": 1.0},
    "15": {"mouthFrown": 1.0},
    "16": {"mouthLowerDown": 1.0},
    "17": {"mouthShrugLower": 1.0, "mouthShrugUpper": 0.5},
    "20": {"mouthStretch": 1.0},
    "23": {"mouthPress": 0.6, "mouthPucker": 0.3},
    "24": {"mouthPress": 1.0, "mouthRollLower": 0.3, "mouthRollUpper": 0.3},
    "25": {"mouthLowerDown": 0.5, "mouthUpperUp": 0.2, "jawOpen": 0.05},
    "26": {"jawOpen": 0.4},
    "28": {"mouthRollLower": 1.0, "mouthRollUpper": 1.0},
    "43": {"eyeBlink": 1.0},
}


def expression_weights(model: HeadModel, actions: dict[str, float]) -> np.ndarray:
    """Return the weight of each expression, (E,) float64, that shows `actions`.

    Parameters
    ----------
    model : HeadModel
    actions : dict
        Unit, or unit and the person's side ("12", "12L"), -> strength, 1 is an adult's full strength. An
        expression that has no sides counts half for one side.
    """
    weights = np.zeros(len(model.expression_names))
    for name, strength in actions.items():
        unit, sides = (name[:-1], name[-1]) if name[-1] in "RL" else (name, "RL")
        for shape, weight in UNITS[unit].items():
            add_expression(model, weights, shape, strength * weight, sides)
    return weights


def add_expression(
    model: HeadModel, weights: np.ndarray, shape: str, strength: float, sides: str = "RL"
) -> None:
    """Add `strength` of an expression, named without its side, to `weights` (E,) in place."""
    if shape in model.expression_names:
        weights[model.expression_index(shape)] += strength * len(sides) / 2
        return
    for side in sides:
        weights[model.expression_index(f"{shape}_{side}")] += strength
