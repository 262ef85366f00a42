"""Prepared folders and the flow kept in them -> the table and the features that a classifier reads.

Everything here is per clip and never looks at a label, so it cannot leak from one clip to another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data_prep.prepared import PHASES, SETTINGS_FILE, Prepared, open_prepared
from flow import prepared_flow
from mer.evaluation import protocols
from mer.evaluation.config import CvConfig
from mer.evaluation.protocols import Protocol
from mer_core import registry
from mer_core.errors import BadInput
from mer_core.io import read_json
from mer_core.progress import track
from mer_core.settings import checked


@dataclass(frozen=True)
class Inputs:
    """Clips that count and their features; `left_out` says why each other clip does not."""

    table: pd.DataFrame  # clip table of the N clips that count, with `label`
    X: np.ndarray  # (N, ...) float32 features, row i for row i of `table`
    left_out: pd.DataFrame  # clip_id, reason
    protocol: Protocol
    folders: list[Prepared]
    flow: dict[str, Any]  # settings of the flow, the same in every folder


Features = dict[tuple[Path, str], np.ndarray]  # (prepared folder, clip_id) -> (...) float32


def gather(paths: Sequence[str | Path], config: CvConfig, known: Features | None = None) -> Inputs:
    """Read features of every clip in the prepared folders `paths` that counts under `config.protocol`.

    With phases: both, those of the second phase follow those of the first along the first axis of a clip's features.
    known : features that need not be made again, for several protocols on the same clips; those that are made are added

    Raises `BadInput` if none does, if a folder has no flow, or faces or flow of other settings, or if a setting of the feature is unknown.
    """
    protocol = protocols.load(config.protocol)
    extract = extractor(config)
    folders = open_prepared(paths)
    phases = list(PHASES) if config.phases == "both" else [config.phases]
    flow_settings = _flow_settings(folders, config.method, phases)
    _one_size(folders)
    known = {} if known is None else known
    kept, features, left_out = [], [], []
    for prepared in folders:
        failed = prepared.outcome[prepared.outcome["outcome"] != "ok"]
        left_out += [
            (row.clip_id, f"{row.outcome}: {row.reason}" if row.reason else row.outcome)
            for row in failed.itertuples()
        ]
        left_out += protocols.dropped(protocol, prepared.clips).itertuples(index=False, name=None)
        for _, clip in track(
            list(protocols.apply(protocol, prepared.clips).iterrows()), f"features of {prepared.path.name}"
        ):
            clip_id = clip["clip_id"]
            lacking = [
                phase
                for phase in phases
                if not prepared_flow.flow_file(prepared, config.method, clip_id, phase).is_file()
            ]
            if lacking:
                left_out.append((clip_id, prepared_flow.none_by(config.method, lacking[0])))
                continue
            key = (prepared.path, clip_id)
            if key not in known:
                flows = [prepared_flow.read(prepared, config.method, clip_id, phase) for phase in phases]
                # A phase is seen from its first frame: the onset's landmarks, then the apex's.
                known[key] = np.concatenate(
                    [extract(flow, landmarks) for flow, landmarks in zip(flows, prepared.landmarks(clip_id))]
                )
            features.append(known[key])
            kept.append(clip)
    seen = [clip["clip_id"] for clip in kept] + [clip_id for clip_id, _ in left_out]
    left_out += [
        (clip_id, f"listed by {protocol.name}, but in none of these folders")
        for clip_id in protocols.absent(protocol, seen)
    ]
    reasons = pd.DataFrame(left_out, columns=["clip_id", "reason"])
    if not kept:
        first = (
            f"{len(reasons)} are left out, first {reasons['clip_id'][0]}: {reasons['reason'][0].rstrip('.')}"
            if len(reasons)
            else "the folders hold none"
        )
        raise BadInput(
            f"No clip is left to evaluate; {first}. Check the protocol ({protocol.name}; known: {', '.join(protocols.names())})."
        )
    return Inputs(
        pd.DataFrame(kept).reset_index(drop=True),
        np.stack(features),
        reasons,
        protocol,
        folders,
        flow_settings,
    )


def _flow_settings(folders: list[Prepared], method: str, phases: list[str]) -> dict[str, Any]:
    """The one setting that all flow was made with: datasets, and phases, must not differ by how their motion was measured."""
    registry.check(method, registry.names("flow.methods"), "method")
    found = [
        (folder.path, phase, prepared_flow.settings(folder, method, phase))
        for folder in folders
        for phase in phases
    ]
    first_path, first_phase, first = found[0]
    for path, phase, settings in found:
        if settings != first:
            raise BadInput(
                f"The {phase} flow in {path} was made with {settings}, the {first_phase} flow in {first_path} with {first}. Estimate both alike first."
            )
    return first


def _one_size(folders: list[Prepared]) -> None:
    """Datasets must not differ by the size at which their faces were measured either."""
    (first_path, first), *others = (
        (folder.path, read_json(folder.path / SETTINGS_FILE).get("size")) for folder in folders
    )
    for path, size in others:
        if size != first:
            raise BadInput(
                f"The faces in {path} are {size} px large, those in {first_path} {first} px. Prepare both with one --size first."
            )


def extractor(config: CvConfig) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return the feature of `config` as a function (flow, landmarks of its first frame) -> (...) float32, after checking its settings."""
    extract = registry.load("mer.features", config.feature).extract
    options = checked(
        config.feature_settings or {}, extract, ("flow", "landmarks"), f"The feature {config.feature}"
    )
    return lambda flow, landmarks: extract(flow, landmarks, **options)
