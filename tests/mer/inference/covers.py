"""A hand-like patch in front of a face."""

import cv2
import numpy as np

FINGERS = (-0.39, -0.13, 0.13, 0.39)  # across the hand, in its sizes


def draw_hand(image: np.ndarray, centre: tuple[float, float], size: float, tone: float) -> np.ndarray:
    """Draw a palm and four fingers, darker between them, in the colour of the middle of the picture.

    image : (H, W, 3) uint8 RGB; centre : px, right and down; size : px; tone : brightness relative to it
    """
    shape, at = image.shape[:2], np.array(centre)
    hand, shade = np.zeros(shape, np.float32), np.ones(shape, np.float32)

    def place(x: float, y: float) -> tuple[int, int]:
        right, down = np.rint(at + size * np.array([x, y])).astype(int)
        return int(right), int(down)

    cv2.ellipse(hand, place(0, 0.55), (int(0.55 * size), int(0.6 * size)), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    for x in FINGERS:
        tip = place(1.1 * x, 0.4 * abs(x) - 0.75)
        cv2.line(hand, place(x, 0.2), tip, 1.0, max(1, int(0.22 * size)), cv2.LINE_AA)
        cv2.line(shade, place(x + 0.13, 0.1), place(x + 0.15, -0.6), 0.6, max(1, int(size / 25)), cv2.LINE_AA)
    height, width = shape
    skin = image[height * 2 // 5 : height * 3 // 5, width * 2 // 5 : width * 3 // 5].mean((0, 1))
    colour = np.clip(skin * tone * shade[..., None], 0, 255)
    return (image * (1 - hand[..., None]) + colour * hand[..., None]).astype(np.uint8)
