"""A head model of the same form as the scans', made of a dome and a few bumps: enough for tests, nobody's
face."""

from pathlib import Path

import numpy as np

from flow.splatting.head_fit import MEDIAPIPE_LANDMARKS
from flow.splatting.head_model import LANDMARK_VERTICES, N_VERTICES, REGIONS
from flow.splatting.template import template

SIDE = 97  # vertices along each edge of the face's grid: 97 x 97 is the number of its vertices
BUMPS = {  # expression -> landmarks of Multi-PIE whose vertices it moves, and how far in cm
    "browInnerUp_L": (22, (0, 0.6, 0.1)),
    "browInnerUp_R": (21, (0, 0.6, 0.1)),
    "mouthSmile_L": (54, (0.8, 0.7, -0.3)),
    "mouthSmile_R": (48, (-0.8, 0.7, -0.3)),
    "jawOpen": (8, (0, -1.5, -0.3)),
    "eyeLookUp_L": (44, (0, 0.05, 0)),
    "browOuterUp_L": (25, (0, 0.6, 0)),  # from here on held out
    "browOuterUp_R": (18, (0, 0.6, 0)),
    "jawLeft": (8, (0.9, 0, 0)),
    "jawRight": (8, (-0.9, 0, 0)),
}


def write_head_model(path: Path) -> Path:
    """Write a head model to `path`: the face is a dome on which the landmarks lie as on the mean face."""
    faces = REGIONS["face"][1]
    x, y = np.meshgrid(np.linspace(-9, 9, SIDE), np.linspace(-10, 10, SIDE))
    dome = np.column_stack([x.ravel(), y.ravel(), 10 - 0.05 * x.ravel() ** 2 - 0.03 * y.ravel() ** 2])
    marks = template().mean[MEDIAPIPE_LANDMARKS] * [1, -1, 1]  # the engine's y points down
    at = np.array([np.abs(dome[:, :2] - mark[:2]).sum(axis=1).argsort() for mark in marks])
    taken: list[int] = []
    for order in at:  # each landmark has a vertex of its own
        taken.append(next(i for i in order if i not in taken))
    place = np.full(faces, -1)  # grid point of each vertex
    place[LANDMARK_VERTICES] = taken
    place[place < 0] = np.setdiff1d(np.arange(faces), taken)
    vertex = np.argsort(place)
    neutral = np.zeros((N_VERTICES, 3), np.float32)
    neutral[:faces] = dome[place]
    neutral[LANDMARK_VERTICES, :2] = marks[:, :2]

    rows = vertex.reshape(SIDE, SIDE)
    skin = np.stack([rows[:-1, :-1], rows[:-1, 1:], rows[1:, 1:], rows[1:, :-1]], axis=-1).reshape(-1, 4)
    # As many as the scans have; those that are all zero cover nothing.
    quads = np.zeros((24_692, 4), np.int32)
    quads[: len(skin)] = skin
    for first_quad, first_vertex, eye in ((21_496, 21_451, (42, 45)), (23_094, 23_021, (36, 39))):
        eyeball = neutral[LANDMARK_VERTICES[list(eye)]].mean(axis=0)
        neutral[first_vertex : first_vertex + 770] = _sphere(22, 35) * 1.2 + eyeball - [0, 0, 1.2]
        grid = first_vertex + np.arange(770).reshape(22, 35)
        ball = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], axis=-1).reshape(-1, 4)
        quads[first_quad : first_quad + len(ball)] = ball
    rng = np.random.default_rng(0)
    identity = np.zeros((30, N_VERTICES, 3), np.float16)
    for component in identity:
        wave, phase = rng.normal(0, 0.2, 2), rng.uniform(0, 2 * np.pi)
        component[:faces] = 0.2 * np.cos(neutral[:faces, :2] @ wave + phase)[:, None] * rng.normal(0, 1, 3)
    expression = np.zeros((len(BUMPS), N_VERTICES, 3), np.float16)
    for shape, (landmark, motion) in zip(expression, BUMPS.values()):
        away = ((neutral[:faces, :2] - neutral[LANDMARK_VERTICES[landmark], :2]) ** 2).sum(axis=1)
        shape[:faces] = np.exp(-away / (2 * 2.0**2))[:, None] * motion
    np.savez(
        path,
        neutral=neutral,
        identity=identity,
        expression=expression,
        expression_names=np.array(list(BUMPS)),
        faces=quads,
        uv=_texture(neutral),
        face_uv=quads,
    )
    return path


def _sphere(rows: int, columns: int) -> np.ndarray:
    """Points (rows * columns, 3) of a unit sphere around the axis of sight."""
    polar = np.linspace(0, np.pi, rows)[:, None]
    around = np.linspace(0, 2 * np.pi, columns)[None]
    flat = np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar) + 0 * around
    return np.stack(flat, axis=-1).reshape(-1, 3)


def _texture(neutral: np.ndarray) -> np.ndarray:
    """Texture coordinates (V, 2): the face seen from the front, the eyeballs by their own grid."""
    uv = (neutral[:, :2] / 20 + 0.5).astype(np.float32)
    down, along = np.meshgrid(np.linspace(0, 1, 22), np.linspace(0, 1, 35), indexing="ij")
    for first in (21_451, 23_021):
        uv[first : first + 770] = np.column_stack([along.ravel(), down.ravel()])
    return uv
