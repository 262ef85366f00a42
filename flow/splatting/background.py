"""A soft random picture on a far plane that may shift between frames."""

import numpy as np

from flow.splatting.noise import octave_noise, sample_picture, smooth_noise


class Background:
    """A picture that fills the frame behind the head.

    Parameters
    ----------
    look : str
        "random" draws a studio wall, a gradient or blurred shapes; "plain" is grey, "white" as in SRFlow.
    """

    def __init__(self, width: int, height: int, rng: np.random.Generator, look: str = "random") -> None:
        self.width, self.height = width, height
        shape = (128, int(128 * width / height))
        self.scale = 128 / height
        base = rng.uniform(0.15, 0.85, 3) * 0.4 + rng.uniform(0.15, 0.85) * 0.6
        picture = np.ones((*shape, 3), np.float32) * base.astype(np.float32)
        kind = rng.uniform()
        picture *= np.exp(0.12 * octave_noise(shape, 120, rng, 3))[..., None]
        if kind > 0.3:
            picture += rng.normal(0, 0.10, 3) * np.linspace(-1, 1, shape[0])[:, None, None]
        if kind > 0.5:
            for _ in range(rng.integers(2, 7)):
                relief = smooth_noise(shape, rng.uniform(30, 90), rng) - rng.uniform(0.3, 1.2)
                blob = 0.5 + 0.5 * np.tanh(2 * relief * rng.uniform(1, 6))
                picture += blob[..., None] * (rng.uniform(0, 1, 3) - picture) * rng.uniform(0.2, 0.9)
        flat = {"white": 1.0, "plain": 0.72}.get(look)
        self.picture = (
            np.clip(picture, 0, 1).astype(np.float32) if flat is None else np.full_like(picture, flat)
        )

    def render(self, shift: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
        """Render the plane moved by `shift` (x, y) px, (H, W, 3) float32."""
        y, x = np.mgrid[: self.height, : self.width].astype(np.float32)
        return sample_picture(self.picture, (x - shift[0]) * self.scale, (y - shift[1]) * self.scale)
