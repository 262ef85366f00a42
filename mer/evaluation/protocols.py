"""Protocols: which clips are included, how annotations become labels, and how clips are split.

A protocol is a YAML file in `mer/protocols/`, or your own, given by its path. Exactly one of its keys says
where labels come from: `emotions` (dataset -> emotion -> label), `objective_classes` (dataset -> class I to
VII -> label), `clips` (a CSV that lists clips with their labels), `action_units` (dataset -> units to
detect), or `unchanged` (the annotated words are the labels).
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from data_prep.action_units import UnitsCell, objective_class, parse_units
from mer_core import registry
from mer_core.errors import BadSetting, UnreadableFile
from mer_core.settings import describe_errors
from mer_core.text import format_count
from mer_core.yaml_files import read_yaml

if TYPE_CHECKING:
    from data_prep.prepared import PreparedDataset

FOLDER = Path(__file__).parents[1] / "protocols"
LABEL_SOURCES = ("emotions", "objective_classes", "clips", "action_units", "unchanged")
LIST_COLUMNS = ["dataset", "subject", "clip", "label"]


class Protocol(BaseModel):
    """One protocol, as its YAML file states it."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    name: str  # the file's name without .yaml
    title: str  # one line
    source: str  # where the clips and the mapping come from
    labels: list[str]  # the classes, in the order of every table and array
    # One of the next five, see `LABEL_SOURCES`.
    emotions: dict[str, dict[str, str]] | None = None  # dataset -> emotion -> label
    objective_classes: dict[str, dict[str, str]] | None = None  # dataset -> class I to VII -> label
    clips: pd.DataFrame | None = None  # clip_id and LIST_COLUMNS
    action_units: dict[str, list[int]] | None = None  # dataset -> units; each is a problem of its own
    unchanged: bool | None = None  # every annotated word is a label, see `load_for`
    unit: int | None = None  # the action unit to detect; set by `select_unit`, not in a file
    split: Literal["loso", "lodo"] = "loso"  # leave one subject out, or one dataset
    synthetic: bool = False  # for synthetic data: each run under it is marked synthetic

    @field_validator("emotions")
    @classmethod
    def _lower_case_emotions(cls, emotions):
        """Match the clip table, whose words are lower case: any other word would silently match no clip."""
        return emotions and {
            dataset: {word.lower(): label for word, label in words.items()}
            for dataset, words in emotions.items()
        }


def names() -> list[str]:
    """Return the names of the protocols that ship with mer or come from plug-ins."""
    return registry.list_names("mer.protocols")


def load(name: str) -> Protocol:
    """Load a protocol by its name, or by the path of your own YAML file.

    The suffix `-au4` selects action unit 4 of a protocol that detects units: `cd6me-au4`.

    Raises
    ------
    UnknownName
        For a name that is not listed.
    BadInput
        For a file that is not a protocol.
    """
    unit_name = re.fullmatch(r"(.+)-au(\d+)", name)
    if unit_name:
        return select_unit(load(unit_name[1]), int(unit_name[2]))
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = _listed(name)
    text = read_yaml(path)
    if not isinstance(text, dict):
        raise BadSetting(
            f"The protocol {path} is not a YAML mapping. Start from a copy of one of: {', '.join(names())}."
        )
    if text.get("clips") is not None:
        text["clips"] = _read_list(path.parent / str(text["clips"]))
    try:
        protocol = Protocol(**{"name": path.stem, **text})
    except ValidationError as error:
        raise BadSetting(f"The protocol {path} {describe_errors(error, Protocol)}") from error
    return _check(protocol, path)


def load_for(name: str, folders: "Iterable[PreparedDataset]") -> Protocol:
    """Load a protocol for prepared folders: with `unchanged`, its labels are the words of their clips."""
    protocol = load(name)
    if not protocol.unchanged:
        return protocol
    words = {word for folder in folders for word in folder.clips["emotion"] if word}
    return protocol.model_copy(update={"labels": sorted(words)})


def _listed(name: str) -> Path:
    """Return the file of a protocol that ships with mer or comes from a plug-in."""
    shipped = FOLDER / f"{registry.check_name(name, names(), 'protocol')}.yaml"
    return shipped if shipped.is_file() else registry.protocol_file(registry.load("mer.protocols", name))


