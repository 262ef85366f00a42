"""What a dataset folder holds, found in seconds and before any image is opened: its clips, their frame files, what is missing."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pandas as pd

from data_prep import correct, layout
from data_prep.spotting import midpoint
from mer import registry
from mer.errors import BadInput

APEX_RULES = ("midpoint", "spot")


@dataclass(frozen=True)
class Check:
    """The answer of `check_dataset`: lines to print, and whether anything could be prepared from the folder."""

    lines: list[str]
    usable: bool


@dataclass(frozen=True)
class Found:
    """The files of one clip that preparing reads: onset and apex, or with an apex to be spotted the whole span."""

    clip_id: str
    onset: int | None
    apex: int | None
    apex_source: str
    files: dict[int, Path]
    outcome: str = ""  # why the clip cannot be prepared, as in outcome.csv; empty while nothing speaks against it
    reason: str = ""


def load_dataset(name: str) -> ModuleType:
    """The reader of a dataset by name; raises `UnknownName` for others."""
    return registry.load("data_prep.datasets", name)


def read_clips(name: str, root: Path, corrections: bool = True) -> tuple[pd.DataFrame, list[dict]]:
    """Clip table of the dataset in `root`, and the corrections applied to it.

    An apex outside its clip is no apex: the printed number goes into the note. Raises `BadInput` where no clip is found.
    """
    table = layout.check_names(load_dataset(name).read_annotations(root))
    if not len(table):
        raise BadInput(f"{root} holds no clip of {name}. See the expected tree with: mer prepare {name} --root {root} --check")
    outside = ((table["apex"] < table["onset"]) | (table["apex"] > table["offset"])).fillna(False)
    for row in table.index[outside]:
        clip = table.loc[row]
        table.loc[row, "note"] = f"apex printed as {clip['apex']}, outside {clip['onset']} to {clip['offset']}"
        table.loc[row, ["apex", "apex_source"]] = [pd.NA, ""]
    for column in ("onset", "offset"):
        same = (table["apex"] == table[column]).fillna(False) & (table["note"] == "")
        table.loc[same, "note"] = f"apex is the {column} frame"
    return correct.apply(table, name) if corrections else (table, [])


def locate(name: str, root: Path, row, apex_rule: str) -> Found:
    """Find the frame files that preparing one row of the clip table needs, and the apex where a number settles it."""
    onset, apex, offset = (None if pd.isna(value) else int(value) for value in (row.onset, row.apex, row.offset))
    source = row.apex_source
    if apex is None and onset is not None and offset is not None:
        apex, source = (midpoint(onset, offset), "midpoint") if apex_rule == "midpoint" else (None, "spotted")

    def found(files=(), outcome="", reason=""):
        return Found(row.clip_id, onset, apex, source, dict(files), outcome, reason.replace(f"{root}/", ""))

    if onset is None:
        return found(outcome="no onset", reason="no onset frame is given")
    if not source:
        return found(outcome="no apex", reason="neither apex nor offset is given")
    try:
        files = load_dataset(name).frame_files(root, row)
    except BadInput as error:
        return found(outcome="missing frame", reason=str(error))
    wanted = [onset, apex] if apex is not None else [n for n in files if onset < n <= offset] + [onset]
    for number in wanted:
        if number not in files:
            reach = f"frames {min(files)} to {max(files)} are there" if files else "its folder holds no frames"
            return found(outcome="missing frame", reason=f"frame {number}: {reach}")
    if apex is None and len(wanted) < 2:
        return found(outcome="missing frame", reason=f"no frame after the onset {onset}")
    return found(files=((number, files[number]) for number in sorted(wanted)))


def missing_message(found: list[Found], root: Path) -> str:
    """What, where, how many more, what to do, for the clips whose frames are missing; empty if none is."""
    missing = [clip for clip in found if clip.outcome == "missing frame"]
    if not missing:
        return ""
    return (
        f"{len(missing)} of {len(found)} clips lack frames. First: {missing[0].clip_id}, {missing[0].reason.rstrip('.')}. "
        f"Check --root ({root}), or go on with --skip-missing; they stay listed in outcome.csv."
    )


def check_dataset(name: str, root: str | Path) -> Check:
    """Say whether `root` is the dataset `name` as published: tree, counts, missing frames. Opens no image.

    Fewer clips than published, or some without frames, are worth a line but not a refusal: a subset can be used.
    """
    root, dataset = Path(root), load_dataset(name)
    facts: layout.Facts = dataset.FACTS
    lines = [f"{facts.title} in {root}", "", "Expected:", *(f"  {line}" for line in dataset.TREE.splitlines()), "", "Found:"]
    try:
        table, applied = read_clips(name, root)
        found = [locate(name, root, row, "midpoint") for row in table.itertuples()]
    except BadInput as error:
        return Check(lines + [f"  {error}", "", f"Not usable. How to obtain {facts.title}: {facts.obtain}"], False)
    lines.append(f"  clips     {_count(len(table), facts.clips)}")
    lines.append(f"  subjects  {_count(table['subject'].nunique(), facts.subjects)}")
    counts = table["emotion"].value_counts()
    for emotion in [*facts.emotions, *sorted(set(counts.index) - set(facts.emotions))]:
        lines.append(f"  {emotion:<9} {_count(counts.get(emotion, 0), facts.emotions.get(emotion, 0))}")
    notes = table[table["note"] != ""]
    lines += [f"  {clip.clip_id}: {clip.note}" for clip in notes.head(5).itertuples()]
    lines += [f"  ... and {len(notes) - 5} more clips with a note"] if len(notes) > 5 else []
    lines += [f"  {len(applied)} correction(s) applied, listed in data_prep/corrections/{name}.csv"] if applied else []
    usable = [clip for clip in found if not clip.outcome]
    lines += [f"  {missing}"] if (missing := missing_message(found, root)) else []
    lines += ["", f"{len(usable)} of {len(found)} clips can be prepared." if usable else "Not usable: no clip has its frames."]
    return Check(lines, bool(usable))


def _count(here: int, published: int) -> str:
    return f"{here:>4}, as published" if here == published else f"{here:>4}, published {published}"
