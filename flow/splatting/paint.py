"""Colour, relief and gloss of every Gaussian of a head: the painted skin, and plain recipes for the other parts."""

from dataclasses import dataclass

import numpy as np

from flow.splatting.gaussians import Gaussians
from flow.splatting.noise import octaves, sample, smooth
from flow.splatting.skin import Complexion, paint


@dataclass(frozen=True)
class Colours:
    """Colours, sRGB 0..1, of what is not skin, and where hair begins and ends.

    hair_end : height at which short hair ends at the sides, -1 the crown ... 1 below; grey : 0..1
    hairline, temples : cm by which it recedes in the middle and at the temples; parting : -1..1 from right to left
    """

    iris: tuple[float, float, float] = (0.35, 0.24, 0.14)
    hair: tuple[float, float, float] = (0.22, 0.15, 0.10)
    hair_end: float = -0.1
    hairline: float = 1.0
    temples: float = 0.5
    parting: float = 0.3
    cloth: tuple[float, float, float] = (0.35, 0.40, 0.50)
    glasses: tuple[float, float, float] = (0.08, 0.07, 0.07)
    grey: float = 0.0


@dataclass
class Surface:
    """albedo : (G, 3) sRGB; bump : (G, 2) slope of the relief along u and v; gloss : (G,)."""

    albedo: np.ndarray
    bump: np.ndarray
    gloss: np.ndarray


def cover_with_paint(
    gaussians: Gaussians, complexion: Complexion, colours: Colours, rng: np.random.Generator
) -> Surface:
    """Paint all Gaussians; thins out the opacity of hair along its edges (in place)."""
    count = len(gaussians)
    surface = Surface(np.full((count, 3), 0.5), np.zeros((count, 2)), np.zeros(count))
    noise = octaves((512, 512), 24, rng)
    fine = smooth((512, 512), 3, rng)
    strands = _strands(rng)
    skin = paint(complexion, rng)
    for number, name in enumerate(gaussians.names):
        mine = gaussians.part == number
        uv = gaussians.uv[mine]
        u, v = uv.T
        grain = sample(noise, u * 20 + 256, v * 20 + 256)
        albedo, gloss = None, np.zeros(len(uv))
        if name == "skin":
            spread = max(float(np.median(gaussians.sigma[mine])), 0.01)
            albedo = skin.canvas.read(_crisp(skin.canvas, skin.albedo, spread), uv)
            slope = [skin.canvas.read(s, uv) for s in _slopes(skin.canvas, skin.height, spread)]
            surface.bump[mine] = np.stack(slope, 1)
            gloss = skin.canvas.read(skin.gloss, uv)
        elif name == "scalp" or name.startswith("ear") or name == "neck":
            albedo = np.asarray(complexion.tone) * np.exp(
                -(0.04 * grain + 0.02 * sample(fine, u * 30 + 256, v * 30 + 256))[:, None]
            )
            gloss += 0.2 * complexion.shine
            if name == "neck":  # the chin's shade
                albedo = albedo * np.exp(-np.clip((13.5 - v) / 4.5, 0, 1)[:, None] * [0.35, 0.5, 0.55])
                lines = np.exp(-(((v - 13.2 - 0.02 * u**2) / 0.07) ** 2)) + np.exp(
                    -(((v - 15.4 - 0.02 * u**2) / 0.06) ** 2)
                )
                albedo = albedo * (1 - 0.12 * lines[:, None])
            elif name.startswith("ear"):
                albedo = albedo * _ear(u * (1 if "left" in name else -1) / 1.35, v / 3.1)
            elif name == "scalp":
                under = np.clip(np.sin(np.arctan2(v, u)), 0, 1)
                albedo = albedo * np.exp(-0.5 * under[:, None] * np.clip((np.hypot(u, v) - 9) / 4, 0, 1)[:, None])
        elif name.startswith("eye "):
            albedo = _iris(u, v, np.asarray(colours.iris), rng)
            gloss += np.where(np.hypot(u, v) < 0.75, 3.0, 0.4)
        elif name.startswith("socket"):
            albedo = np.asarray(complexion.tone) * [0.80, 0.52, 0.50] * np.exp(-0.6 * (1.4 - np.hypot(u, v)))[:, None]
            gloss += 0.5
        elif name == "mouth":
            deep = np.clip((3.2 - np.hypot(u, v / 0.6)) / 1.6, 0, 1)[:, None]
            albedo = np.array([0.45, 0.20, 0.19]) * (1 - 0.88 * deep)
        elif name.startswith("teeth"):
            albedo, gloss = _teeth(u, v, "lower" in name), gloss + 0.5
        elif name in ("hair", "long hair"):
            albedo, gloss = _hair(gaussians, mine, name, colours, strands, rng)
        elif name == "clothes":
            weave = 0.05 * sample(fine, u * 14 + 256, v * 14 + 256) + 0.08 * grain
            folds = 0.18 * sample(noise, u * 4 + 100, v * 2.2 + 300)
            albedo = np.asarray(colours.cloth) * np.exp(weave + folds)[:, None]
        else:  # glasses
            albedo = np.asarray(colours.glasses) * np.exp(0.1 * grain)[:, None]
            gloss += 0.9
        surface.albedo[mine], surface.gloss[mine] = np.clip(albedo, 0.005, 1), np.clip(gloss, 0, 3)
    return surface


