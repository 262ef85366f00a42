"""Identities: procedural faces drawn from a seed, and faces of a head model of scans."""

from dataclasses import dataclass, replace

import numpy as np

from flow.splatting.camera import Camera
from flow.splatting.gaussians import Gaussians, cover_parts, project_gaussians
from flow.splatting.head import FaceState, Head
from flow.splatting.head_model import HeadModel
from flow.splatting.held_out import Split
from flow.splatting.lighting import Light, shade
from flow.splatting.paint import HeadColours, PaintedSurface, paint_gaussians
from flow.splatting.portrait_motion import FittedPortrait
from flow.splatting.portrait_skin import skin_colours
from flow.splatting.scanned_head import ScannedHead
from flow.splatting.skin import Complexion
from flow.splatting.surroundings import HeadStyle
from flow.splatting.template import EYE, IRIS, template

# Skin from very light to very dark, sRGB, to be interpolated; chosen by eye along the Fitzpatrick scale.
SKIN_TONES = np.array(
    [
        [0.94, 0.80, 0.72],
        [0.90, 0.74, 0.63],
        [0.83, 0.65, 0.53],
        [0.72, 0.53, 0.40],
        [0.55, 0.38, 0.28],
        [0.38, 0.26, 0.20],
    ]
)
HAIR_COLOURS = np.array(
    [[0.10, 0.08, 0.07], [0.20, 0.13, 0.09], [0.36, 0.24, 0.15], [0.62, 0.46, 0.28], [0.45, 0.20, 0.10]]
)
IRIS_COLOURS = np.array(
    [[0.22, 0.13, 0.08], [0.36, 0.24, 0.13], [0.38, 0.36, 0.20], [0.33, 0.45, 0.55], [0.45, 0.52, 0.55]]
)


@dataclass
class SplatFace:
    """An identity ready to be rendered: its meshes, its Gaussians and their surface.

    Attributes
    ----------
    lit : bool
        Whether shading is computed; False for portraits, whose colours contain the light.
    """

    head: Head | ScannedHead
    gaussians: Gaussians
    surface: PaintedSurface
    lit: bool = True

    def colours(self, normal: np.ndarray, tangents: np.ndarray, light: Light) -> np.ndarray:
        """Shade the Gaussians: sRGB (G, 3) from posed normals (G, 3) and tangents along u and v (G, 3, 2)."""
        if not self.lit:
            return self.surface.albedo
        bent = normal - np.einsum("gdk,gk->gd", tangents, self.surface.bump)
        bent /= np.linalg.norm(bent, axis=1, keepdims=True)
        return shade(self.surface.albedo, bent, self.surface.gloss, light)


def procedural_face(seed: int, gaussians: int = 20_000) -> SplatFace:
    """Draw a synthetic person, determined by seed and number of Gaussians."""
    rng = np.random.default_rng([seed, 1])
    complexion, colours, looks = _random_appearance(rng)
    head = Head(random_proportions(rng), looks)
    covered = cover_parts(head.parts, gaussians, seed)
    surface = paint_gaussians(covered, complexion, colours, rng)
    return SplatFace(head, covered, surface)


def scanned_face(
    seed: int,
    model: HeadModel,
    gaussians: int = 20_000,
    split: Split | None = "train",
    portrait: FittedPortrait | None = None,
) -> SplatFace:
    """Draw a person with a head and expressions from scans.

    Parameters
    ----------
    split : Split or None
        `train` excludes the expressions held out for measuring, None includes all.
    portrait : FittedPortrait or None
        Provides skin and proportions; by default the person is drawn and the skin painted.
    """
    rng = np.random.default_rng([seed, 6])
    complexion, colours, looks = _random_appearance(rng)
    head = ScannedHead(model, rng, looks, split, None if portrait is None else portrait.fit.identity)
    covered = cover_parts(head.parts, gaussians, seed)
    places = np.concatenate([*head.painted, *(part.uv for part in head.parts[head.n_scanned :])])
    corners = places[covered.triangle]
    sides = np.stack([corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]], axis=2)
    covered.uv = np.einsum("gk,gkd->gd", covered.place, corners)
    if portrait is not None:
        skin = skin_colours(portrait, head, covered)
        complexion = replace(complexion, tone=tuple(np.median(skin, axis=0)))
    surface = paint_gaussians(covered, complexion, colours, rng)
    # Convert the relief's slope from the template's axes to those of the mesh's texture.
    surface.bump = np.einsum("gij,gi->gj", sides @ covered.unmap, surface.bump)
    if portrait is None:
        return SplatFace(head, covered, surface)
    at_rest = project_gaussians(covered, head.vertices(FaceState()), Camera.framing(256, 256))
    surface.albedo = SplatFace(head, covered, surface).colours(at_rest.normal, at_rest.tangent, Light())
    surface.albedo[covered.of("skin")] = skin
    return SplatFace(head, covered, surface, lit=False)


