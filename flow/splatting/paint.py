"""Colour, relief and gloss of every Gaussian of a head: painted skin, and plain recipes for other parts."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from flow.splatting.gaussians import Gaussians
from flow.splatting.noise import octave_noise, sample_picture, smooth_noise
from flow.splatting.skin import Complexion, paint_skin


@dataclass(frozen=True)
class HeadColours:
    """Colours, sRGB 0..1, of everything but the skin, and the extent of the hair.

    Attributes
    ----------
    pupil : float
        Radius, cm.
    hair_end : float
        Height at which short hair ends at the sides, -1 the crown to 1 below.
    hairline, temples : float
        Distance by which hair recedes in the middle and at the temples, cm.
    parting : float
        -1..1 from right to left.
    grey : float
        0..1.
    """

    iris: tuple[float, float, float] = (0.35, 0.24, 0.14)
    pupil: float = 0.2
    hair: tuple[float, float, float] = (0.22, 0.15, 0.10)
    hair_end: float = -0.1
    hairline: float = 1.0
    temples: float = 0.5
    parting: float = 0.3
    cloth: tuple[float, float, float] = (0.35, 0.40, 0.50)
    glasses: tuple[float, float, float] = (0.08, 0.07, 0.07)
    grey: float = 0.0


@dataclass
class PaintedSurface:
    """Painted surface of all Gaussians.

    Attributes
    ----------
    albedo : (G, 3) sRGB
    bump : (G, 2) slope of the relief along u and v
    gloss : (G,)
    """

    albedo: np.ndarray
    bump: np.ndarray
    gloss: np.ndarray


def paint_gaussians(
    gaussians: Gaussians, complexion: Complexion, colours: HeadColours, rng: np.random.Generator
) -> PaintedSurface:
    """Paint all Gaussians; hair is cut to shape by zero opacity (in place)."""
    count = len(gaussians)
    surface = PaintedSurface(np.full((count, 3), 0.5), np.zeros((count, 2)), np.zeros(count))
    brush = _HeadPainter(complexion, colours, rng)
    for number, name in enumerate(gaussians.names):
        is_part = gaussians.part == number
        if name == "skin":
            width = float(np.median(gaussians.sigma[is_part]))
            albedo, skin_gloss, surface.bump[is_part] = brush.skin(gaussians.uv[is_part], width)
            gloss: np.ndarray | float = skin_gloss
        else:
            albedo, gloss, keep = brush.part(name, *gaussians.uv[is_part].T)
            gaussians.opacity[is_part] = np.where(keep, gaussians.opacity[is_part], 0)
        surface.albedo[is_part], surface.gloss[is_part] = np.clip(albedo, 0.005, 1), gloss
    return surface


class _HeadPainter:
    """Paints each kind of part at points u, v (N,) cm, with one person's colours and noise."""

    def __init__(self, complexion: Complexion, colours: HeadColours, rng: np.random.Generator) -> None:
        self.complexion, self.colours, self.rng = complexion, colours, rng
        self.tone = np.asarray(complexion.tone)
        self.noise, self.fine, self.strands = (
            octave_noise((512, 512), 24, rng),
            smooth_noise((512, 512), 3, rng),
            _strand_noise(rng),
        )
        self.fibres = smooth_noise((64, 512), 6, rng)
        self.painted = paint_skin(complexion, rng)

    def part(
        self, name: str, u: np.ndarray, v: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | float, np.ndarray | bool]:
        """Return albedo (N, 3), gloss and visibility of a part, by the first word of its name."""
        kind, _, side = name.partition(" ")
        if kind in ("hair", "long"):
            return self.hair(u, v) if kind == "hair" else self.long_hair(u, v)
        if kind == "ear":
            return (
                self.bare(u, v) * _ear_shade(u * (1 if side == "left" else -1) / 1.35, v / 3.1),
                self.oil,
                True,
            )
        if kind == "teeth":
            return _teeth_colours(u, v, side == "lower"), 0.5, True
        plain: dict[str, Any] = dict(
            scalp=self.scalp,
            neck=self.neck,
            eye=self.eye,
            socket=self.socket,
            mouth=self.mouth,
            clothes=self.clothes,
        )
        albedo, gloss = plain.get(kind, self.frame)(u, v)
        return albedo, gloss, True

    @property
    def oil(self) -> float:
        return 0.2 * self.complexion.shine

    def grain(self, u: np.ndarray, v: np.ndarray, scale: float = 20.0) -> np.ndarray:
        return sample_picture(self.noise, u * scale + 256, v * scale + 256)

    def bare(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return plain mottled skin."""
        mottle = 0.04 * self.grain(u, v) + 0.02 * sample_picture(self.fine, u * 30 + 256, v * 30 + 256)
        return self.tone * np.exp(-mottle[:, None])

    def skin(self, uv: np.ndarray, spread: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return albedo, gloss and slope of the painted face at uv (N, 2), for Gaussians `spread` cm wide."""
        canvas = self.painted.canvas
        slopes = [canvas.read(s, uv) for s in _relief_slopes(canvas, self.painted.height, spread)]
        albedo = canvas.read(_sharpen(canvas, self.painted.albedo, spread), uv)
        return albedo, canvas.read(self.painted.gloss, uv), np.stack(slopes, 1)

    def scalp(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, float]:
        below = np.clip(np.sin(np.arctan2(v, u)), 0, 1) * np.clip((np.hypot(u, v) - 9) / 4, 0, 1)
        return self.bare(u, v) * np.exp(-0.5 * below[:, None]), self.oil

    def neck(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, float]:
        """Return skin in the chin's shadow, with two creases."""
        shade = np.clip((13.5 - v) / 4.5, 0, 1)[:, None] * [0.35, 0.5, 0.55]
        bend = v - 0.02 * u**2
        creases = np.exp(-(((bend - 13.2) / 0.07) ** 2)) + np.exp(-(((bend - 15.4) / 0.06) ** 2))
        return self.bare(u, v) * np.exp(-shade) * (1 - 0.12 * creases[:, None]), self.oil

    def eye(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return sclera, limbus, iris and pupil of an eyeball seen along its axis, under the lid's shadow."""
        radius, size, pupil = np.hypot(u, v), 0.59, self.colours.pupil
        white = np.array([0.90, 0.87, 0.84]) * np.exp(
            -0.30 * np.clip(np.abs(u) - 0.6, 0, 1)[:, None] * [0.3, 1.0, 0.9]
        )
        fibres = 0.22 * sample_picture(self.fibres, (np.arctan2(v, u) / np.pi + 1) * 255, 32 + radius * 10)
        collarette = 0.5 * np.exp(-(((radius - pupil - 0.07) / 0.07) ** 2))
        iris = np.asarray(self.colours.iris) * (1 + fibres + collarette)[:, None]
        iris = iris * (1 - 0.65 * np.clip((radius - size + 0.13) / 0.13, 0, 1)[:, None])
        edge = np.clip((radius - size) / 0.05, 0, 1)[:, None]
        hole = np.clip((radius - pupil) / 0.04, 0, 1)[:, None]
        albedo = (iris * (1 - edge) + white * edge) * hole + 0.015 * (1 - hole)
        lid = np.clip((-v - 0.08) / 0.32, 0, 1)[:, None]
        return albedo * (1 - 0.45 * lid), np.where(radius < 0.75, 3.0, 0.4)

    def socket(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, float]:
        return self.tone * [0.80, 0.52, 0.50] * np.exp(-0.6 * (1.4 - np.hypot(u, v)))[:, None], 0.5

    def mouth(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, float]:
        deep = np.clip((3.2 - np.hypot(u, v / 0.6)) / 1.6, 0, 1)[:, None]
        return np.array([0.45, 0.20, 0.19]) * (1 - 0.88 * deep), 0.0

    def clothes(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, float]:
        weave = 0.05 * sample_picture(self.fine, u * 14 + 256, v * 14 + 256) + 0.08 * self.grain(u, v)
        folds = 0.18 * sample_picture(self.noise, u * 4 + 100, v * 2.2 + 300)
        return np.asarray(self.colours.cloth) * np.exp(weave + folds)[:, None], 0.0

    def frame(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, float]:
        """Return glasses; also the sheet around a portrait before the photograph colours it."""
        return np.asarray(self.colours.glasses) * np.exp(0.1 * self.grain(u, v))[:, None], 0.9

    def hair(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return a cap of hair with a parting, cut along a ragged hairline and above the ears."""
        colours = self.colours
        across, along = np.arctan2(v, u), np.hypot(u, v)
        column = (across / np.pi + 1) * 511
        bins = np.linspace(-np.pi, np.pi, 73)
        front = np.array([along[np.abs(across - b) < 0.1].min(initial=20.0) for b in bins])
        top = np.abs(across + np.pi / 2) / np.radians(52)  # 0 over the nose, 1 at the temples
        line = colours.hairline * np.exp(-((top / 0.75) ** 2))
        line = line + colours.temples * np.exp(-(((top - 0.95) / 0.35) ** 2))
        ragged = 0.06 * sample_picture(self.strands, column, 0 * along + 200) + self.rng.uniform(
            -0.3, 0.3, len(u)
        )
        begin = np.interp(across, bins, front) + line + ragged
        low = np.sin(across) + 0.06 * sample_picture(self.strands, column, along * 40 + 100)
        root = np.exp(-np.clip(along - begin, 0, 9) / 0.5)
        parted = np.exp(-(((u - 4 * colours.parting) / 0.12) ** 2)) * (v < 0) * (colours.hairline > 0)
        albedo, gloss = self.combed(sample_picture(self.strands, column, along * 11))
        return (
            albedo * (1 - 0.35 * root - 0.45 * parted)[:, None],
            gloss,
            (low < colours.hair_end) & (along > begin),
        )

    def long_hair(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return a curtain of hair with ragged ends."""
        keep = v < v.max(initial=0) - 1.5 * self.rng.uniform(0, 1, len(u)) ** 2
        return *self.combed(sample_picture(self.strands, (u * 24) % 1023, v * 14)), keep

    def combed(self, strand: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return albedo and gloss of hair whose strands vary by `strand` (N,)."""
        tone = np.asarray(self.colours.hair) * (1 - self.colours.grey) + 0.55 * self.colours.grey
        return tone * np.exp(0.30 * strand)[:, None], 0.3 + 0.1 * strand


def _sharpen(canvas, picture: np.ndarray, spread: float) -> np.ndarray:
    """Sharpen a painting against the blur of Gaussians of deviation `spread` cm."""
    soft = canvas.blur(picture, 0.45 * spread)
    return np.clip(soft + 0.9 * (soft - canvas.blur(soft, spread)), 0.01, 1)


def _relief_slopes(canvas, height: np.ndarray, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the slopes of a relief along u and v, cm per cm, low-passed for Gaussians of `spread` cm."""
    relief = canvas.blur(height, 0.4 * spread)
    down, right = np.gradient(relief, 1 / canvas.scale)
    return right, down


def _ear_shade(across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Return the shade of an ear (N, 3): concha, groove under the helix, and the bright fold between them."""
    radius = np.hypot(across, down)
    concha = 0.75 * np.exp(-(((across + 0.3) / 0.28) ** 2) - ((down - 0.15) / 0.38) ** 2)
    groove = 0.45 * np.exp(-(((radius - 0.76) / 0.06) ** 2)) * np.clip(1.2 - 1.6 * down, 0, 1)
    fold = 0.12 * np.exp(-(((radius - 0.5) / 0.12) ** 2)) * (across > -0.2)
    return np.exp(-(concha + groove - fold)[:, None] * [0.6, 1.0, 1.0]) * [1.0, 0.93, 0.92]


def _teeth_colours(u: np.ndarray, v: np.ndarray, lower: bool) -> np.ndarray:
    """Return a row of teeth with gums: u cm along the arch, v cm down."""
    width = 0.62 if lower else np.where(np.abs(u) < 0.9, 0.86, 0.72)
    gap = np.abs((u / width + (0.5 if lower else 0.0) + 0.5) % 1 - 0.5) * width
    tooth = np.array([0.93, 0.89, 0.80]) * np.clip(0.78 + 1.6 * np.minimum(gap, 0.14), 0, 1)[:, None]
    tooth = tooth * np.clip(1.08 - 0.11 * np.abs(u), 0.3, 1)[:, None]
    gum = (
        np.clip((v - 0.75) * 6, 0, 1)
        if lower
        else np.clip((-0.62 - v + 0.06 * np.cos(u * 2 * np.pi / 0.8)) * 6, 0, 1)
    )
    return tooth * (1 - gum[:, None]) + np.array([0.62, 0.33, 0.33]) * gum[:, None]


def _strand_noise(rng: np.random.Generator) -> np.ndarray:
    """Return strand noise (512, 1024) of deviation 1: long along rows, thin across columns."""
    import cv2

    layers = ((5, 2.5, 1.0), (12, 5.0, 0.8), (30, 2.0, 0.5), (4, 16.0, 0.7))  # rows, width px, strength
    total = sum(
        a * cv2.resize(smooth_noise((rows, 1024), w, rng), (1024, 512), interpolation=cv2.INTER_CUBIC)
        for rows, w, a in layers
    )
    return (total / total.std()).astype(np.float32)
