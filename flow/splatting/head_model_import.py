"""Converts a head model's folder, as published, to the file that `head_model.load_head_model` reads.

The folder is `FaceXModel` of ICT Face Model Light: OBJ files of one topology, `generic_neutral_mesh.obj`,
`identity000.obj` and on, one file per expression, and `vertex_indices.json`.
"""

import re
from pathlib import Path

import numpy as np

from flow.splatting.head_model import LANDMARK_VERTICES, N_VERTICES, load_head_model
from mer_core.errors import UnreadableFile
from mer_core.io import read_json, write_npz
from mer_core.progress import track

NEUTRAL_FILE = "generic_neutral_mesh.obj"
EXPECTED_FOLDER = (
    "It should be ICT Face Model Light's folder FaceXModel: https://github.com/ICT-VGL/ICT-FaceKit."
)


def import_head_model(folder: Path, out: Path) -> tuple[int, int]:
    """Convert a published head model to the NPZ file `out`; return its components and expressions.

    Vertices after the first 25047, such as eyelashes, are dropped; offsets are stored as float16.

    Raises
    ------
    BadInput
        If the folder is not such a model, or a file in it has another topology.
    """
    paths = {path.stem: path for path in sorted(folder.glob("*.obj")) if not path.name.startswith(".")}
    indices = folder / "vertex_indices.json"
    neutral_path = paths.pop(Path(NEUTRAL_FILE).stem, None)
    if neutral_path is None or not indices.is_file():
        raise UnreadableFile(
            f"{folder} is not a head model: it lacks {NEUTRAL_FILE} or vertex_indices.json. {EXPECTED_FOLDER}"
        )
    if read_json(indices).get("idx_to_landmark_verts") != LANDMARK_VERTICES.tolist():
        raise UnreadableFile(f"{indices} names other landmarks than ICT Face Model Light. {EXPECTED_FOLDER}")
    components = [name for name in paths if re.fullmatch(r"identity\d+", name)]
    expressions = [name for name in paths if name not in components]
    if not components or not expressions:
        raise UnreadableFile(
            f"{folder} holds {len(components)} components of identity and {len(expressions)} expressions; "
            f"at least one of each is needed. {EXPECTED_FOLDER}"
        )
    neutral, total = _read_vertices(neutral_path)
    offsets = {}
    for name in track(components + expressions, "reading shapes"):
        shape, count = _read_vertices(paths[name])
        if count != total:
            raise UnreadableFile(
                f"{paths[name]} has {count} vertices, {neutral_path.name} has {total}. {EXPECTED_FOLDER}"
            )
        offsets[name] = (shape - neutral).astype(np.float16)
    uv, faces, face_uv = _read_surface(neutral_path)
    write_npz(
        out,
        neutral=neutral,
        identity=np.stack([offsets[name] for name in components]),
        expression=np.stack([offsets[name] for name in expressions]),
        expression_names=np.array(expressions),
        faces=faces,
        uv=uv,
        face_uv=face_uv,
    )
    load_head_model(out)
    return len(components), len(expressions)


def _read_vertices(path: Path) -> tuple[np.ndarray, int]:
    """Read the first `N_VERTICES` vertices, (V, 3) float32 cm, and the number of vertices in the file."""
    rows = [line[2:] for line in _read_lines(path) if line.startswith("v ")]
    try:
        vertices = np.array([row.split()[:3] for row in rows], np.float32)
    except ValueError as error:
        raise UnreadableFile(
            f"{path} holds a vertex that is not a point: {error}. {EXPECTED_FOLDER}"
        ) from error
    if len(vertices) < N_VERTICES or vertices.shape[1:] != (3,) or not np.isfinite(vertices).all():
        raise UnreadableFile(
            f"{path} has {len(vertices)} vertices, at least {N_VERTICES} are needed. {EXPECTED_FOLDER}"
        )
    return vertices[:N_VERTICES], len(vertices)


def _read_surface(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read texture coordinates (U, 2), and vertices and texture coordinates (Q, 4) of the remaining quads."""
    uv, corners = [], []
    try:
        for line in _read_lines(path):
            if line.startswith("vt "):
                uv.append([float(value) for value in line.split()[1:3]])
            elif line.startswith("f "):
                corner = [[int(value) - 1 for value in part.split("/")[:2]] for part in line.split()[1:]]
                corners.append(corner if len(corner) == 4 else [*corner, corner[-1]])
        quads = np.array(corners, np.int32).reshape(-1, 4, 2)
    except ValueError as error:
        raise UnreadableFile(
            f"{path} holds a face that is no quad of vertices and textures: {error}. {EXPECTED_FOLDER}"
        ) from error
    quads = quads[(quads[..., 0] < N_VERTICES).all(axis=1)]
    return np.array(uv, np.float32).reshape(-1, 2), quads[..., 0].copy(), quads[..., 1].copy()


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{path} cannot be read: {error}. {EXPECTED_FOLDER}") from error
