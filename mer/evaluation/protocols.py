"""Protocols: which clips count, how what a dataset says of them becomes a label, and how clips are split.

A protocol is a YAML file in `mer/protocols/`, or one of your own, given by its path. It says in one of five
ways how clips get labels: `emotions` (dataset -> emotion -> label), `objective_classes` (dataset -> class I
to VII -> label), `clips` (a CSV beside it that lists clips with their labels one by one), `action_units`
(dataset -> units that are to be detected), or `unchanged` (the clips' own words are the labels).
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from data_prep.action_units import UnitsCell, objective_class, parse_units
from mer_core import registry
from mer_core.errors import BadInput
from mer_core.settings import describe_errors
from mer_core.yaml_files import read_yaml

if TYPE_CHECKING:
    from data_prep.prepared import PreparedDataset

FOLDER = Path(__file__).parents[1] / "protocols"
WAYS = (
    "emotions",
    "objective_classes",
    "clips",
    "action_units",
    "unchanged",
)  # to say how clips get labels; a protocol has one
LIST_COLUMNS = ["dataset", "subject", "clip", "label"]


class Protocol(BaseModel):
    """One protocol, as its YAML file states it."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    name: str  # the file's name without .yaml
    title: str  # one line for people
    source: str  # where the clips and the mapping come from
    labels: list[str]  # the classes, in the order of every table and array
    emotions: dict[str, dict[str, str]] | None = None  # dataset -> emotion -> label
    objective_classes: dict[str, dict[str, str]] | None = (
        None  # dataset -> class from action units, I to VII -> label
    )
    clips: pd.DataFrame | None = None  # explicit list: clip_id and LIST_COLUMNS
    action_units: dict[str, list[int]] | None = (
        None  # dataset -> units to detect, each a problem of its own, see `detect`
    )
    unchanged: bool | None = (
        None  # every word that the clips' datasets or table use is a label, see `load_for`
    )
    unit: int | None = None  # the one of them that is asked for; set by `detect`, not in a file
    split: Literal["loso", "lodo"] = "loso"  # leave one subject out, or one dataset
    # made for synthetic data: a run under it is called synthetic, whatever else is known of its data
    synthetic: bool = False

    @field_validator("emotions")
    @classmethod
    def _as_in_the_clip_table(cls, emotions):
        """Words are lower case there; one that is not would match no clip, and its label would silently go
        without any.
        """
        return emotions and {
            dataset: {word.lower(): label for word, label in words.items()}
            for dataset, words in emotions.items()
        }


def names() -> list[str]:
    """Names of the protocols that come with the project or from plug-ins."""
    return registry.list_names("mer.protocols")


def load(name: str) -> Protocol:
    """Load a protocol by its name, or by the path of a YAML file of your own.

    Behind the name (or path) of one that detects action units, `-au4` asks for unit 4: `cd6me-au4`.
    Raises `UnknownName` for a name that is not listed, `BadInput` for a file that is not a protocol.
    """
    asked = re.fullmatch(r"(.+)-au(\d+)", name)
    if asked:
        return detect(load(asked[1]), int(asked[2]))
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = _listed(name)
    text = read_yaml(path)
    if not isinstance(text, dict):
        raise BadInput(
            f"The protocol {path} is not a table of keys. Copy one of {', '.join(names())} and change it."
        )
    if text.get("clips") is not None:
        text["clips"] = _read_list(path.parent / str(text["clips"]))
    try:
        protocol = Protocol(**{"name": path.stem, **text})
    except ValidationError as error:
        raise BadInput(f"The protocol {path} {describe_errors(error, Protocol)}") from error
    return _check(protocol, path)


def load_for(name: str, folders: "Iterable[PreparedDataset]") -> Protocol:
    """Load a protocol for prepared folders: where it leaves labels unchanged, they are the words of their
    clips.
    """
    protocol = load(name)
    if not protocol.unchanged:
        return protocol
    words = {word for folder in folders for word in folder.clips["emotion"] if word}
    return protocol.model_copy(update={"labels": sorted(words)})


