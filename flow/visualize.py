"""Pictures of flow and strain on a fixed scale, so that pictures are comparable. Not for features."""

import cv2
import numpy as np

from mer_core.text_images import BACKGROUND, INK, render_text

# Hues of the Middlebury colour wheel and the number of steps between each and the next.
# Source: Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 2011, figure 1.
_HUES = np.array(
    [(255, 0, 0), (255, 255, 0), (0, 255, 0), (0, 255, 255), (0, 0, 255), (255, 0, 255), (255, 0, 0)], float
)
_STEPS = (15, 6, 4, 11, 13, 6)


def draw_flow(flow: np.ndarray, radius: float) -> np.ndarray:
    """Draw flow with the Middlebury colour wheel: hue is direction, white is rest, saturation is length.

    Parameters
    ----------
    flow : (H, W, 2) px
    radius : float
        Motion at full saturation, px. Pictures with the same radius are comparable; longer motion is
        darkened, never rescaled.

    Returns
    -------
    (H, W, 3) uint8 RGB
    """
    u, v = flow[..., 0] / radius, flow[..., 1] / radius
    length = np.hypot(u, v)[..., None]
    # Right is red, and the hues run clockwise on the screen: down is yellow, left is cyan, up is violet.
    turn = np.arctan2(v, u) / (2 * np.pi) % 1.0 * sum(_STEPS)
    stops = np.cumsum((0,) + _STEPS)
    colour = np.stack([np.interp(turn, stops, _HUES[:, c]) for c in range(3)], axis=-1)
    inside = 255 - length * (255 - colour)
    return np.where(length <= 1, inside, 0.75 * colour).round().astype(np.uint8)


def draw_legend(
    radius: float, size: int = 96, ink: tuple[int, int, int] = INK, ground: tuple[int, int, int] = BACKGROUND
) -> np.ndarray:
    """Draw the colour wheel of `draw_flow`, labelled with its radius.

    Parameters
    ----------
    radius : float px
    size : int
        Side of the wheel, px.
    ink, ground : (int, int, int)
        RGB of the text and of the surroundings.

    Returns
    -------
    (size + 18, size, 3) uint8 RGB
    """
    across = np.linspace(-1.02, 1.02, size) * radius
    motion = np.stack(np.meshgrid(across, across), axis=-1)
    wheel = draw_flow(motion, radius)
    wheel[np.hypot(motion[..., 0], motion[..., 1]) > radius] = ground
    return np.vstack([wheel, render_text(f"{radius:g} px", size, ink=ink, background=ground, centred=True)])


def draw_strain(magnitude: np.ndarray, full: float) -> np.ndarray:
    """Draw strain on a black-to-bright scale.

    Parameters
    ----------
    magnitude : (H, W) px per px
    full : float
        Strain at full brightness, px per px.

    Returns
    -------
    (H, W, 3) uint8 RGB
    """
    level = np.clip(magnitude / full * 255, 0, 255).round().astype(np.uint8)
    return cv2.applyColorMap(level, cv2.COLORMAP_INFERNO)[..., ::-1].copy()


def place_side_by_side(
    *pictures: np.ndarray, gap: int = 8, ground: tuple[int, int, int] = BACKGROUND
) -> np.ndarray:
    """Place pictures of any size (H, W, 3) uint8 in a row on plain ground, lower edges aligned."""
    height = max(picture.shape[0] for picture in pictures)
    width = sum(picture.shape[1] for picture in pictures) + gap * (len(pictures) - 1)
    line = np.full((width, 3), ground, np.uint8)
    row, x = np.repeat(line[None], height, axis=0), 0
    for picture in pictures:
        row[height - picture.shape[0] :, x : x + picture.shape[1]] = picture
        x += picture.shape[1] + gap
    return row
