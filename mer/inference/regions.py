"""Motion and strain of each region of the face between onset and apex."""

from dataclasses import asdict, dataclass

import numpy as np

from data_prep.face_regions import SITES
from data_prep.landmarks import interocular
from flow.strain import strain

# Region -> sites of data_prep/face_regions.py. `right` and `left` are the person's own.
REGIONS: dict[str, tuple[str, ...]] = {
    **{
        f"{part} {side}": tuple(f"{site}_{side}" for site in sites)
        for part, sites in {
            "brow": ("inner_brow", "outer_brow"),
            "lids": ("upper_lid", "lower_lid"),
            "cheek": ("cheek",),
            "nose": ("nose_wing",),
            "lip corner": ("lip_corner",),
        }.items()
        for side in ("right", "left")
    },
    "lips": ("upper_lip", "lower_lip"),
    "chin": ("chin",),
}
NAMES = tuple(REGIONS)


def region_motion(displacement: np.ndarray) -> np.ndarray:
    """Average the motion of sites over regions: (n, 17, 2) -> (n, 12, 2)."""
    sites = list(SITES)
    return np.stack(
        [displacement[:, [sites.index(site) for site in members]].mean(1) for members in REGIONS.values()],
        axis=1,
    )


@dataclass(frozen=True)
class Region:
    """One region between onset and apex."""

    name: str
    right_px: float  # mean motion without the head's, px of the aligned face
    down_px: float
    motion: float  # its length, per cent of the inter-ocular distance
    strain: float  # mean magnitude, per cent
    decision: float | None = None  # fraction of the decision, see `attribution`

    def to_dict(self) -> dict:
        return asdict(self)


def region_weights(landmarks: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return how much each pixel belongs to each region, (regions, H, W) float32 0..1.

    Each region is the maximum of Gaussians around its sites, whose widths `SITES` gives.

    Parameters
    ----------
    landmarks : (478, 2) px
    shape : (int, int)
        Height and width, px.
    """
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    unit = interocular(landmarks)
    maps = []
    for sites in REGIONS.values():
        bumps = [
            np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * (reach * unit) ** 2))
            for points, reach in (SITES[site] for site in sites)
            for cx, cy in [landmarks[list(points)].mean(0)]
        ]
        maps.append(np.max(bumps, axis=0))
    return np.stack(maps).astype(np.float32)


def partition_face(landmarks: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return soft masks of the regions, (regions, H, W) float32.

    They sum to 1 in the face and fade out around it. Parameters as in `region_weights`.
    """
    bumps = region_weights(landmarks, shape)
    sharp = bumps**2 + 1e-12
    return sharp / sharp.sum(0) * np.clip(bumps.max(0) / 0.05, 0, 1)


def measure_regions(facial_flow: np.ndarray, landmarks: np.ndarray) -> list[Region]:
    """Measure every region of the face.

    Parameters
    ----------
    facial_flow : (H, W, 2) px
        Flow without the head's motion.
    landmarks : (478, 2) px
    """
    strain_map = strain(facial_flow).magnitude
    regions = []
    for name, weight in zip(NAMES, region_weights(landmarks, facial_flow.shape[:2])):
        weight = np.where(weight > 0.3, weight, 0)
        u, v = (facial_flow * weight[..., None]).sum((0, 1)) / weight.sum()
        motion = float(np.hypot(u, v) / interocular(landmarks) * 100)
        mean_strain = float((strain_map * weight).sum() / weight.sum() * 100)
        regions.append(Region(name, float(u), float(v), motion, mean_strain))
    return regions
