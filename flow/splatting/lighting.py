"""Shading of Gaussians by a key light, a fill light and the sky, soft as on skin."""

from dataclasses import dataclass

import numpy as np

# Subsurface scattering per colour, which softens the edge of a shadow (red most), 0..1.
LIGHT_WRAP = np.array([0.42, 0.24, 0.18])


@dataclass(frozen=True)
class Light:
    """A light; strengths are about 0..1.

    Attributes
    ----------
    direction : (float, float, float)
        From the face towards the key light (x right, y down, z away from the camera).
    """

    direction: tuple[float, float, float] = (-0.5, -0.6, -0.9)
    key: float = 0.75
    fill: float = 0.25
    sky: float = 0.35
    warmth: float = 0.0
    hardness: float = 0.5


def srgb_to_linear(srgb: np.ndarray) -> np.ndarray:
    """Convert sRGB 0..1 to linear light (power 2.2 approximation)."""
    return np.maximum(srgb, 0) ** 2.2


def linear_to_srgb(light: np.ndarray) -> np.ndarray:
    """Convert linear light to sRGB 0..1; a shoulder above 0.7 compresses highlights."""
    shoulder = np.where(light > 0.7, 0.7 + 0.3 * (1 - np.exp(-(light - 0.7) / 0.3)), light)
    return np.maximum(shoulder, 0) ** (1 / 2.2)


def shade(albedo: np.ndarray, normal: np.ndarray, gloss: np.ndarray, light: Light) -> np.ndarray:
    """Shade Gaussians: sRGB (G, 3).

    Parameters
    ----------
    albedo : (G, 3) sRGB
    normal : (G, 3) unit
    gloss : (G,), 0 matt, 1 oily skin, above 2 wet
    """
    key = np.asarray(light.direction) / np.linalg.norm(light.direction)
    wrap = LIGHT_WRAP * (1.3 - light.hardness)
    facing = (normal @ key)[:, None]
    diffuse = np.clip((facing + wrap) / (1 + wrap), 0, 1) ** (1 + wrap)
    fill = np.clip(0.5 + 0.5 * normal @ (key * [-0.9, 0.2, 1] / np.linalg.norm(key * [-0.9, 0.2, 1])), 0, 1)[
        :, None
    ]
    sky = np.clip(0.55 - 0.45 * normal[:, 1:2], 0, 1)
    tint = np.array([1 + 0.12 * light.warmth, 1.0, 1 - 0.16 * light.warmth])
    total = light.key * diffuse * tint + light.fill * fill / tint + light.sky * sky
    halfway = key + [0, 0, -1]
    halfway = halfway / np.linalg.norm(halfway)
    mirror = np.clip(normal @ halfway, 0, 1)[:, None]
    wet = np.clip(gloss - 2, 0, 1)[:, None]
    oily = np.where(gloss > 2, 0.15, gloss)[:, None]
    sheen = light.key * oily * (0.16 * mirror**14 + 0.10 * mirror**50)
    sheen += light.key * wet * 1.3 * mirror**180  # the glint of a wet eye
    edge = 0.05 * oily * (1 - np.clip(-normal[:, 2:3], 0, 1)) ** 4 * (light.sky + light.fill)
    return linear_to_srgb(srgb_to_linear(albedo) * total + sheen * tint + edge)
