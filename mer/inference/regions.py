"""What each part of the face did between onset and apex: its motion and its strain."""

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
    """Mean motion of each region, from that of its sites: (n, 17, 2) -> (n, 12, 2)."""
    sites = list(SITES)
    return np.stack(
        [displacement[:, [sites.index(site) for site in members]].mean(1) for members in REGIONS.values()],
        axis=1,
    )


@dataclass(frozen=True)
class Region:
    """One region. right_px, down_px : its mean motion, head taken out, px of the aligned face; motion : its
    length, per cent of the inter-ocular distance; strain : its mean magnitude, per cent; share : of the
    decision, see `attribution`
    """

    name: str
    right_px: float
    down_px: float
    motion: float
    strain: float
    share: float | None = None

    def to_dict(self) -> dict:
        return asdict(self)


def weights(landmarks: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """How much each pixel belongs to each region: (regions, H, W) float32, Gaussian bumps about the sites, at
    most 1.

    landmarks : (478, 2) px; a site reaches as far as `SITES` says
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


def partition(landmarks: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The face cut softly into its regions: (regions, H, W) float32 that sum to 1 in the face and fade out
    around it.
    """
    bumps = weights(landmarks, shape)
    sharp = bumps**2 + 1e-12
    return sharp / sharp.sum(0) * np.clip(bumps.max(0) / 0.05, 0, 1)


def measure(own: np.ndarray, landmarks: np.ndarray) -> list[Region]:
    """Every region of the face, from its own flow (H, W, 2) px without the head's motion and landmarks (478,
    2) px.
    """
    stretched = strain(own).magnitude
    found = []
    for name, near in zip(NAMES, weights(landmarks, own.shape[:2])):
        near = np.where(near > 0.3, near, 0)
        u, v = (own * near[..., None]).sum((0, 1)) / near.sum()
        motion = float(np.hypot(u, v) / interocular(landmarks) * 100)
        found.append(
            Region(name, float(u), float(v), motion, float((stretched * near).sum() / near.sum() * 100))
        )
    return found
