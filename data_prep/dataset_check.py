"""What a dataset folder holds, found in seconds and before any image is opened: its clips, their frame
files, what is missing.
"""

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pandas as pd

from data_prep import annotation_checks, annotation_corrections, dataset_files
from data_prep.annotation_sheets import Sources
from data_prep.apex import midpoint
from data_prep.clip_images import FrameFile, FrameInVideo, file_of, numbered_from_onset
from data_prep.images import looks_like_image
from data_prep.layouts import MARKER
from mer_core import registry
from mer_core.errors import BadInput
from mer_core.progress import track

SHOWN = 4  # names of each folder that --check shows


@dataclass(frozen=True)
class Check:
    """The answer of `check_dataset`: lines to print, and whether preparing the folder would go on."""

    lines: list[str]
    usable: bool


@dataclass(frozen=True)
class Found:
    """The files of one clip that preparing reads: onset and apex, or with an apex to be spotted the whole
    span.
    """

    clip_id: str
    onset: int | None
    apex: int | None
    apex_source: str
    files: dict[int, FrameFile]
    outcome: str = (
        ""  # why the clip cannot be prepared, as in outcome.csv; empty while nothing speaks against it
    )
    reason: str = ""


def load_dataset(name: str) -> ModuleType:
    """The reader of a dataset by name; raises `UnknownName` for others."""
    return registry.load("data_prep.datasets", name)


@dataclass(frozen=True)
class Annotations:
    """A dataset as annotated: its clip table, the corrections applied to it, and everything odd that was
    found.
    """

    table: pd.DataFrame
    corrections: list[dict]
    findings: list[annotation_checks.Finding]
    read: list[
        str
    ]  # files and sheets that the annotations come from, below the root; none where folders say it all
    unread: list[str]  # files whose names would have fitted too
    remarks: list[str]  # what else there is to say of the files

    @property
    def sources(self) -> list[str]:
        """Which files were read and which were not, and what there is to say of them.

        Empty where none was.
        """
        others = f" Not read, though the name fits: {', '.join(self.unread)}." if self.unread else ""
        read = [f"Annotations read from {', '.join(self.read)}.{others}"] if self.read else []
        return read + [f"{remark}." for remark in self.remarks]

    @property
    def oddities(self) -> list[str]:
        """One line per kind of oddity: how many, the first, and what it is."""
        lines = []
        for kind in dict.fromkeys(finding.kind for finding in self.findings):
            clip_id, detail = next((one.clip_id, one.detail) for one in self.findings if one.kind == kind)
            count = sum(finding.kind == kind for finding in self.findings)
            lines.append(f"{count} clip(s) with {kind}. First: {clip_id}, {detail}.")
        return lines


def read_clips(name: str, root: Path, corrections: bool = True) -> Annotations:
    """Read the annotations of the dataset in `root`, mend what is odd in them, and correct them.

    Raises `BadInput` where no clip is found.
    """
    dataset_files.forget()
    dataset = load_dataset(name)
    table = dataset.read_annotations(root)
    if not len(table):
        raise BadInput(
            f"{root} holds no clip of {name}. See the expected tree with: mer prepare {name} --root {root} --check"
        )

    def numbers_of(row) -> Collection[int]:
        try:
            return clip_files(dataset, root, row).keys()
        except BadInput:  # a missing folder is reported by `locate`
            return ()

    sources = table.attrs.pop("sources", Sources())
    read = [
        f"{path.relative_to(root)}{f' (sheet {sheet!r})' if sheet else ''}" for path, sheet in sources.read
    ]
    unread = [str(path.relative_to(root)) for path in sources.unread]
    table, findings = annotation_checks.find(table, numbers_of)
    table, applied = annotation_corrections.apply(table, name) if corrections else (table, [])
    return Annotations(table, applied, findings, read, unread, sources.remarks)


def locate_all(name: str, root: Path, annotations: Annotations, apex_rule: str) -> list[Found]:
    """`locate` for every row of the clip table.

    Clips that were refused when they were read are not looked for.
    """
    dataset = load_dataset(name)
    refused = {
        finding.clip_id: (finding.outcome, finding.detail)
        for finding in annotations.findings
        if finding.outcome
    }
    return [
        Found(row.clip_id, None, None, "", {}, *refused[row.clip_id])
        if row.clip_id in refused
        else locate(dataset, root, row, apex_rule)
        for row in track(list(annotations.table.itertuples()), f"finding the frames of {name}")
    ]


