"""A head model made of scans: mean head, identity components and expressions on one mesh.

The model is ICT Face Model Light (MIT licence). Its publishers provide a folder of OBJ files; `mer flow
head-model` converts it to the NPZ file that is read here. The full model is not part of this package.

Units are cm; x points right in the picture, y up, z towards the viewer. `_L` in a name is the person's left
side, at larger x.

References
----------
Li et al., Learning Formation of Physically-Based Face Attributes, CVPR 2020. Vertex ranges and landmarks:
README of the public repository ICT-VGL/ICT-FaceKit.
"""

import zipfile
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from flow.splatting.held_out import in_split
from mer_core.errors import UnknownName, UnreadableFile

# Region -> vertices [first, last + 1); quads of a region use only vertices of that region and of its
# neighbours' seams.
REGIONS = {
    "face": (0, 9409),
    "head_and_neck": (9409, 11248),
    "mouth_socket": (11248, 13294),
    "eye_sockets": (13294, 14062),
    "gums_and_tongue": (14062, 17039),
    "teeth": (17039, 21451),
    "eyeballs": (21451, 24591),
    "lacrimal_fluid": (24591, 24999),
    "eye_blend": (24999, 25047),
}
N_VERTICES = 25047
N_FITTED_COMPONENTS = 30  # of identity; the others move landmarks by less than their uncertainty

# The 68 points of Multi-PIE (jaw, brows, nose, eyes, lips) as vertices of the mesh.
LANDMARK_VERTICES = np.array([
    1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443,
    268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509, 978, 4527, 4942, 4857, 1140, 2075, 1147, 4269,
    3360, 1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732,
    5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841,
    5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966,
])  # fmt: skip

_SHAPES = {
    "neutral": ("vertices", 3),
    "identity": ("components", "vertices", 3),
    "expression": ("expressions", "vertices", 3),
    "expression_names": ("expressions",),
    "faces": ("quads", 4),
    "uv": ("uv points", 2),
    "face_uv": ("quads", 4),
}


@dataclass(frozen=True, eq=False)
class HeadModel:
    """A head model of scans with V vertices.

    Attributes
    ----------
    neutral : (V, 3) float32 cm, the mean head at rest
    identity : (I, V, 3) float16 cm, offset of one standard deviation of each component
    expression : (E, V, 3) float16 cm, offset of each expression at full strength
    expression_names : tuple of str
        E unique names.
    faces : (Q, 4) int32 vertices of each quad
    uv, face_uv : (U, 2) float32 in 0..1 and (Q, 4) int32, texture coordinates of each quad's corners
    """

    neutral: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    expression_names: tuple[str, ...]
    faces: np.ndarray
    uv: np.ndarray
    face_uv: np.ndarray

    def expression_index(self, name: str) -> int:
        """Return the index of an expression.

        Raises
        ------
        UnknownName
            If the model has no such expression.
        """
        if name not in self.expression_names:
            raise UnknownName(
                f"The head model has no expression {name!r}, only {', '.join(self.expression_names)}."
            )
        return self.expression_names.index(name)

    @property
    def skin_vertices(self) -> int:
        """Number of vertices of face, head and neck, which come first; a reduced model has the face only."""
        return min(REGIONS["head_and_neck"][1], len(self.neutral))

    @cached_property
    def skin_triangles(self) -> np.ndarray:
        """Triangles (T, 3) int32 of face, head and neck."""
        quads = self.faces[(self.faces < self.skin_vertices).all(axis=1)]
        return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)

    @cached_property
    def fitting_shapes(self) -> np.ndarray:
        """Shapes (K, N, 3) float32 cm of a person at rest: identity, then expressions of training."""
        names = in_split("expression", self.expression_names, "train")
        indices = [self.expression_index(name) for name in names]
        last = self.skin_vertices
        return np.concatenate(
            [self.identity[:N_FITTED_COMPONENTS, :last], self.expression[indices, :last]]
        ).astype(np.float32)

    @cached_property
    def skin_expression(self) -> np.ndarray:
        """Expressions of the skin's vertices, (E, N, 3) float32 cm."""
        return self.expression[:, : self.skin_vertices].astype(np.float32)


@lru_cache(maxsize=2)
def load_head_model(path: str | Path) -> HeadModel:
    """Read a head model from the NPZ file of `mer flow head-model`; cached.

    Raises
    ------
    BadInput
        If the file cannot be read, lacks an array, or its arrays are inconsistent.
    """
    hint = "Create it with: mer flow head-model DIR --out FILE.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in _SHAPES if name not in file]
            if missing:
                raise UnreadableFile(f"{path} is not a head model: it lacks {', '.join(missing)}. {hint}")
            arrays = {name: file[name] for name in _SHAPES}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise UnreadableFile(f"{path} cannot be read as a head model: {error}. {hint}") from error
    problem = _find_problem(arrays)
    if problem:
        raise UnreadableFile(f"{path} is not a usable head model: {problem}. {hint}")
    names = tuple(str(name) for name in arrays.pop("expression_names"))
    return HeadModel(expression_names=names, **arrays)


def _find_problem(arrays: dict[str, np.ndarray]) -> str | None:
    """Return the first inconsistency in the arrays of a head model, or None."""
    sizes: dict[str, int] = {}
    for name, shape in _SHAPES.items():
        array = arrays[name]
        if array.ndim != len(shape):
            return f"{name} has {array.ndim} dimensions instead of {len(shape)}"
        for length, axis in zip(array.shape, shape):
            expected = axis if isinstance(axis, int) else sizes.setdefault(axis, length)
            if length != expected:
                return f"{name} has shape {array.shape}, but there are {expected} {axis}"
        kind = {"expression_names": "U", "faces": "iu", "face_uv": "iu"}.get(name, "f")
        if array.dtype.kind not in kind:
            return f"{name} is of type {array.dtype}"
        if kind == "f" and not np.isfinite(array).all():
            return f"{name} holds values that are not finite"
    if sizes["vertices"] < N_VERTICES:
        return f"it has {sizes['vertices']} vertices, where ICT Face Model Light has {N_VERTICES}"
    for name, count in (("faces", sizes["vertices"]), ("face_uv", sizes["uv points"])):
        if arrays[name].size and not 0 <= arrays[name].min() <= arrays[name].max() < count:
            return f"{name} points outside its {count} vertices"
    if len(set(arrays["expression_names"])) != sizes["expressions"]:
        return "two expressions have the same name"
    return None
