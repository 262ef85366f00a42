"""Painted skin on the unrolled face: tone, pores, freckles, wrinkles, brows, lashes, lips, stubble, make-up.

Everything is placed by landmarks of the mean face in uv, so one painting fits any face.
"""

from dataclasses import dataclass

import numpy as np

from flow.splatting.noise import SkinCanvas, octave_noise, smooth_curve, smooth_noise
from flow.splatting.template import BROW_LOWER, BROW_UPPER, EYE, LIPS, LOWER_LID, UPPER_LID, template

PIXELS_PER_CM = 32
JAW_OUTLINE = [
    234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288,
    361, 323, 454, 436, 391, 2, 165, 216,
]  # fmt: skip


@dataclass(frozen=True)
class Complexion:
    """Parameters of a skin; colours are sRGB 0..1, strengths 0 (none) to about 1 (strong)."""

    tone: tuple[float, float, float] = (0.85, 0.68, 0.58)
    redness: float = 0.4
    pores: float = 0.5
    freckles: float = 0.0
    moles: int = 3
    age: float = 0.2
    lips: tuple[float, float, float] = (0.72, 0.42, 0.40)
    brows: tuple[float, float, float] = (0.25, 0.17, 0.12)
    brow_weight: float = 0.8
    lashes: float = 0.6
    eyeliner: float = 0.0
    eyeshadow: float = 0.0
    shadow_colour: tuple[float, float, float] = (0.45, 0.35, 0.45)
    stubble: float = 0.0
    shine: float = 0.4
    hairline: float = 1.0


@dataclass
class PaintedSkin:
    """A painted skin on its canvas.

    Attributes
    ----------
    albedo : (H, W, 3) sRGB
    height : (H, W) cm
    gloss : (H, W)
    """

    canvas: SkinCanvas
    albedo: np.ndarray
    height: np.ndarray
    gloss: np.ndarray


def paint_skin(look: Complexion, rng: np.random.Generator) -> PaintedSkin:
    """Paint a skin; all randomness comes from `rng`."""
    low, high = template().uv.min(0) - 0.4, template().uv.max(0) + 0.4
    skin = _SkinPainter(SkinCanvas(low, high, PIXELS_PER_CM), look, rng)
    skin.ground()
    skin.blemishes()
    skin.shadows()
    skin.wrinkles()
    skin.lips()
    skin.stubble()
    skin.eyes()
    skin.brows()
    return PaintedSkin(skin.canvas, skin.albedo.clip(0.01, 1), skin.height, skin.gloss)


def _bounding_window(mask: np.ndarray) -> tuple[slice, slice]:
    """Return the bounding rectangle of a mask; most layers are small."""
    seen = np.abs(mask) > 1e-3
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