def locate(dataset: ModuleType, root: Path, row, apex_rule: str) -> Found:
    """Find the frame files that preparing one row of the clip table needs, and the apex where a number
    settles it.
    """
    onset, apex, offset = (
        None if pd.isna(value) else int(value) for value in (row.onset, row.apex, row.offset)
    )
    source = row.apex_source
    if apex is None and onset is not None and offset is not None:
        apex, source = (midpoint(onset, offset), "midpoint") if apex_rule == "midpoint" else (None, "spotted")

    def found(files=(), outcome="", reason=""):
        return Found(row.clip_id, onset, apex, source, dict(files), outcome, reason.replace(f"{root}/", ""))

    if onset is None:
        return found(outcome="no onset", reason=row.note or "no onset frame is given")
    if not source:
        return found(outcome="no apex", reason="neither apex nor offset is given")
    try:
        files = clip_files(dataset, root, row)
    except BadInput as error:
        return found(outcome="missing frame", reason=str(error))
    wanted = [onset, apex] if apex is not None else [onset] + [n for n in files if onset < n <= offset]
    for number in wanted:
        if number not in files:
            reach = (
                f"frames {min(files)} to {max(files)} are there" if files else "its folder holds no frames"
            )
            return found(outcome="missing frame", reason=f"frame {number}: {reach}")
    if apex is None and len(wanted) < 2:
        return found(outcome="missing frame", reason=f"no frame after the onset {onset}")
    return found((number, files[number]) for number in sorted(set(wanted)))


def clip_files(dataset: ModuleType, root: Path, row) -> dict[int, FrameFile]:
    """Frame files of a clip by annotated number; raises `BadInput` where they are missing or have no
    numbers.
    """
    files = dataset.frame_files(root, row)
    if any(isinstance(file, FrameInVideo) for file in files.values()):
        return numbered_from_onset(files, *(None if pd.isna(n) else int(n) for n in (row.onset, row.offset)))
    return files


def too_many_missing(name: str, found: list[Found], skip_missing: bool) -> bool:
    """Do more clips lack frames than preparing goes on with? Some releases lack a few themselves
    (`Facts.lacking`).
    """
    missing = sum(clip.outcome == "missing frame" for clip in found)
    return missing == len(found) or (
        missing > load_dataset(name).FACTS.lacking * len(found) and not skip_missing
    )


def missing_message(found: list[Found], root: Path) -> str:
    """What, where, how many more, what to do, for the clips whose frames are missing; empty if none is."""
    missing = [clip for clip in found if clip.outcome == "missing frame"]
    if not missing:
        return ""
    return (
        f"{len(missing)} of {len(found)} clips lack frames. First: {missing[0].clip_id}, {missing[0].reason.rstrip('.')}. "
        f"Check --root ({root}), or go on with --skip-missing; they stay listed in outcome.csv."
    )


def missed(name: str, root: Path, found: list[Found]) -> list[str]:
    """What no clip's outcome tells: published subjects that are not here, and folders beside the subjects'
    that nobody was read from.

    Parts of a dataset are in common use, so neither is an error; replicas are small on purpose.
    """
    published = load_dataset(name).FACTS.subjects or 0
    here = {_subject(clip) for clip in found if clip.outcome != "missing frame"}
    lines = (
        [f"{len(here)} of the published {published} subjects are here."]
        if len(here) < published and not (root / MARKER).is_file()
        else []
    )
    people = {_unpadded(_subject(clip)) for clip in found}
    homes = {
        folder.parent
        for clip in found
        for file in clip.files.values()
        for folder in file_of(file).parents
        if _unpadded(folder.name) == _unpadded(_subject(clip)) and root in folder.parents
    }
    beside = [folder for home in sorted(homes) for folder in dataset_files.folders_in(home).values()]
    unread = [
        str(folder.relative_to(root))
        for folder in beside
        if re.search(r"\d", folder.name) and _unpadded(folder.name) not in people
    ]
    if unread:
        more = ", ..." if len(unread) > SHOWN else ""
        lines.append(
            f"{len(unread)} folder(s) beside those of subjects hold no clip that was read: {', '.join(unread[:SHOWN])}{more}. Are they subjects?"
        )
    return lines


def _subject(clip: Found) -> str:
    return clip.clip_id.split("/")[1]


