"""Read prepared folders and the flow kept in them: the table and the features that a classifier reads.

Features are made clip by clip and never see a label, so nothing leaks from one clip to another.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import pandas as pd

from data_prep.identity import clean_name, describe_merged, unify_spellings
from data_prep.prepared import SETTINGS_FILE, PreparedDataset, open_prepared
from data_prep.sheets.annotation_sheets import MissingColumns
from data_prep.sheets.sheet_cells import is_name
from flow import prepared_flow
from mer.evaluation import protocols
from mer.evaluation.config import CvConfig
from mer.evaluation.protocols import Protocol
from mer_core import claims, registry
from mer_core.errors import BadArray, Incompatible, TooFewClips
from mer_core.io import read_json
from mer_core.progress import say, track
from mer_core.settings import check_options
from mer_core.text import format_count

# (flow of a clip, landmarks of its onset) -> (...) float32
Extractor = Callable[[np.ndarray, np.ndarray], np.ndarray]
# (prepared folder, clip_id) -> (...) float32
FeatureCache = dict[tuple[Path, str], np.ndarray]
# Table and features in memory, see `read_arrays`.
Arrays = tuple[pd.DataFrame, np.ndarray]
INPUT_SETTINGS = ("protocol", "method", "feature", "feature_settings")  # how labels and features are made
ARRAY_COLUMNS = ["dataset", "subject", "clip", "label"]


@dataclass(frozen=True)
class Inputs:
    """The clips that a protocol includes, with their features, and the others with reasons."""

    table: pd.DataFrame  # clip table of the N included clips, with `label`
    X: np.ndarray  # (N, ...) float32 features, row i for row i of `table`
    left_out: pd.DataFrame  # clip_id, reason
    protocol: Protocol
    folders: list[PreparedDataset]  # none, if the features were given
    flow: dict[str, Any]  # settings of the flow, the same in every folder


def read_inputs(paths: Sequence[str | Path], config: CvConfig, cache: FeatureCache | None = None) -> Inputs:
    """Read the features of every clip in prepared folders that `config.protocol` includes.

    Parameters
    ----------
    paths : sequence of path
        Prepared folders, or folders that hold some.
    config : CvConfig
    cache : dict or None
        Features that are made already, for several protocols on the same clips; new ones are added.

    Raises
    ------
    BadInput
        If no clip is included, a folder has no flow, folders differ in the settings of faces or flow, or a
        setting of the feature is unknown.
    """
    extract = build_extractor(config)
    folders = open_prepared(paths)
    names = config.input_names
    protocol = protocols.load_for(names.protocol, folders)
    flow_settings = _common_flow_settings(folders, names.method)
    _check_same_preparation(folders)
    cache = {} if cache is None else cache
    included: list[pd.Series] = []
    features: list[np.ndarray] = []
    left_out: list[tuple[str, str]] = []
    for folder in folders:
        clips, arrays, reasons = _read_folder(folder, protocol, names.method, extract, cache)
        included += clips
        features += arrays
        left_out += reasons
    seen = [clip["clip_id"] for clip in included] + [clip_id for clip_id, _ in left_out]
    left_out += [
        (clip_id, f"listed by {protocol.name}, but in none of these folders")
        for clip_id in protocols.missing_clips(protocol, seen)
    ]
    reasons = pd.DataFrame(left_out, columns=["clip_id", "reason"])
    if not included:
        raise TooFewClips(_no_clip_message(protocol, reasons))
    table = pd.DataFrame(included).reset_index(drop=True)
    return Inputs(table, np.stack(features), reasons, protocol, folders, flow_settings)


def are_arrays(prepared: Any) -> TypeGuard[Arrays]:
    """Return whether `prepared` is a table with its features, not prepared folders."""
    return isinstance(prepared, tuple) and len(prepared) == 2 and isinstance(prepared[0], pd.DataFrame)


def as_paths(prepared: str | Path | Iterable[Any]) -> list[str | Path]:
    """Return prepared folders as a list; raise `BadArray` for what is neither folders nor `Arrays`."""
    paths = [prepared] if isinstance(prepared, (str, Path)) else list(prepared)
    if not all(isinstance(path, (str, Path)) for path in paths):
        raise BadArray("Give prepared folders, or a table and its features as the tuple (table, X).")
    return paths


def read_arrays(table: pd.DataFrame, X: np.ndarray) -> Inputs:
    """Return a table in memory and its features; the labels are those of the table, sorted.

    Two spellings of a label are merged, with a note.

    Parameters
    ----------
    table : pandas.DataFrame
        `dataset, subject, clip, label`, one row per clip (N).
    X : (N, ...) float
        Row i belongs to row i of `table`.

    Raises
    ------
    MissingColumns, BadArray
        If a column or a cell is missing, a name cannot be used, or the features are no numbers.
    """
    missing = [name for name in ARRAY_COLUMNS if name not in table]
    if missing:
        raise MissingColumns(
            f"The table has no column {', '.join(missing)}. It needs {', '.join(ARRAY_COLUMNS)}."
        )
    cells = table[ARRAY_COLUMNS].map(lambda cell: "" if pd.isna(cell) else str(cell))
    wrong = cells.map(lambda text: not text.strip())
    wrong["subject"] |= ~cells["subject"].map(is_name)
    wrong[["dataset", "subject"]] |= cells[["dataset", "subject"]].map(lambda name: "/" in name)
    if wrong.to_numpy().any():
        row, column = np.argwhere(wrong.to_numpy())[0]
        raise BadArray(
            f"{format_count(int(wrong.to_numpy().sum()), 'cell')} of the table are empty or no names: a "
            "subject needs a letter or digit, and neither it nor a dataset a slash. First: "
            f"{ARRAY_COLUMNS[column]} of row {row}."
        )
    values = np.asarray(X)
    if values.ndim < 2 or values.dtype.kind not in "fiub":
        raise BadArray(f"Features must be (N, ...) real numbers, not {values.shape} {values.dtype}.")
    cells["label"], merged = unify_spellings(list(cells["label"]), lambda name: clean_name(name).casefold())
    if merged:
        say(describe_merged(merged, "the table", "label"))
    cells.insert(0, "clip_id", cells["dataset"] + "/" + cells["subject"] + "/" + cells["clip"])
    protocol = Protocol(
        name="arrays",
        title="Every row of a table in memory",
        source="arrays",
        labels=sorted(set(cells["label"])),
    )
    left_out = pd.DataFrame(columns=["clip_id", "reason"], dtype=str)
    return Inputs(cells.reset_index(drop=True), values.astype(np.float32), left_out, protocol, [], {})


def for_given_features(config: CvConfig) -> CvConfig:
    """Return the settings without those that say how labels and features are made; say which were set."""
    unused = [name for name in INPUT_SETTINGS if name in config.model_fields_set and getattr(config, name)]
    if unused:
        say(f"Without effect, because labels and features are given: {', '.join(unused)}.")
    return config.model_copy(update=dict.fromkeys(INPUT_SETTINGS))


def build_extractor(config: CvConfig) -> Extractor:
    """Return the feature of `config` as a function of flow and landmarks, after checking its settings."""
    extract = registry.load("mer.features", config.input_names.feature).extract
    options = check_options(
        config.feature_settings or {}, extract, ("flow", "landmarks"), f"The feature {config.feature}"
    )
    return lambda flow, landmarks: extract(flow, landmarks, **options)


def _read_folder(
    folder: PreparedDataset, protocol: Protocol, method: str, extract: Extractor, cache: FeatureCache
) -> tuple[list[pd.Series], list[np.ndarray], list[tuple[str, str]]]:
    """Return rows and features of the included clips of one folder, and (clip_id, reason) of the others."""
    failed = folder.outcome[folder.outcome["outcome"] != "ok"]
    left_out = [
        (row.clip_id, f"{row.outcome}: {row.reason}" if row.reason else row.outcome)
        for row in failed.itertuples()
    ]
    left_out += protocols.list_excluded(protocol, folder.clips).itertuples(index=False, name=None)
    included, features = [], []
    labelled = [clip for _, clip in protocols.label_clips(protocol, folder.clips).iterrows()]
    for clip in track(labelled, f"features of {folder.path.name}"):
        clip_id, key = clip["clip_id"], (folder.path, clip["clip_id"])
        if not prepared_flow.flow_file(folder, method, clip_id).is_file():
            left_out.append((clip_id, prepared_flow.missing_flow_text(method)))
            continue
        if key not in cache:
            cache[key] = extract(prepared_flow.read(folder, method, clip_id), folder.landmarks(clip_id)[0])
        included.append(clip)
        features.append(cache[key])
    return included, features, left_out


def _no_clip_message(protocol: Protocol, left_out: pd.DataFrame) -> str:
    reason = "The folders hold no clip."
    if len(left_out):
        clip_id, first = left_out.iloc[0]
        reason = f"{len(left_out)} are excluded. First: {clip_id}: {first.rstrip('.')}."
    known = ", ".join(protocols.names())
    return f"No clip is left to evaluate. {reason} Check --protocol ({protocol.name}; known: {known})."


def _common_flow_settings(folders: list[PreparedDataset], method: str) -> dict[str, Any]:
    """Return the settings of the flow; raise `BadInput` if folders differ in them."""
    registry.check_name(method, registry.list_names("flow.methods"), "method")
    first = prepared_flow.stored_settings(folders[0], method)
    for folder in folders[1:]:
        if changes := claims.describe_changes(first, prepared_flow.stored_settings(folder, method)):
            raise Incompatible(
                f"The flow in {folders[0].path} and {folder.path} was estimated differently: "
                f"{'; '.join(changes)}. Estimate both with the same settings."
            )
    return first


def _check_same_preparation(folders: list[PreparedDataset]) -> None:
    """Raise `BadInput` if folders differ in the size of their faces or in the model of their landmarks."""
    first, *others = ((folder.path, read_json(folder.path / SETTINGS_FILE)) for folder in folders)
    for path, settings in others:
        for key, name in (("size", "size (px)"), ("mediapipe", "MediaPipe")):
            if settings.get(key) != first[1].get(key):
                raise Incompatible(
                    f"The faces in {first[0]} and {path} were prepared differently: {name} "
                    f"{first[1].get(key)} and {settings.get(key)}. Prepare both with the same settings."
                )