class _SkinPainter:
    """The state of a painting; each method adds one layer."""

    def __init__(self, canvas: SkinCanvas, look: Complexion, rng: np.random.Generator) -> None:
        self.canvas, self.look, self.rng = canvas, look, rng
        self.albedo = np.ones((*canvas.shape, 3), np.float32) * np.asarray(look.tone, np.float32)
        self.height = np.zeros(canvas.shape, np.float32)
        self.gloss = np.full(canvas.shape, 0.35 * look.shine, np.float32)
        self.uv = template().uv[:468]

    def lay(self, mask: np.ndarray, colour: tuple[float, float, float] | np.ndarray) -> None:
        """Blend a colour into the painting by `mask` (0..1)."""
        window = _bounding_window(mask)
        mask, colour = np.clip(mask[window], 0, 1)[..., None], np.asarray(colour, np.float32)
        colour = colour[window] if colour.ndim == 3 else colour
        self.albedo[window] += mask * (colour - self.albedo[window])

    def darken(self, amount: np.ndarray, tint: tuple[float, float, float] = (0.75, 1.0, 1.05)) -> None:
        """Darken as blood and depth do: red least."""
        window = _bounding_window(amount)
        self.albedo[window] *= np.exp(-amount[window][..., None] * np.asarray(tint, np.float32))

    def ring(self, right: list[int], left: bool) -> np.ndarray:
        """Return uv of landmarks on the right side, or of their mirror images."""
        return self.uv[template().left_of(right) if left else right]

    def ground(self) -> None:
        """Paint mottled tone, blood in cheeks, nose and chin, and pores."""
        shape, look = self.canvas.shape, self.look
        mottle = octave_noise(shape, 90, self.rng)
        blotch = octave_noise(shape, 28, self.rng, 3)
        self.darken(0.035 * mottle + 0.02 * blotch)
        blood = sum(self.canvas.spot(self.uv[i], s) for i, s in ((50, 1.5), (280, 1.5), (4, 0.9), (199, 1.2)))
        blood = blood * (1 + 0.5 * smooth_noise(shape, 30, self.rng)) * look.redness
        self.darken(np.clip(blood, 0, 2) * 0.22, (0.12, 1.0, 0.85))
        oily = sum(
            self.canvas.spot(self.uv[i], w, h)
            for i, w, h in ((151, 2.5, 1.2), (4, 0.7, 0.8), (195, 0.5, 1.5), (200, 0.9, 0.6))
        )
        cheeks = self.canvas.spot(self.uv[50], 1.2) + self.canvas.spot(self.uv[280], 1.2)
        self.gloss += look.shine * (0.55 * oily + 0.3 * cheeks)
        pores = smooth_noise(shape, 3.0, self.rng)
        fine = smooth_noise(shape, 1.6, self.rng)
        where = 0.35 + self.canvas.spot(self.uv[4], 2.0) + cheeks
        self.height += look.pores * (0.0035 * pores + 0.0015 * fine) * where
        self.darken(look.pores * where * 0.035 * np.clip(-pores - 0.4, 0, 3))
        self.gloss *= 1 + 0.25 * smooth_noise(shape, 5, self.rng)

    def blemishes(self) -> None:
        """Paint freckles on cheeks and nose, and a few moles."""
        look, shape = self.look, self.canvas.shape
        where = sum(self.canvas.spot(self.uv[i], 2.3, 1.3) for i in (50, 280, 195, 9, 118, 347))
        seeds = smooth_noise(shape, 7, self.rng) + 0.6 * smooth_noise(shape, 4, self.rng)
        spots = np.clip((seeds - 1.5 + 0.3 * np.clip(where, 0, 1.5)) * 2, 0, 1) * np.clip(where, 0, 1)
        self.darken(spots * look.freckles * 0.45, (0.5, 1.0, 1.3))
        for _ in range(look.moles):
            centre = np.array([self.rng.uniform(-8, 8), self.rng.uniform(-4, 10)])
            size = self.rng.uniform(0.05, 0.13)
            self.darken(0.9 * np.clip(1.6 * self.canvas.spot(centre, size), 0, 1), (0.7, 1.0, 1.2))

    def shadows(self) -> None:
        """Paint shadows that the mesh is too coarse for: nostrils, nose wings, below the lip, sockets."""
        for left in (False, True):
            wing = smooth_curve(self.ring([102, 129, 98, 97], left))
            self.darken(0.5 * self.canvas.blur(self.canvas.strokes([wing], 0.10), 0.07))
            nostril = self.ring([60, 75, 240, 99, 20], left).mean(0)
            hole = np.clip(2.2 * self.canvas.spot(nostril + [0, -0.02], 0.24, 0.085), 0, 1)
            self.lay(0.93 * hole, np.asarray(self.look.tone) ** 2 * [0.22, 0.10, 0.09])
            self.gloss *= 1 - 0.9 * hole
            eye = self.ring(EYE, left)
            inner, middle = eye[8], eye.mean(0)
            self.darken(
                0.20 * self.canvas.spot(middle + [0, 0.75], 1.3, 0.4) * (0.4 + self.look.age),
                (0.9, 1.0, 0.75),
            )
            self.darken(0.30 * self.canvas.spot(inner + [0, -0.45], 0.5, 0.55))
            self.darken(0.12 * self.canvas.spot(middle + [0, -0.7], 1.3, 0.35))
            self.darken(0.15 * self.canvas.spot(self.ring([61], left)[0], 0.35, 0.25))
        self.darken(0.26 * self.canvas.spot(self.uv[18] + [0, -0.1], 1.1, 0.22))
        self.darken(0.10 * self.canvas.spot(self.uv[164], 0.22, 0.5))
        self.darken(0.18 * self.canvas.spot(self.uv[2] + [0, 0.1], 0.9, 0.2))
        under = np.clip((self.canvas.v - 9.2) / 2.0, 0, 1)
        self.darken(0.25 * under**2)

    def wrinkles(self) -> None:
        """Paint forehead lines, crow's feet, frown lines, nasolabial folds and lines under the eyes."""
        age, lines = self.look.age, []
        for k in range(self.rng.integers(3, 6)):
            v = -2.6 - 0.62 * k + self.rng.normal(0, 0.08)
            u = np.linspace(-4.2, 4.2, 9) * self.rng.uniform(0.7, 1)
            lines.append(
                (
                    smooth_curve(
                        np.stack([u, v + 0.25 * np.cos(u * 0.9) * 0.6 + self.rng.normal(0, 0.06, 9)], 1), 60
                    ),
                    0.8,
                )
            )
        for left in (False, True):
            flip = [-1 if left else 1, 1]
            corner = self.ring([33], False)[0]
            for slope in self.rng.uniform(-0.6, 0.75, 5):
                start = corner + [-0.45, 0.2 * slope]
                foot = smooth_curve(
                    np.stack([start, start + [-0.6, 0.5 * slope], start + [-1.2, slope * 0.7]])
                )
                lines.append((foot * flip, 0.6))
            lines.append((smooth_curve(self.ring([129, 203, 206, 216, 212], left), 40), 1.3))
            lines.append((smooth_curve(self.ring([107, 55, 189], left) + np.array([0.15, 0]) * flip), 0.5))
            for down in (0.0, 0.22, 0.45):
                lines.append((smooth_curve(self.ring(LOWER_LID[1][1:-1], left) + [0, 0.1 + down], 40), 0.7))
        drawn = np.sum([w * self.canvas.strokes([line], 0.05) for line, w in lines], axis=0)
        strength = drawn * np.clip(0.8 + 0.5 * smooth_noise(self.canvas.shape, 25, self.rng), 0, 2)
        groove = self.canvas.blur(strength, 0.035) + 0.8 * self.canvas.blur(strength, 0.11)
        self.height -= 0.035 * age * groove
        self.darken(0.28 * age * groove)

    def lips(self) -> None:
        """Paint the red of the lips with creases, and the dark line between them."""
        outline = smooth_curve(np.concatenate([self.uv[LIPS], self.uv[LIPS[:1]]]), 120)
        red = self.canvas.area(outline, 0.05)
        tone = np.asarray(self.look.lips, np.float32)
        creases = smooth_noise((60, self.canvas.shape[1]), 5, self.rng)[30][None] + 0.6 * smooth_noise(
            self.canvas.shape, 6, self.rng
        )
        lower = np.clip((self.canvas.v - self.uv[14][1]) * 3, 0, 1)
        shade = (0.88 + 0.14 * lower)[..., None] * (1 + 0.05 * creases[..., None])
        self.lay(0.85 * red, tone * shade)
        self.height += red * 0.008 * creases
        self.gloss += red * (0.25 + 0.5 * self.look.shine) * (1 + 0.3 * creases)
        corners = self.uv[[61, 78, 191, 81, 13, 311, 415, 308, 291]]
        line = self.canvas.strokes([smooth_curve(corners, 60)], 0.09)
        self.darken(1.1 * self.canvas.blur(line, 0.03) + 0.35 * self.canvas.blur(line, 0.12), (0.8, 1.1, 1.1))
        rim = self.canvas.strokes([outline], 0.05)
        self.darken(-0.06 * self.canvas.blur(rim, 0.05))

    def stubble(self) -> None:
        """Paint short dark hairs and the grey of shaved skin on jaw, chin and upper lip."""
        if self.look.stubble <= 0:
            return
        jaw = self.canvas.area(smooth_curve(self.uv[JAW_OUTLINE], 100), 0.35)
        jaw *= 1 - self.canvas.area(self.uv[LIPS], 0.12)
        jaw *= np.clip((self.canvas.v - 4.4) / 1.2, 0, 1)
        self.lay(0.35 * self.look.stubble * jaw, np.asarray(self.look.tone) * [0.62, 0.62, 0.68])
        count = int(9000 * min(self.look.stubble, 1.2))
        place = np.stack([self.rng.uniform(-11, 11, count), self.rng.uniform(4.2, 11, count)], 1)
        place = place[self.canvas.read(jaw, place) > self.rng.uniform(0, 1, count)]
        lean = self.rng.normal([0, 0.10], [0.03, 0.04], place.shape) * (0.5 + self.look.stubble)
        hairs = self.canvas.strokes(list(np.stack([place, place + lean], 1)), 0.02)
        self.lay(0.75 * hairs, np.asarray(self.look.brows) * 0.8)

    def eyes(self) -> None:
        """Paint creases, lid shadow, liner, the wet rim and lashes."""
        look, canvas = self.look, self.canvas
        for left in (False, True):
            eye = self.ring(EYE, left)
            upper, lower = smooth_curve(eye[:9], 60), smooth_curve(np.concatenate([eye[8:], eye[:1]]), 60)
            crease = smooth_curve(self.ring([130, *UPPER_LID[1], 243], left) - [0, 0.05], 50)
            fold = canvas.blur(canvas.strokes([crease[4:-6]], 0.06), 0.04)
            self.darken(0.75 * fold + 0.3 * canvas.blur(canvas.strokes([crease], 0.1), 0.13))
            self.height -= 0.02 * fold
            if look.eyeshadow > 0:
                lid = canvas.area(
                    np.concatenate([upper, smooth_curve(self.ring(UPPER_LID[2], left), 40)[::-1]]), 0.14
                )
                self.lay(0.6 * look.eyeshadow * lid, look.shadow_colour)
            rim = canvas.strokes([lower], 0.10)
            self.lay(0.55 * canvas.blur(rim, 0.025), np.asarray(look.tone) * [0.95, 0.70, 0.66])
            self.gloss += 0.6 * rim
            self.lay(
                0.8 * canvas.blur(canvas.spot(eye[8], 0.12, 0.07), 0.02),
                np.asarray(look.tone) * [0.95, 0.62, 0.58],
            )
            line = canvas.strokes([upper[1:-2] - [0, 0.04]], 0.14 + 0.1 * look.eyeliner)
            dark = np.asarray(look.brows) * 0.45
            self.lay((0.7 + 0.3 * max(look.eyeliner, look.lashes * 0.6)) * canvas.blur(line, 0.02), dark)
            self.lay(
                0.35
                * (look.eyeliner + 0.4 * look.lashes)
                * canvas.blur(canvas.strokes([lower[6:-2]], 0.06), 0.03),
                dark,
            )
            outward = -1 if not left else 1
            hairs = []
            for t in np.linspace(0.02, 0.86, 34):
                fan = outward * (0.20 - 0.30 * t)
                lash = np.array([[0, 0.03], [fan * 0.4, -0.10], [fan, -0.26]]) * (0.6 + 0.6 * look.lashes)
                hairs.append(upper[int(t * 59)] + self.rng.normal(0, 0.012, 2) + lash)
            for t in np.linspace(0.15, 0.95, 22):
                lash = np.array([[0, 0.02], [outward * 0.12 * (t - 0.4), 0.13]]) * (0.4 + 0.5 * look.lashes)
                hairs.append(lower[int(t * 59)] + self.rng.normal(0, 0.01, 2) + lash)
            self.lay(0.7 * look.lashes * canvas.strokes(hairs, 0.022), dark)

    def brows(self) -> None:
        """Paint two brows hair by hair: upright near the nose, lying outwards along the arch."""
        look = self.look
        for left in (False, True):
            top = smooth_curve(self.ring(BROW_UPPER, left)[::-1], 60)
            low = smooth_curve(self.ring(BROW_LOWER, left)[::-1], 60)
            outward = 1 if left else -1
            middle, half = (top + low) / 2 + [0, 0.08], (low - top) / 2 * 0.72
            hairs = []
            for _ in range(int(420 * look.brow_weight)):
                t, side = self.rng.uniform(0, 1) ** 0.9, self.rng.uniform(-1, 1)
                root = middle[int(t * 59)] + half[int(t * 59)] * side * (1 - 0.75 * max(t - 0.55, 0) / 0.45)
                lie = np.interp(t, [0, 0.2, 0.6, 1], [70, 38, 8, -24]) + 18 * side * (t < 0.7)
                angle = np.radians(lie + self.rng.normal(0, 9))
                length = self.rng.uniform(0.25, 0.5) * np.interp(t, [0, 0.3, 1], [0.6, 1, 0.7])
                tip = root + length * np.array([outward * np.cos(angle), -np.sin(angle)])
                hairs.append(np.stack([root, (root + tip) / 2 + [0, 0.02], tip]))
            under = self.canvas.area(np.concatenate([middle - half * 0.7, (middle + half * 0.7)[::-1]]), 0.16)
            self.lay(
                0.45 * look.brow_weight * under, np.asarray(look.tone) * 0.35 + np.asarray(look.brows) * 0.65
            )
            drawn = self.canvas.strokes(hairs, 0.024)
            self.lay(0.85 * np.clip(drawn, 0, 1), np.asarray(look.brows))
            self.height += 0.01 * drawn
            self.gloss *= 1 - 0.6 * under
