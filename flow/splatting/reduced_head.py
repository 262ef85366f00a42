"""The reduced head model that ships with the package, sufficient to place expressions on a face.

It has the face's surface, 30 identity components and the expressions that training may use, quantised to
1/127 of each shape's largest offset. A statistic of ICT Face Model Light (MIT licence), whose notice is in
the model card.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from flow.splatting.head_model import N_FITTED_COMPONENTS, REGIONS, HeadModel
from flow.splatting.scanned_motion import skin_expressions
from mer_core.errors import UnreadableFile
from mer_core.io import atomic_replace

REDUCED_HEAD = Path(__file__).parents[1] / "weights" / "head-reduced.safetensors"
QUANTISATION_STEPS = 127


def write_reduced_head(model: HeadModel, path: Path = REDUCED_HEAD) -> None:
    """Write the face of `model`, its first identity components and the expressions of skin for training."""
    last = REGIONS["face"][1]
    names = skin_expressions(model, "train")
    expression = model.expression[[model.expression_index(name) for name in names], :last]
    tensors = {
        "neutral": model.neutral[:last].astype(np.float32),
        "faces": model.faces[(model.faces < last).all(axis=1)].astype(np.int16),
    }
    for name, shapes in (
        ("identity", model.identity[:N_FITTED_COMPONENTS, :last]),
        ("expression", expression),
    ):
        scale = np.abs(shapes).max(axis=(1, 2)).astype(np.float32) / QUANTISATION_STEPS
        tensors[name] = np.rint(shapes / scale[:, None, None]).astype(np.int8)
        tensors[f"{name}_scale"] = scale
    with atomic_replace(path) as temporary:
        save_file(tensors, str(temporary), {"expression_names": json.dumps(names), "licence": "MIT"})


@cache
def load_reduced_head(path: Path = REDUCED_HEAD) -> HeadModel:
    """Read the reduced head model: vertices of the region `face` only, without texture coordinates."""
    try:
        with safe_open(str(path), "np") as file:
            names = tuple(json.loads(file.metadata()["expression_names"]))
            arrays = {name: file.get_tensor(name) for name in file.keys()}
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise UnreadableFile(
            f"{path} is no reduced head model: {error}. Install the package again."
        ) from error
    shapes = {
        name: arrays[name] * arrays[f"{name}_scale"][:, None, None] for name in ("identity", "expression")
    }
    return HeadModel(
        neutral=arrays["neutral"],
        expression_names=names,
        faces=arrays["faces"].astype(np.int32),
        uv=np.zeros((0, 2), np.float32),
        face_uv=np.zeros((0, 4), np.int32),
        **shapes,
    )