def _crisp(canvas, picture: np.ndarray, spread: float) -> np.ndarray:
    """Sharpen a painting against the blur that Gaussians of deviation `spread` cm will add."""
    soft = canvas.blur(picture, 0.45 * spread)
    return np.clip(soft + 0.9 * (soft - canvas.blur(soft, spread)), 0.01, 1)


def _slopes(canvas, height: np.ndarray, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Slope of a relief along u and v, cm per cm, smoothed to what Gaussians of deviation `spread` cm can carry."""
    relief = canvas.blur(height, 0.4 * spread)
    down, right = np.gradient(relief, 1 / canvas.scale)
    return right, down


def _ear(across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Shade of an ear (N, 3): the concha before its middle, the groove under the helix, the light fold between them."""
    radius = np.hypot(across, down)
    concha = 0.75 * np.exp(-(((across + 0.3) / 0.28) ** 2) - ((down - 0.15) / 0.38) ** 2)
    groove = 0.45 * np.exp(-(((radius - 0.76) / 0.06) ** 2)) * np.clip(1.2 - 1.6 * down, 0, 1)
    fold = 0.12 * np.exp(-(((radius - 0.5) / 0.12) ** 2)) * (across > -0.2)
    return np.exp(-(concha + groove - fold)[:, None] * [0.6, 1.0, 1.0]) * [1.0, 0.93, 0.92]


def _iris(u: np.ndarray, v: np.ndarray, tone: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sclera, limbus, iris with radial fibres, pupil, on an eyeball seen along its axis; u, v cm from the pupil."""
    radius, angle = np.hypot(u, v), np.arctan2(v, u)
    size, pupil = 0.59, rng.uniform(0.15, 0.27)
    white = np.array([0.90, 0.87, 0.84]) * np.exp(-0.30 * np.clip(np.abs(u) - 0.6, 0, 1)[:, None] * [0.3, 1.0, 0.9])
    fibres = sample(smooth((64, 512), 6, rng), (angle / np.pi + 1) * 255, 32 + radius * 10)
    iris = tone * (1 + 0.22 * fibres + 0.5 * np.exp(-(((radius - pupil - 0.07) / 0.07) ** 2)))[:, None]
    ring = np.clip((radius - size + 0.13) / 0.13, 0, 1)[:, None]
    iris = iris * (1 - 0.65 * ring)
    edge = np.clip((radius - size) / 0.05, 0, 1)[:, None]
    albedo = iris * (1 - edge) + white * edge
    hole = np.clip((radius - pupil) / 0.04, 0, 1)[:, None]
    albedo = albedo * hole + 0.015 * (1 - hole)
    lid = np.clip((-v - 0.08) / 0.32, 0, 1)[:, None]  # the upper lid and its lashes shade the eye
    return albedo * (1 - 0.45 * lid)


def _teeth(u: np.ndarray, v: np.ndarray, lower: bool) -> np.ndarray:
    """A row of teeth with gums: u cm along the arch, v cm down."""
    width = 0.62 if lower else np.where(np.abs(u) < 0.9, 0.86, 0.72)
    gap = np.abs((u / width + (0.5 if lower else 0.0) + 0.5) % 1 - 0.5) * width
    tooth = np.array([0.93, 0.89, 0.80]) * np.clip(0.78 + 1.6 * np.minimum(gap, 0.14), 0, 1)[:, None]
    tooth = tooth * np.clip(1.08 - 0.11 * np.abs(u), 0.3, 1)[:, None]
    gum = (
        np.clip((v - 0.75) * 6, 0, 1) if lower else np.clip((-0.62 - v + 0.06 * np.cos(u * 2 * np.pi / 0.8)) * 6, 0, 1)
    )
    return tooth * (1 - gum[:, None]) + np.array([0.62, 0.33, 0.33]) * gum[:, None]


def _strands(rng: np.random.Generator) -> np.ndarray:
    """Strand noise (512, 1024) of deviation 1: long down the rows, thin across the columns."""
    import cv2

    layers = ((5, 2.5, 1.0), (12, 5.0, 0.8), (30, 2.0, 0.5), (4, 16.0, 0.7))  # rows, width px, strength
    total = sum(
        a * cv2.resize(smooth((rows, 1024), w, rng), (1024, 512), interpolation=cv2.INTER_CUBIC)
        for rows, w, a in layers
    )
    return (total / total.std()).astype(np.float32)


def _hair(
    gaussians: Gaussians, mine: np.ndarray, name: str, colours: Colours, strands: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Colour and gloss of hair along its strands; cuts the cap's edge below the temples."""
    u, v = gaussians.uv[mine].T
    if name == "hair":
        across, along = np.arctan2(v, u), np.hypot(u, v)
        comb = sample(strands, (across / np.pi + 1) * 511, along * 11)
        bins = np.linspace(-np.pi, np.pi, 73)
        front = np.array([along[np.abs(across - b) < 0.1].min(initial=20.0) for b in bins])
        top = np.abs(across + np.pi / 2) / np.radians(52)  # 0 over the nose, 1 at the temples
        line = colours.hairline * np.exp(-((top / 0.75) ** 2)) + colours.temples * np.exp(-(((top - 0.95) / 0.35) ** 2))
        ragged = 0.06 * sample(strands, (across / np.pi + 1) * 511, 0 * along + 200) + rng.uniform(-0.3, 0.3, len(u))
        begin = np.interp(across, bins, front) + line + ragged
        low = np.sin(across) + 0.06 * sample(strands, (across / np.pi + 1) * 511, along * 40 + 100)
        keep = (low < colours.hair_end) & (along > begin)
        root = np.exp(-np.clip(along - begin, 0, 9) / 0.5)
        parted = np.exp(-(((u - 4 * colours.parting) / 0.12) ** 2)) * (v < 0) * (colours.hairline > 0)
        shadow = 1 - 0.35 * root - 0.45 * parted
    else:
        comb = sample(strands, (u * 24) % 1023, v * 14)
        keep = v < v.max() - 1.5 * rng.uniform(0, 1, len(u)) ** 2
        shadow = 1.0
    gaussians.opacity[mine] = np.where(keep, gaussians.opacity[mine], 0)
    tone = np.asarray(colours.hair) * (1 - colours.grey) + 0.55 * colours.grey
    return tone * (np.exp(0.30 * comb) * shadow)[:, None], 0.3 + 0.1 * comb