def _listed(name: str) -> Path:
    """Return the file of a protocol that comes with the project or from a plug-in."""
    own = FOLDER / f"{registry.check_name(name, names(), 'protocol')}.yaml"
    return own if own.is_file() else registry.protocol_file(registry.load("mer.protocols", name))


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
        if protocol.unchanged:
            return "no label is given"
        if row.dataset not in (
            protocol.emotions or protocol.objective_classes or protocol.action_units or ()
        ):
            return f"{protocol.name} has no dataset {row.dataset}"
        if protocol.action_units:
            return f"{row.dataset} prints no action unit that can be read"
        if protocol.objective_classes:
            shown = f"objective class {objective_class(row.action_units) or 'unknown'}"
        else:
            shown = row.emotion or "without an emotion"
        return f"{protocol.name} gives no label to {row.dataset} {shown}"

    return pd.DataFrame(
        {"clip_id": rest["clip_id"], "reason": [reason(row) for row in rest.itertuples()]}
    ).reset_index(drop=True)


def absent(protocol: Protocol, clip_ids: pd.Series) -> list[str]:
    """Return the clips that the protocol lists one by one and that are not among `clip_ids`; empty where it
    has no list.
    """
    if protocol.clips is None:
        return []
    return sorted(set(protocol.clips["clip_id"]) - set(clip_ids))


def detect(protocol: Protocol, unit: int) -> Protocol:
    """The protocol of detecting one of the `action_units`: labels "absent" and "present", a problem like any
    other.

    Datasets that do not annotate the unit, and clips without a readable cell, do not count. Raises `BadInput`
    for a unit that the protocol does not ask for.
    """
    if unit not in units(protocol):
        raise BadInput(
            f"{protocol.name} does not detect action unit {unit}; it detects {units(protocol) or 'none'}."
        )
    return protocol.model_copy(update={"name": f"{protocol.name}-au{unit}", "unit": unit})


def units(protocol: Protocol) -> list[int]:
    """The action units that a protocol asks to detect, sorted; empty for one that gives each clip a single
    label.
    """
    return sorted({unit for listed in (protocol.action_units or {}).values() for unit in listed})


def _labels(protocol: Protocol, table: pd.DataFrame) -> pd.Series:
    """The label of each row of `table`, missing where the clip does not count."""
    if protocol.clips is not None:
        return table["clip_id"].map(dict(zip(protocol.clips["clip_id"], protocol.clips["label"])))
    if protocol.unchanged:
        return table["emotion"].astype("object").where(table["emotion"] != "", None)
    if protocol.emotions is not None:
        labels = [protocol.emotions.get(row.dataset, {}).get(row.emotion) for row in table.itertuples()]
    elif protocol.objective_classes is not None:
        mapping = protocol.objective_classes
        labels = [
            mapping.get(row.dataset, {}).get(objective_class(row.action_units)) for row in table.itertuples()
        ]
    else:
        labels = [
            _detected(protocol, row.dataset, parse_units(row.action_units)) for row in table.itertuples()
        ]
    return pd.Series(labels, table.index, "object")


def _detected(protocol: Protocol, dataset: str, cell: UnitsCell) -> str | None:
    if protocol.unit is None:
        known = units(protocol)
        raise BadInput(
            f"{protocol.name} detects the action units {known} one at a time. Choose one, as in "
            f"{protocol.name}-au{known[0]}."
        )
    asked = (protocol.action_units or {}).get(dataset, [])
    if not cell.units or cell.unreadable or protocol.unit not in asked:
        return None
    return "present" if protocol.unit in cell.units else "absent"


def _read_list(path: Path) -> pd.DataFrame:
    """Read an explicit clip list; ids stay text, so that subject 006 stays 006."""
    try:
        clips = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise BadInput(f"The clip list {path} cannot be read: {error}") from error
    if list(clips.columns) != LIST_COLUMNS:
        raise BadInput(
            f"The clip list {path} has columns {', '.join(clips.columns)}; it needs "
            f"{', '.join(LIST_COLUMNS)}."
        )
    clips.insert(0, "clip_id", clips["dataset"] + "/" + clips["subject"] + "/" + clips["clip"])
    twice = clips.loc[clips["clip_id"].duplicated(), "clip_id"]
    if len(twice):
        raise BadInput(f"The clip list {path} names {len(twice)} clip(s) twice. First: {twice.iloc[0]}.")
    return clips


def _check(protocol: Protocol, path: Path) -> Protocol:
    """Return `protocol` if it says exactly once how clips get labels, and uses every label and no other."""
    given = [key for key in WAYS if getattr(protocol, key) is not None]
    if len(given) != 1:
        raise BadInput(
            f"The protocol {path} needs one of {', '.join(f'`{key}`' for key in WAYS)}, and not "
            f"{' and '.join(given) or 'none'}."
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
        raise BadInput(
            f"The protocol {path} lists the labels {protocol.labels}, but its clips get {sorted(used)}."
        )
    return protocol
