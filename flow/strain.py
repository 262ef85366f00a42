"""Optical strain: how much the skin is stretched and sheared, from the derivatives of the flow."""

from typing import NamedTuple

import numpy as np


class Strain(NamedTuple):
    """The three components of the strain tensor and its magnitude, each (..., H, W) float32, px per px."""

    exx: np.ndarray
    eyy: np.ndarray
    exy: np.ndarray
    magnitude: np.ndarray


def strain(flow: np.ndarray) -> Strain:
    """Infinitesimal strain of `flow`, (..., H, W, 2) float32 px; x is the column (right), y is the row
    (down).

    exx = du/dx, eyy = dv/dy, exy = (du/dy + dv/dx) / 2, magnitude = sqrt(exx^2 + eyy^2 + 2 exy^2), the
    Frobenius norm of the tensor, so that a turned face has the same strain. Central differences inside,
    one-sided at the border.

    Source: Shreve et al., "Macro- and micro-expression spotting in long videos using spatio-temporal strain",
    FG 2011.
    """
    u, v = flow[..., 0], flow[..., 1]
    du_dy, du_dx = np.gradient(u, axis=(-2, -1))
    dv_dy, dv_dx = np.gradient(v, axis=(-2, -1))
    exy = (du_dy + dv_dx) / 2
    return Strain(du_dx, dv_dy, exy, np.sqrt(du_dx**2 + dv_dy**2 + 2 * exy**2))
