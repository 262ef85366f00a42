"""`mer prepare --check`: what a dataset folder holds and what is missing, without decoding an image."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import pandas as pd

from data_prep import dataset_files
from data_prep.annotations import dataset_folder, holds_own_recordings, load_dataset, read_clips
from data_prep.clip_images import containing_file
from data_prep.clip_search import ClipFiles, locate_clips, missing_message, too_many_missing
from data_prep.image_files.images import looks_like_image
from data_prep.interval_table import interval_remarks
from data_prep.layouts import MARKER
from mer_core.errors import BadInput
from mer_core.text import format_count

TO_BE_SPOTTED = "to be spotted"
MAX_REFUSED = 50  # refused clips of own recordings that are listed
MAX_NAMES = 4  # names listed of each folder


@dataclass(frozen=True)
class CheckReport:
    """The result of `check_dataset`."""

    lines: list[str]  # to print
    usable: bool  # whether `mer prepare` would run
    n_clips: int = 0  # listed
    n_ready: int = 0  # can be prepared
    is_own: bool = False  # own recordings; nobody but its makers can correct a published dataset

    @property
    def passed(self) -> bool:
        """Whether the input is usable and, in a table of own recordings, every row is."""
        return self.usable and not (self.is_own and self.n_ready < self.n_clips)


def check_dataset(name: str, root: str | Path, skip_missing: bool = False) -> CheckReport:
    """Compare a folder with the dataset as published: tree, counts, irregularities, missing frames.

    Fewer clips than published are reported but usable. Missing frames make the folder unusable if `prepare`
    would refuse them. For own recordings, every clip that cannot be used is listed.

    Parameters
    ----------
    name : str
        Name of the dataset.
    root : path
        Its folder, or the table of own recordings.
    skip_missing : bool
        As in `prepare`.

    Returns
    -------
    CheckReport
        Lines to print and a verdict; an unreadable folder is a verdict too, not an error.

    Raises
    ------
    UnknownName
        If there is no such dataset.
    """
    given_root, root, dataset = root, Path(root).absolute(), load_dataset(name)
    facts, folder, is_own = dataset.FACTS, dataset_folder(root), holds_own_recordings(dataset)
    lines = [f"{facts.title} in {given_root}", "", "Expected:", *_indent(dataset.TREE.splitlines())]
    lines += ["", "Found:", *_indent(_tree_lines(folder))]
    try:
        annotations = read_clips(name, root)
        clips = locate_clips(name, root, annotations, "midpoint")
    except BadInput as error:
        advice = f"Not usable. {'See' if is_own else f'How to obtain {facts.title}:'} {facts.obtain}"
        return CheckReport([*lines, f"  {error}", "", advice], False)
    lines += ["", *_indent(annotations.sources)] if annotations.sources else []
    lines += ["", *_indent(_count_lines(dataset, root, annotations.table))]
    if is_own:
        clips = [_mark_to_be_spotted(clip) for clip in clips]
        lines += _indent([*annotations.oddities, *_recording_lines(clips)])
    else:
        n_corrections = len(annotations.corrections)
        corrections = (
            f"{format_count(n_corrections, 'correction')} applied, listed in data_prep/corrections/{name}.csv"
        )
        lines += _indent([*annotations.oddities, *[corrections] * bool(n_corrections)])
        lines += _indent([missing_message(clips, root), *coverage_remarks(name, folder, clips)])
    lines += _indent([dataset_files.skipped_folders(folder)])
    return replace(_verdict(name, clips, lines, skip_missing), is_own=is_own)


def _verdict(name: str, clips: list[ClipFiles], lines: list[str], skip_missing: bool) -> CheckReport:
    """Add the lines about unreadable files and the final count."""
    candidates = [clip for clip in clips if not clip.outcome]
    broken = [(clip.clip_id, reason) for clip in candidates if (reason := non_image_reason(clip))]
    if broken:
        first = f"First: {broken[0][0]}, {broken[0][1]}."
        lines = [*lines, f"  {format_count(len(broken), 'clip')} with a file that is not an image. {first}"]
    n_ready = len(candidates) - len(broken)
    if not n_ready:
        return CheckReport([*lines, "", "Not usable: no clip has its frames."], False, len(clips))
    stops = too_many_missing(name, clips, skip_missing)
    condition = " only with --skip-missing: without it, mer prepare stops" if stops else ""
    verdict = f"{n_ready} of {len(clips)} clips can be prepared{condition}."
    return CheckReport([*lines, "", verdict], not stops, len(clips), n_ready)


def _indent(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines if line]


def _count_lines(dataset: ModuleType, root: Path, table: pd.DataFrame) -> list[str]:
    """Count clips, subjects, emotions and intervals, beside the published counts if there are any."""
    facts: dataset_files.DatasetFacts = dataset.FACTS
    words = table["emotion"].value_counts()
    counted = {"clips": len(table), "subjects": table["subject"].nunique()}
    published = {"clips": facts.clips, "subjects": facts.subjects}
    for word in [*facts.emotions, *sorted(set(words.index) - set(facts.emotions))]:
        counted[word or "(none)"] = int(words.get(word, 0))
        published[word or "(none)"] = facts.emotions.get(word, 0)
    remarks = []
    if facts.intervals:
        intervals = dataset.read_intervals(root)
        remarks = interval_remarks(intervals)
        kinds = intervals["kind"].value_counts()
        counted |= {f"{kind} intervals": int(kinds.get(kind, 0)) for kind in facts.intervals}
        published |= {f"{kind} intervals": count for kind, count in facts.intervals.items()}
    width = max(map(len, counted))
    counts = {
        what: f"{count:>4}" if facts.clips is None else _format_count(count, published[what])
        for what, count in counted.items()
    }
    lines = [f"{what:<{width}} {count}" for what, count in counts.items()]
    caveat = "(Not all of these published counts have been verified: a small difference may be ours.)"
    return lines + [caveat] * facts.unverified + remarks


def _mark_to_be_spotted(clip: ClipFiles) -> ClipFiles:
    """Clear the outcome of a clip of own recordings whose onset or apex `mer prepare` spots itself."""
    if clip.outcome in ("no onset", "no apex"):
        return replace(clip, outcome=None, reason="", files={}, apex_source=TO_BE_SPOTTED)
    return clip


def _recording_lines(clips: list[ClipFiles]) -> list[str]:
    """List every clip that cannot be used, and count those to be spotted."""
    refused = [f"{clip.clip_id}: {clip.outcome}: {clip.reason}" for clip in clips if clip.outcome]
    more = [f"... and {len(refused) - MAX_REFUSED} more"] if len(refused) > MAX_REFUSED else []
    n_open = sum(clip.apex_source == TO_BE_SPOTTED for clip in clips)
    open_clips = (
        [f"{format_count(n_open, 'clip lacks', 'clips lack')} an onset or apex, which mer prepare spots."]
        if n_open
        else []
    )
    return [*refused[:MAX_REFUSED], *more, *open_clips]


def coverage_remarks(name: str, root: Path, clips: list[ClipFiles]) -> list[str]:
    """Report absent clips and subjects, odd frames, and subject-like folders that no clip was read from.

    None of these is an error: parts of a dataset are in common use, and replicas are small on purpose.

    Parameters
    ----------
    name : str
        Name of the dataset.
    root : Path
        Its folder.
    clips : list of ClipFiles
        All clips of the dataset.
    """
    facts = load_dataset(name).FACTS
    subjects = {_subject(clip) for clip in clips if clip.outcome != "missing frame"}
    counts = {"clips": (len(clips), facts.clips), "subjects": (len(subjects), facts.subjects)}
    lines = [
        f"{here} of the published {published} {what} are here."
        for what, (here, published) in counts.items()
        if here < (published or 0) and not (root / MARKER).is_file()
    ]
    remarked = [clip for clip in clips if clip.reason and not clip.outcome]
    if remarked:
        lines.append(
            f"{format_count(len(remarked), 'clip')} with a remark about the frames. "
            f"First: {remarked[0].clip_id}, {remarked[0].reason}."
        )
    parents, read = _subject_parents(root, clips)
    if others := _other_parents(root, parents):
        lines.append(f"Folders that hold subjects but are not read: {', '.join(others[:MAX_NAMES])}.")
    if seconds := _second_folders(root, clips):
        more = ", ..." if len(seconds) > MAX_NAMES else ""
        lines.append(
            f"{format_count(len(seconds), 'folder is', 'folders are')} named like a clip whose frames were "
            f"read from another: {', '.join(seconds[:MAX_NAMES])}{more}."
        )
    if unread := _unread_folders(root, clips, parents, read):
        more = ", ..." if len(unread) > MAX_NAMES else ""
        lines.append(
            f"{format_count(len(unread), 'folder holds', 'folders hold')} no clip that was read: "
            f"{', '.join(unread[:MAX_NAMES])}{more}. Are they subjects?"
        )
    return lines


def _subject_parents(root: Path, clips: list[ClipFiles]) -> tuple[list[Path], set[Path]]:
    """Return the folders that hold those of subjects, and all folders with a clip that was read."""
    above = {
        (_subject(clip), folder)
        for clip in clips
        for file in clip.files.values()
        for folder in containing_file(file).parents
        if root in folder.parents
    }
    parents = {
        folder.parent for subject, folder in above if _strip_padding(folder.name) == _strip_padding(subject)
    }
    return sorted(parents), {folder for _, folder in above}


def _other_parents(root: Path, parents: list[Path]) -> list[str]:
    """Return the folders that hold the same subjects as `parents`, such as copies."""
    names = {name for parent in parents for name in dataset_files.folders_in(parent)}
    pattern = "|".join(re.escape(name) for name in names if re.search(r"\d", name))
    return [
        str(folder.relative_to(root))
        for folder, children in dataset_files.walk_folders(root, pattern or ".*")
        if folder not in parents and any(child.lower() in names for child in children)
    ]


def _unread_folders(root: Path, clips: list[ClipFiles], parents: list[Path], read: set[Path]) -> list[str]:
    """Return the folders beside those of subjects that look like subjects but hold no clip that was read."""
    known = {_strip_padding(_subject(clip)) for clip in clips}
    siblings = [folder for parent in parents for folder in dataset_files.folders_in(parent).values()]
    return [
        str(folder.relative_to(root))
        for folder in siblings
        if re.search(r"\d", folder.name) and _strip_padding(folder.name) not in known and folder not in read
    ]


def _second_folders(root: Path, clips: list[ClipFiles]) -> list[str]:
    """Return unread folders named like a clip, or like a copy of it, in the folder of its subject."""
    folders = {containing_file(file).parent: clip for clip in clips for file in clip.files.values()}
    names: dict[Path, set[str]] = {}  # of clips, by the folder of their subject
    for folder, clip in folders.items():
        above = [path for path in folder.parents if root in path.parents]
        subjects = [path for path in above if _strip_padding(path.name) == _strip_padding(_subject(clip))]
        if subjects and clip.clip_id.split("/")[-1].lower() in folder.name.lower():
            names.setdefault(subjects[0], set()).add(re.escape(folder.name))
    return sorted(
        str((folder / name).relative_to(root))
        for subject, patterns in names.items()
        for folder, children in dataset_files.walk_folders(subject, "(?!)")
        for name in children
        if folder / name not in folders
        and re.match(rf"({'|'.join(patterns)})(?![0-9a-z])", name, re.IGNORECASE)
    )


def _subject(clip: ClipFiles) -> str:
    return clip.clip_id.split("/")[1]


def _strip_padding(name: str) -> str:
    """Return a subject's name without case and zero padding: Sub01 is sub1."""
    return re.sub(r"0+(?=\d)", "", name.lower())


def non_image_reason(clip: ClipFiles) -> str:
    """Return why a file of the clip cannot be an image, by its first bytes; empty if all may be images."""
    for frame in clip.files.values():
        if isinstance(frame, Path) and not looks_like_image(frame):
            return f"{frame.name} is {'no image' if frame.stat().st_size else 'empty'}"
    return ""


def _tree_lines(folder: Path, level: int = 0) -> list[str]:
    """List the first names in a folder, and recursively in its first subfolder, down to four levels."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        names = sorted((not entry.is_dir(), entry.name) for entry in entries)  # folders first
    lines, indent = ([folder.absolute().name] if level == 0 else []), "  " * (level + 1)
    for i, (is_file, name) in enumerate(names[:MAX_NAMES]):
        lines.append(f"{indent}{name}{'' if is_file else '/'}")
        if not is_file and i == 0 and level < 3:
            lines += _tree_lines(folder / name, level + 1)
    return lines + ([f"{indent}... and {len(names) - MAX_NAMES} more"] if len(names) > MAX_NAMES else [])


def _format_count(count: int, published: int | None) -> str:
    if published is None:
        return f"{count:>4}, no count is published"
    return f"{count:>4}, as published" if count == published else f"{count:>4}, published {published}"
