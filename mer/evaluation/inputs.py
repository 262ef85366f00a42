"""Prepared folders and the flow kept in them -> the table and the features that a classifier reads.

Everything here is per clip and never looks at a label, so it cannot leak from one clip to another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data_prep.prepared import SETTINGS_FILE, PreparedDataset, open_prepared
from flow import prepared_flow
from mer.evaluation import protocols
from mer.evaluation.config import CvConfig
from mer.evaluation.protocols import Protocol
from mer_core import claims, registry
from mer_core.errors import BadInput
from mer_core.io import read_json
from mer_core.progress import track
from mer_core.settings import check_options


@dataclass(frozen=True)
class Inputs:
    """Clips that count and their features; `left_out` says why each other clip does not."""

    table: pd.DataFrame  # clip table of the N clips that count, with `label`
    X: np.ndarray  # (N, ...) float32 features, row i for row i of `table`
    left_out: pd.DataFrame  # clip_id, reason
    protocol: Protocol
    folders: list[PreparedDataset]
    flow: dict[str, Any]  # settings of the flow, the same in every folder


Extract = Callable[
    [np.ndarray, np.ndarray], np.ndarray
]  # flow, landmarks of its first frame -> (...) float32
Features = dict[tuple[Path, str], np.ndarray]  # (prepared folder, clip_id) -> (...) float32


def gather(paths: Sequence[str | Path], config: CvConfig, known: Features | None = None) -> Inputs:
    """Read the features of every clip in prepared folders that counts under `config.protocol`.

    Parameters
    ----------
    paths : sequence of path
        Prepared folders, or folders that hold some.
    known : dict or None
        Features that need not be made again, for several protocols on the same clips; those that are made are
        added.

    Raises
    ------
    BadInput
        If no clip counts, if a folder has no flow, or faces or flow of other settings, or if a setting of the
        feature is unknown.
    """
    extract = extractor(config)
    folders = open_prepared(paths)
    names = config.input_names
    protocol = protocols.load_for(names.protocol, folders)
    flow_settings = _flow_settings(folders, names.method)
    _check_faces_alike(folders)
    kept: list[pd.Series] = []
    features: list[np.ndarray] = []
    left_out: list[tuple[str, str]] = []
    for prepared in folders:
        clips, arrays, reasons = _read_folder(
            prepared, protocol, names.method, extract, {} if known is None else known
        )
        kept, features, left_out = kept + clips, features + arrays, left_out + reasons
    seen = [clip["clip_id"] for clip in kept] + [clip_id for clip_id, _ in left_out]
    left_out += [
        (clip_id, f"listed by {protocol.name}, but in none of these folders")
        for clip_id in protocols.absent(protocol, seen)
    ]
    reasons = pd.DataFrame(left_out, columns=["clip_id", "reason"])
    if not kept:
        raise BadInput(_nothing_left(protocol, reasons))
    table = pd.DataFrame(kept).reset_index(drop=True)
    return Inputs(table, np.stack(features), reasons, protocol, folders, flow_settings)


def _read_folder(
    prepared: PreparedDataset, protocol: Protocol, method: str, extract: Extract, known: Features
):
    """Return rows and features of the clips of one folder that count, and (clip_id, reason) of those that do
    not.
    """
    failed = prepared.outcome[prepared.outcome["outcome"] != "ok"]
    left_out = [
        (row.clip_id, f"{row.outcome}: {row.reason}" if row.reason else row.outcome)
        for row in failed.itertuples()
    ]
    left_out += protocols.dropped(protocol, prepared.clips).itertuples(index=False, name=None)
    kept, features = [], []
    counting = [clip for _, clip in protocols.apply(protocol, prepared.clips).iterrows()]
    for clip in track(counting, f"features of {prepared.path.name}"):
        clip_id, key = clip["clip_id"], (prepared.path, clip["clip_id"])
        if not prepared_flow.flow_file(prepared, method, clip_id).is_file():
            left_out.append((clip_id, prepared_flow.missing_flow_text(method)))
            continue
        if key not in known:
            known[key] = extract(
                prepared_flow.read(prepared, method, clip_id), prepared.landmarks(clip_id)[0]
            )
        features.append(known[key])
        kept.append(clip)
    return kept, features, left_out


def _nothing_left(protocol: Protocol, left_out: pd.DataFrame) -> str:
    first = "the folders hold none"
    if len(left_out):
        why = left_out["reason"][0].rstrip(".")
        first = f"{len(left_out)} are left out, first {left_out['clip_id'][0]}: {why}"
    known = ", ".join(protocols.names())
    return f"No clip is left to evaluate; {first}. Check the protocol ({protocol.name}; known: {known})."


def _flow_settings(folders: list[PreparedDataset], method: str) -> dict[str, Any]:
    """The settings of all flow: datasets must not differ by how their motion was measured."""
    registry.check_name(method, registry.list_names("flow.methods"), "method")
    first = prepared_flow.stored_settings(folders[0], method)
    for folder in folders[1:]:
        if changes := claims.describe_changes(first, prepared_flow.stored_settings(folder, method)):
            raise BadInput(
                f"The flow in {folders[0].path} and {folder.path} was estimated differently: "
                f"{'; '.join(changes)}. "
                "Estimate both alike first."
            )
    return first


def _check_faces_alike(folders: list[PreparedDataset]) -> None:
    """Datasets must not differ by the size of their faces or by the model that found the landmarks either."""
    first, *others = ((folder.path, read_json(folder.path / SETTINGS_FILE)) for folder in folders)
    for path, settings in others:
        for key, what in (("size", "size (px)"), ("mediapipe", "MediaPipe")):
            if settings.get(key) != first[1].get(key):
                raise BadInput(
                    f"The faces in {first[0]} and {path} were prepared differently: {what} "
                    f"{first[1].get(key)} and {settings.get(key)}. Prepare both alike first."
                )


def extractor(config: CvConfig) -> Extract:
    """Return the feature of `config` as a function (flow, landmarks of its first frame) -> (...) float32,
    after checking its settings.
    """
    extract = registry.load("mer.features", config.input_names.feature).extract
    options = check_options(
        config.feature_settings or {}, extract, ("flow", "landmarks"), f"The feature {config.feature}"
    )
    return lambda flow, landmarks: extract(flow, landmarks, **options)
