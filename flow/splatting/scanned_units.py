"""FACS action units as sums of a head model's scanned expressions (head_model.py).

The scans follow ARKit's names. `scanned_units.csv` lists which of them show which unit, how strongly, and the
source: the model's publishers (README of ICT-VGL/ICT-FaceKit), or ours after P. Ekman, W. Friesen, J. Hager,
Facial Action Coding System, 2002.
"""

import csv
from importlib.resources import files

import numpy as np

from flow.splatting.head_model import HeadModel


def _read_units() -> dict[str, dict[str, float]]:
    text = files("flow.splatting").joinpath("scanned_units.csv").read_text(encoding="utf-8")
    units: dict[str, dict[str, float]] = {}
    for row in csv.DictReader(text.splitlines()):
        units.setdefault(row["unit"], {})[row["expression"]] = float(row["weight"])
    return units


# Unit -> expression without its side -> weight at full strength.
UNIT_EXPRESSIONS = _read_units()


def expression_weights(model: HeadModel, actions: dict[str, float]) -> np.ndarray:
    """Return the weights (E,) float64 of the expressions that show `actions`.

    Parameters
    ----------
    actions : unit, or unit and the person's side ("12", "12L") -> strength; 1 is an adult's full strength. An
        expression without sides counts half for one side. An expression that is no unit goes by its own name
        without side ("jawOpen", "eyeLookOutR").
    """
    weights = np.zeros(len(model.expression_names))
    for name, strength in actions.items():
        unit, sides = (name[:-1], name[-1]) if name[-1] in "RL" else (name, "RL")
        for shape, weight in UNIT_EXPRESSIONS.get(unit, {unit: 1.0}).items():
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
