"""Protocols: which clips count, how a dataset's emotions become labels, and how clips are split.

A protocol is a YAML file in `protocol_files/`, or one of your own, given by its path. It holds either `emotions`
(dataset -> emotion -> label) or `clips`, a CSV beside it that lists clips with their labels one by one.
"""

from pathlib import Path
from typing import Literal

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from mer import registry
from mer.errors import BadInput
from mer.settings import explain

FOLDER = Path(__file__).parent / "protocol_files"
LIST_COLUMNS = ["dataset", "subject", "clip", "label"]


class Protocol(BaseModel):
    """One protocol, as its YAML file states it."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    name: str  # the file's name without .yaml
    title: str  # one line for people
    source: str  # where the clips and the mapping come from
    labels: list[str]  # the classes, in the order of every table and array
    emotions: dict[str, dict[str, str]] | None = None  # dataset -> emotion -> label
    clips: pd.DataFrame | None = None  # explicit list: clip_id and LIST_COLUMNS
    split: Literal["loso"] = "loso"  # leave one subject out
    synthetic: bool = False  # made for synthetic data: a run under it is called synthetic, whatever else is known of its data


def names() -> list[str]:
    """Names of the protocols that come with the project."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load(name: str) -> Protocol:
    """Load a protocol by its name, or by the path of a YAML file of your own.

    Raises `UnknownName` for a name that is not listed, `BadInput` for a file that is not a protocol.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = FOLDER / f"{registry.check(name, names(), 'protocol')}.yaml"
    try:
        text = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"The protocol {path} cannot be read: {error}") from error
    if not isinstance(text, dict):
        raise BadInput(f"The protocol {path} is not a table of keys. Copy one of {', '.join(names())} and change it.")
    if text.get("clips") is not None:
        text["clips"] = _read_list(path.parent / str(text["clips"]))
    try:
        protocol = Protocol(**{"name": path.stem, **text})
    except ValidationError as error:
        raise BadInput(f"The protocol {path} {explain(error, Protocol)}") from error
    return _check(protocol, path)


def apply(protocol: Protocol, table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the clip table that count under `protocol`, with one more column, `label`.

    Joined by `clip_id`. What is not returned is what `dropped` lists.
    """
    labels = _labels(protocol, table)
    return table.assign(label=labels)[labels.notna()].reset_index(drop=True)


def dropped(protocol: Protocol, table: pd.DataFrame) -> pd.DataFrame:
    """Return `clip_id, reason` for every clip of the table that does not count under `protocol`."""
    rest = table[_labels(protocol, table).isna()]

    def reason(row) -> str:
        if protocol.clips is not None:
            return f"not in the clip list of {protocol.name}"
        if row.dataset not in protocol.emotions:
            return f"{protocol.name} has no dataset {row.dataset}"
        return f"{protocol.name} gives no label to {row.dataset} {row.emotion or 'without an emotion'}"

    return pd.DataFrame({"clip_id": rest["clip_id"], "reason": [reason(row) for row in rest.itertuples()]}).reset_index(drop=True)


def absent(protocol: Protocol, clip_ids: pd.Series) -> list[str]:
    """Return the clips that the protocol lists one by one and that are not among `clip_ids`; empty where it has no list."""
    if protocol.clips is None:
        return []
    return sorted(set(protocol.clips["clip_id"]) - set(clip_ids))


def _labels(protocol: Protocol, table: pd.DataFrame) -> pd.Series:
    """The label of each row of `table`, missing where the clip does not count."""
    if protocol.clips is not None:
        return table["clip_id"].map(dict(zip(protocol.clips["clip_id"], protocol.clips["label"])))
    pairs = zip(table["dataset"], table["emotion"])
    return pd.Series([protocol.emotions.get(dataset, {}).get(emotion) for dataset, emotion in pairs], table.index, "object")


def _read_list(path: Path) -> pd.DataFrame:
    """Read an explicit clip list; ids stay text, so that subject 006 stays 006."""
    try:
        clips = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise BadInput(f"The clip list {path} cannot be read: {error}") from error
    if list(clips.columns) != LIST_COLUMNS:
        raise BadInput(f"The clip list {path} has columns {', '.join(clips.columns)}; it needs {', '.join(LIST_COLUMNS)}.")
    clips.insert(0, "clip_id", clips["dataset"] + "/" + clips["subject"] + "/" + clips["clip"])
    twice = clips.loc[clips["clip_id"].duplicated(), "clip_id"]
    if len(twice):
        raise BadInput(f"The clip list {path} names {len(twice)} clip(s) twice. First: {twice.iloc[0]}.")
    return clips


def _check(protocol: Protocol, path: Path) -> Protocol:
    """Return `protocol` if it says exactly once how clips get labels, and uses every label and no other."""
    if (protocol.emotions is None) == (protocol.clips is None):
        raise BadInput(f"The protocol {path} needs either `emotions` or `clips`, and not both.")
    if protocol.clips is not None:
        used = set(protocol.clips["label"])
    else:
        used = {label for mapping in protocol.emotions.values() for label in mapping.values()}
    if used != set(protocol.labels) or len(set(protocol.labels)) != len(protocol.labels):
        raise BadInput(f"The protocol {path} lists the labels {protocol.labels}, but its clips get {sorted(used)}.")
    return protocol
