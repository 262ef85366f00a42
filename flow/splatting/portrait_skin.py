"""A portrait's skin on a head of scans: each Gaussian takes its colour from the picture.

Occluded skin, from the sides of the nose to behind the ears, takes the colour of the nearest visible skin.
The colours contain the light, so such a face is not shaded again.
"""

from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import cKDTree

from data_prep.frames import read_image
from data_prep.landmarks import FACE_OVAL, LEFT_EYE, RIGHT_EYE, FaceMesh
from flow.splatting.dense_motion import rasterize
from flow.splatting.gaussians import Gaussians
from flow.splatting.head_fit import fit_head
from flow.splatting.head_model import HeadModel
from flow.splatting.held_out import in_split
from flow.splatting.mesh import vertex_normals
from flow.splatting.noise import sample_picture
from flow.splatting.portrait_motion import INNER_LIPS, FittedPortrait
from flow.splatting.scanned_head import ScannedHead
from mer_core.errors import NotFound

OCCLUSION_STEP_CM = 0.6  # a point that lies this far behind the visible surface is occluded
MIN_FACING_COSINE = 0.3  # between normal and line of sight; below it colours are smeared


def draw_portrait(folder: Path, model: HeadModel, rng: np.random.Generator) -> FittedPortrait:
    """Draw one of the portraits in `folder` that training may use, and fit the head model.

    Raises
    ------
    BadInput
        If none of them shows a face.
    """
    names = in_split("portrait", sorted(path.name for path in folder.glob("*.jpg")), "train")
    with FaceMesh() as mesh:
        for name in rng.permutation(names):
            picture = read_image(folder / name)
            landmarks = mesh.landmarks(picture)
            if landmarks is not None:
                return FittedPortrait(str(name), picture, landmarks, fit_head(model, landmarks))
    raise NotFound(f"{folder} holds no portrait with a face for training. It should hold *.jpg.")


def skin_colours(face: FittedPortrait, head: ScannedHead, gaussians: Gaussians) -> np.ndarray:
    """Return the colours (S, 3) sRGB 0..1 of the skin's Gaussians from the fitted portrait."""
    is_skin = gaussians.of("skin")
    source = head.sources[0]  # the skin is the first part, and its vertices come first
    corners, place = source[gaussians.triangle[is_skin]], gaussians.place[is_skin]
    at = np.einsum("gk,gkd->gd", place, face.fit.places[corners].astype(float))
    depth = np.einsum("gk,gk->g", place, face.fit.depth[corners])
    normals = vertex_normals(head.parts[0].vertices, head.parts[0].triangles)
    facing = -np.einsum("gk,gk->g", place, normals[gaussians.triangle[is_skin]][..., 2])

    picture = face.picture.astype(np.float32) / 255
    shape = len(picture), len(picture[0])
    seen, covered = rasterize(
        face.fit.places, face.fit.depth, face.fit.depth[:, None], head.model.skin_triangles, shape
    )
    face_mask = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(face_mask, cv2.convexHull(face.landmarks[list(FACE_OVAL)].round().astype(np.int32)), 1)
    for rim in (LEFT_EYE, RIGHT_EYE, INNER_LIPS):
        cv2.fillPoly(face_mask, [face.landmarks[list(rim)].round().astype(np.int32)], 0)
    column, row = (np.clip(np.rint(at[:, k]), 0, shape[1 - k] - 1).astype(int) for k in range(2))
    known = (face_mask & covered).astype(bool)[row, column]
    known &= (depth > seen[row, column, 0] - OCCLUSION_STEP_CM) & (facing > MIN_FACING_COSINE)

    colours = sample_picture(picture, at[:, 0], at[:, 1])
    centres = np.einsum("gk,gkd->gd", place, head.parts[0].vertices[gaussians.triangle[is_skin]])
    nearest = cKDTree(centres[known]).query(centres[~known], 12)[1]
    colours[~known] = colours[known][nearest].mean(axis=1)
    return np.clip(colours, 0, 1)