def _unpadded(name: str) -> str:
    """A subject's name as its folder may spell it too: s01 is s1, and Sub01 is sub1."""
    return re.sub(r"0+(?=\d)", "", name.lower())


def unreadable(clip: Found) -> str:
    """Why one of the clip's files cannot be an image, judged by its first bytes; empty if all may be."""
    for frame in clip.files.values():
        if isinstance(frame, Path) and not looks_like_image(frame):
            return f"{frame.name} is {'no image' if frame.stat().st_size else 'empty'}"
    return ""


def check_dataset(name: str, root: str | Path, skip_missing: bool = False) -> Check:
    """Say whether `root` is the dataset `name` as published: tree, counts, oddities, missing frames. Decodes
    no image.

    Fewer clips than published are worth a line but not a refusal: a subset can be used. Missing frames are
    refused where `prepare` refuses them.
    """
    root, dataset = Path(root), load_dataset(name)
    facts: dataset_files.Facts = dataset.FACTS
    lines = [
        f"{facts.title} in {root}",
        "",
        "Expected:",
        *(f"  {line}" for line in dataset.TREE.splitlines()),
    ]
    lines += ["", "Found:", *(f"  {line}" for line in _tree(root))]
    try:
        annotations = read_clips(name, root)
        found = locate_all(name, root, annotations, "midpoint")
    except BadInput as error:
        return Check(
            lines + [f"  {error}", "", f"Not usable. How to obtain {facts.title}: {facts.obtain}"], False
        )
    table = annotations.table
    counts = {
        "clips": _count(len(table), facts.clips),
        "subjects": _count(table["subject"].nunique(), facts.subjects),
    }
    here = table["emotion"].value_counts()
    for emotion in [*facts.emotions, *sorted(set(here.index) - set(facts.emotions))]:
        counts[emotion or "(none)"] = _count(here.get(emotion, 0), facts.emotions.get(emotion, 0))
    if facts.intervals:
        kinds = dataset.read_intervals(root)["kind"].value_counts()
        counts |= {
            f"{kind} intervals": _count(kinds.get(kind, 0), published)
            for kind, published in facts.intervals.items()
        }
    width = max(map(len, counts))
    lines += ["", *(f"  {line}" for line in annotations.sources)] if annotations.sources else []
    lines += ["", *(f"  {what:<{width}} {count}" for what, count in counts.items())]
    if facts.recalled:
        lines.append(
            "  (Not all of these published counts have been verified: a small difference may be ours.)"
        )
    lines += [f"  {line}" for line in annotations.oddities]
    if annotations.corrections:
        lines.append(
            f"  {len(annotations.corrections)} correction(s) applied, listed in data_prep/corrections/{name}.csv"
        )
    lines += [f"  {missing}"] if (missing := missing_message(found, root)) else []
    lines += [f"  {note}" for note in missed(name, root, found)]
    usable = [clip for clip in found if not clip.outcome]
    broken = [(clip.clip_id, reason) for clip in usable if (reason := unreadable(clip))]
    lines += (
        [f"  {len(broken)} clip(s) with a file that is no image. First: {broken[0][0]}, {broken[0][1]}."]
        if broken
        else []
    )
    ready = len(usable) - len(broken)
    stops = too_many_missing(name, found, skip_missing)
    how = " only with --skip-missing: without it, mer prepare stops" if stops else ""
    lines += [
        "",
        f"{ready} of {len(found)} clips can be prepared{how}."
        if ready
        else "Not usable: no clip has its frames.",
    ]
    return Check(lines, bool(ready) and not stops)


def _tree(folder: Path, level: int = 0) -> list[str]:
    """What is in a folder, as far as it helps to compare: the first names of each of four levels, below the
    first folder.
    """
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        names = sorted((not entry.is_dir(), entry.name) for entry in entries)  # folders first
    lines, indent = ([folder.absolute().name] if level == 0 else []), "  " * (level + 1)
    for i, (is_file, name) in enumerate(names[:SHOWN]):
        lines.append(f"{indent}{name}{'' if is_file else '/'}")
        if not is_file and i == 0 and level < 3:
            lines += _tree(folder / name, level + 1)
    return lines + ([f"{indent}... and {len(names) - SHOWN} more"] if len(names) > SHOWN else [])


def _count(here: int, published: int | None) -> str:
    if published is None:
        return f"{here:>4}, no count is published"
    return f"{here:>4}, as published" if here == published else f"{here:>4}, published {published}"
