"""Prepared folders and the flow kept in them -> the table and the features that a classifier reads.

Everything here is per clip and never looks at a label, so it cannot leak from one clip to another.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Sequence

import numpy as np
import pandas as pd

from data_prep.prepared import Prepared, open_prepared
from flow import cache
from mer import protocols, registry
from mer.config import CvConfig
from mer.errors import BadInput
from mer.progress import track
from mer.protocols import Protocol
from mer.settings import checked


@dataclass(frozen=True)
class Inputs:
    """Clips that count and their features; `left_out` says why each other clip does not."""

    table: pd.DataFrame  # clip table of the N clips that count, with `label`
    X: np.ndarray  # (N, ...) float32 features, row i for row i of `table`
    left_out: pd.DataFrame  # clip_id, reason
    protocol: Protocol
    folders: list[Prepared]
    flow: dict[str, Any]  # settings of the flow, the same in every folder


def gather(paths: Sequence[str | Path], config: CvConfig) -> Inputs:
    """Read features of every clip in the prepared folders `paths` that counts under `config.protocol`.

    Raises `BadInput` if none does, if a folder has no flow or flow of other settings, or if a setting of the feature is unknown.
    """
    protocol = protocols.load(config.protocol)
    extract = extractor(config)
    folders = open_prepared(paths)
    flow_settings = _flow_settings(folders, config.method)
    kept, features, left_out = [], [], []
    for prepared in folders:
        failed = prepared.outcome[prepared.outcome["outcome"] != "ok"]
        left_out += [(row.clip_id, f"{row.outcome}: {row.reason}" if row.reason else row.outcome) for row in failed.itertuples()]
        left_out += protocols.dropped(protocol, prepared.clips).itertuples(index=False, name=None)
        for _, clip in track(list(protocols.apply(protocol, prepared.clips).iterrows()), f"features of {prepared.path.name}"):
            if not cache.flow_file(prepared, config.method, clip["clip_id"]).is_file():
                left_out.append((clip["clip_id"], f"no flow by {config.method}"))
                continue
            flow = cache.read(prepared, config.method, clip["clip_id"])
            features.append(extract(flow, prepared.landmarks(clip["clip_id"])[0]))
            kept.append(clip)
    seen = [clip["clip_id"] for clip in kept] + [clip_id for clip_id, _ in left_out]
    left_out += [(clip_id, f"listed by {protocol.name}, but in none of these folders") for clip_id in protocols.absent(protocol, seen)]
    reasons = pd.DataFrame(left_out, columns=["clip_id", "reason"])
    if not kept:
        first = f"{len(reasons)} are left out, first {reasons['clip_id'][0]}: {reasons['reason'][0]}" if len(reasons) else "the folders hold none"
        raise BadInput(f"No clip is left to evaluate; {first}. Check the protocol ({protocol.name}; known: {', '.join(protocols.names())}).")
    return Inputs(pd.DataFrame(kept).reset_index(drop=True), np.stack(features), reasons, protocol, folders, flow_settings)


def _flow_settings(folders: list[Prepared], method: str) -> dict[str, Any]:
    """The one setting that all flow was made with: datasets must not differ by how their motion was measured."""
    registry.check(method, registry.names("flow.methods"), "method")
    found = [cache.settings(folder, method) for folder in folders]
    for settings, folder in zip(found, folders):
        if settings != found[0]:
            raise BadInput(f"The flow in {folder.path} was made with {settings}, in {folders[0].path} with {found[0]}. Estimate both alike first.")
    return found[0]


def extractor(config: CvConfig) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return the feature of `config` as a function (flow, landmarks of the onset) -> (...) float32, after checking its settings."""
    extract = registry.load("mer.features", config.feature).extract
    options = checked(config.feature_settings or {}, extract, ("flow", "landmarks"), f"The feature {config.feature}")
    return lambda flow, landmarks: extract(flow, landmarks, **options)