def label_clips(protocol: Protocol, table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a clip table that `protocol` includes, with a column `label`.

    `list_excluded` returns the others.
    """
    labels = _labels(protocol, table)
    return table.assign(label=labels)[labels.notna()].reset_index(drop=True)


def list_excluded(protocol: Protocol, table: pd.DataFrame) -> pd.DataFrame:
    """Return `clip_id, reason` of every clip of a clip table that `protocol` excludes."""
    excluded = table[_labels(protocol, table).isna()]

    def reason(row) -> str:
        if protocol.clips is not None:
            return f"not in the clip list of {protocol.name}"
        if protocol.unchanged:
            return "the table gives no label"
        mapping = protocol.emotions or protocol.objective_classes or protocol.action_units or {}
        if row.dataset not in mapping:
            return f"{protocol.name} has no dataset {row.dataset}"
        if protocol.action_units:
            return f"{row.dataset} prints no action unit that can be read"
        if protocol.objective_classes:
            emotion = f"objective class {objective_class(row.action_units) or 'unknown'}"
        else:
            emotion = row.emotion or "without an emotion"
        return f"{protocol.name} gives no label to {row.dataset} {emotion}"

    return pd.DataFrame(
        {"clip_id": excluded["clip_id"], "reason": [reason(row) for row in excluded.itertuples()]}
    ).reset_index(drop=True)


def missing_clips(protocol: Protocol, clip_ids: Iterable[str]) -> list[str]:
    """Return the clips in the clip list of `protocol`, if it has one, that are not among `clip_ids`."""
    if protocol.clips is None:
        return []
    return sorted(set(protocol.clips["clip_id"]) - set(clip_ids))


def select_unit(protocol: Protocol, unit: int) -> Protocol:
    """Return the protocol that detects one of the `action_units`, with the labels "absent" and "present".

    It excludes datasets that do not annotate the unit and clips without a readable cell.

    Raises
    ------
    BadInput
        For a unit that the protocol does not list.
    """
    if unit not in listed_units(protocol):
        raise BadSetting(
            f"{protocol.name} does not detect action unit {unit}; it detects "
            f"{listed_units(protocol) or 'none'}."
        )
    return protocol.model_copy(update={"name": f"{protocol.name}-au{unit}", "unit": unit})


def listed_units(protocol: Protocol) -> list[int]:
    """Return the action units that a protocol detects, sorted; empty if it labels emotions."""
    return sorted({unit for units in (protocol.action_units or {}).values() for unit in units})


def _labels(protocol: Protocol, table: pd.DataFrame) -> pd.Series:
    """Return the label of each row of `table`; missing where the protocol excludes the clip."""
    if protocol.clips is not None:
        return table["clip_id"].map(dict(zip(protocol.clips["clip_id"], protocol.clips["label"])))
    if protocol.unchanged:
        return table["emotion"].astype("object").where(table["emotion"] != "", None)
    rows = table[["dataset", "emotion", "action_units"]].itertuples(index=False)
    if protocol.emotions is not None:
        labels = [protocol.emotions.get(dataset, {}).get(emotion) for dataset, emotion, _ in rows]
    elif protocol.objective_classes is not None:
        classes = protocol.objective_classes
        labels = [classes.get(dataset, {}).get(objective_class(units)) for dataset, _, units in rows]
    else:
        labels = [_unit_label(protocol, dataset, parse_units(units)) for dataset, _, units in rows]
    return pd.Series(labels, table.index, "object")


def _unit_label(protocol: Protocol, dataset: str, cell: UnitsCell) -> str | None:
    if protocol.unit is None:
        units = listed_units(protocol)
        raise BadSetting(
            f"{protocol.name} detects the action units {units}, each by itself. Choose one, such as "
            f"{protocol.name}-au{units[0]}."
        )
    annotated = (protocol.action_units or {}).get(dataset, [])
    if not cell.units or cell.unreadable or protocol.unit not in annotated:
        return None
    return "present" if protocol.unit in cell.units else "absent"


def _read_list(path: Path) -> pd.DataFrame:
    """Read a clip list; ids stay text, so that subject 006 stays 006."""
    try:
        clips = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"The clip list {path} cannot be read: {error}") from error
    if list(clips.columns) != LIST_COLUMNS:
        raise BadSetting(
            f"The clip list {path} has the columns {', '.join(clips.columns)}; it needs "
            f"{', '.join(LIST_COLUMNS)}."
        )
    clips.insert(0, "clip_id", clips["dataset"] + "/" + clips["subject"] + "/" + clips["clip"])
    duplicates = clips.loc[clips["clip_id"].duplicated(), "clip_id"]
    if len(duplicates):
        raise BadSetting(
            f"The clip list {path} names {format_count(len(duplicates), 'clip')} twice. "
            f"First: {duplicates.iloc[0]}."
        )
    return clips


def _check(protocol: Protocol, path: Path) -> Protocol:
    """Return `protocol` if it has one label source, which uses every label and no other."""
    given = [key for key in LABEL_SOURCES if getattr(protocol, key) is not None]
    if len(given) != 1:
        raise BadSetting(
            f"The protocol {path} needs exactly one of {', '.join(f'`{key}`' for key in LABEL_SOURCES)}; it "
            f"has {' and '.join(given) or 'none'}."
        )
    if protocol.clips is not None:
        used = set(protocol.clips["label"])
    elif protocol.action_units is not None:
        used = {"absent", "present"}
    elif protocol.unchanged:
        used = set()
    else:
        mappings = (protocol.emotions or protocol.objective_classes or {}).values()
        used = {label for mapping in mappings for label in mapping.values()}
    if used != set(protocol.labels) or len(set(protocol.labels)) != len(protocol.labels):
        raise BadSetting(
            f"The protocol {path} lists the labels {protocol.labels}, but its clips get {sorted(used)}."
        )
    return protocol