def _random_appearance(rng: np.random.Generator) -> tuple[Complexion, HeadColours, HeadStyle]:
    """Draw the complexion, the colours and the style of a person."""
    tone_at = rng.uniform(0, len(SKIN_TONES) - 1)
    tone = _interpolate_rows(SKIN_TONES, tone_at) * rng.normal(1, 0.02, 3)
    dark = tone_at / (len(SKIN_TONES) - 1)
    hair = _interpolate_rows(
        HAIR_COLOURS, 0.0 if rng.uniform() < dark else rng.uniform(0, len(HAIR_COLOURS) - 1)
    ) * rng.uniform(0.7, 1.15)
    male, age = rng.uniform() < 0.5, rng.uniform(0, 1) ** 1.3
    made_up = rng.uniform() * (not male) * (rng.uniform() < 0.6)
    lips = (tone * [0.84, 0.60, 0.64] + [0, 0, 0.03]) * rng.normal(1, 0.04, 3)
    if made_up > 0.4:
        lips = 0.5 * lips + 0.5 * rng.uniform([0.5, 0.1, 0.15], [0.8, 0.35, 0.4])
    complexion = Complexion(
        tone=tuple(tone),
        redness=rng.uniform(0.1, 0.9) * (1 - 0.6 * dark),
        pores=rng.uniform(0.3, 1.2) * (1 - 0.4 * made_up),
        freckles=rng.uniform(0, 1) ** 2 * (1 - dark) ** 0.5,
        moles=int(rng.integers(0, 7)),
        age=age,
        lips=tuple(lips),
        brows=tuple(hair * 0.8),
        brow_weight=rng.uniform(0.5, 1.1) + 0.2 * male,
        lashes=rng.uniform(0.4, 0.7) + 0.3 * made_up,
        eyeliner=made_up * rng.uniform(),
        eyeshadow=made_up * rng.uniform(),
        shadow_colour=tuple(rng.uniform(0.25, 0.6, 3)),
        stubble=rng.uniform(0, 1) ** 1.5 * male,
        shine=rng.uniform(0.15, 0.9),
    )
    colours = _random_colours(rng, hair, dark, age, male)
    bald, long = male and rng.uniform() < 0.1, rng.uniform() < (0.15 if male else 0.75)
    looks = HeadStyle(
        hair=-1.0 if bald else rng.uniform(2, 14) if long else 0.0,
        lift=rng.uniform(0.3, 1.8),
        ears=rng.uniform(0.9, 1.15),
        neck=rng.uniform(4.5, 5.0) + 0.6 * male,
        glasses=rng.uniform(1.6, 2.3) if rng.uniform() < 0.25 else 0.0,
        glasses_round=rng.uniform(),
    )
    return complexion, colours, looks


def _random_colours(
    rng: np.random.Generator, hair: np.ndarray, dark: float, age: float, male: bool
) -> HeadColours:
    """Draw the colours of eyes, hair, clothes and glasses; `dark` is the skin's tone, 0..1."""
    return HeadColours(
        pupil=rng.uniform(0.15, 0.27),
        iris=tuple(
            _interpolate_rows(
                IRIS_COLOURS,
                0.4 * rng.uniform() if rng.uniform() < dark else rng.uniform(0, len(IRIS_COLOURS) - 1),
            )
        ),
        hair=tuple(hair),
        cloth=tuple(rng.uniform(0.1, 0.85, 3)),
        grey=max(0.0, age - 0.6) * rng.uniform(0, 1.6),
        glasses=tuple(rng.uniform(0.03, 0.35) * rng.uniform(0.6, 1, 3)),
        hair_end=rng.uniform(-0.2, 0.15),
        hairline=rng.uniform(0.5, 2.2) if rng.uniform() < 0.75 else -0.1,
        temples=rng.uniform(0.2, 1.8) * (0.4 + 0.6 * male),
        parting=rng.uniform(-1, 1),
    )


def _interpolate_rows(table: np.ndarray, at: float) -> np.ndarray:
    """Interpolate the rows of a table."""
    return np.array([np.interp(at, np.arange(len(table)), column) for column in table.T])


def random_proportions(rng: np.random.Generator) -> np.ndarray:
    """Draw a face (478, 3) cm: the mean face under the proportions in which faces differ most, and noise."""
    mesh = template()
    points = mesh.mean.copy()
    scale = 1 + rng.normal(0, [0.045, 0.05, 0.05])

    def region(centre: np.ndarray, width: float) -> np.ndarray:
        return np.exp(-0.5 * (((points - centre) / width) ** 2).sum(1))[:, None]

    bent = points.copy()
    for side in ("right", "left"):  # eyes: size, opening, slant
        ring = EYE if side == "right" else mesh.left_of(EYE)
        centre = points[ring].mean(0)
        near = region(centre, 1.5)
        if side == "right":
            size, opening, slant = rng.normal(1.04, 0.05), rng.uniform(1.15, 1.45), rng.normal(0, 0.06)
        sign = -1 if side == "right" else 1
        away = points - centre
        tilt = away[:, :1] * [0, -sign * slant, 0]
        bent += near * (away * [size - 1, size * opening - 1, 0] + tilt)
    nose, mouth, chin = points[4], (points[13] + points[14]) / 2, points[152]
    bent += region(nose, 1.7) * (points - nose) * rng.normal(0, [0.12, 0.06, 0.10])
    bent += region(nose, 1.6) * rng.normal(0, [0.0, 0.22, 0.25])
    lips = region(mouth, 1.8)
    bent += lips * (points - mouth) * rng.normal([0, 0.08, 0], [0.08, 0.14, 0.05])
    bent += lips * rng.normal(0, [0.0, 0.15, 0.12])
    bent += region(chin, 2.8) * rng.normal(0, [0.0, 0.45, 0.35])
    bent += region(chin, 3.0) * (points - chin) * rng.normal(0, [0.10, 0, 0])
    for cheek in (50, 280):
        if cheek == 50:
            full = rng.normal(0, [0.25, 0.15, 0.3])
        bent += region(points[cheek], 2.2) * full * ([1, 1, 1] if cheek == 50 else [-1, 1, 1])
    brow = rng.normal(0, [0, 0.18, 0.15])
    for middle in (105, 334):
        bent += region(points[middle], 1.7) * brow
    for _ in range(6):  # asymmetry
        centre = points[rng.integers(468)]
        bent += region(centre, rng.uniform(1.5, 4)) * rng.normal(0, 0.07, 3)
    bent *= scale
    return bent - (bent[IRIS["right"]] + bent[IRIS["left"]]) / 2
