"""Optical strain: stretch and shear of the skin, from the derivatives of the flow."""

from typing import NamedTuple

import numpy as np


class Strain(NamedTuple):
    """Components of the strain tensor and its magnitude, each (..., H, W) float32, px per px."""

    exx: np.ndarray
    eyy: np.ndarray
    exy: np.ndarray
    magnitude: np.ndarray


def strain(flow: np.ndarray) -> Strain:
    """Compute the infinitesimal strain of a flow field.

    exx = du/dx, eyy = dv/dy, exy = (du/dy + dv/dx) / 2, magnitude = sqrt(exx^2 + eyy^2 + 2 exy^2). The
    magnitude is the Frobenius norm of the tensor, hence invariant to in-plane rotation. Central differences
    inside, one-sided differences at the border.

    Parameters
    ----------
    flow : (..., H, W, 2) float32 px, x right along columns, y down along rows

    References
    ----------
    Shreve et al., "Macro- and micro-expression spotting in long videos using spatio-temporal
    strain", FG 2011.
    """
    u, v = flow[..., 0], flow[..., 1]
    du_dy, du_dx = np.gradient(u, axis=(-2, -1))
    dv_dy, dv_dx = np.gradient(v, axis=(-2, -1))
    exy = (du_dy + dv_dx) / 2
    return Strain(du_dx, dv_dy, exy, np.sqrt(du_dx**2 + dv_dy**2 + 2 * exy**2))
