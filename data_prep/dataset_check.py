"""What a dataset folder holds, found in seconds and before any image is opened: its clips, their frame
files, what is missing.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import pandas as pd

from data_prep import dataset_files
from data_prep.annotations import dataset_folder, load_dataset, read_clips
from data_prep.clip_images import containing_file
from data_prep.clip_search import ClipFiles, locate_clips, missing_message, too_many_missing
from data_prep.images import looks_like_image
from data_prep.layouts import MARKER
from mer_core.errors import BadInput

TO_BE_SPOTTED = "to be spotted"
MAX_REFUSED = 50  # clips of own recordings that --check lists one by one
MAX_NAMES = 4  # names of each folder that --check shows


@dataclass(frozen=True)
class CheckReport:
    """The answer of `check_dataset`: lines to print, and whether preparing the folder would go on."""

    lines: list[str]
    usable: bool


def check_dataset(name: str, root: str | Path, skip_missing: bool = False) -> CheckReport:
    """Say whether `root` is the dataset `name` as published: tree, counts, oddities, missing frames. Decodes
    no image.

    Fewer clips than published are worth a line but not a refusal: a subset can be used. Missing frames are
    refused where `prepare` refuses them. Of own recordings every clip that cannot be used has its line.
    """
    given, root, dataset = root, Path(root).absolute(), load_dataset(name)
    facts, home = dataset.FACTS, dataset_folder(root)
    lines = [f"{facts.title} in {given}", "", "Expected:", *_indent(dataset.TREE.splitlines())]
    lines += ["", "Found:", *_indent(_tree_lines(home))]
    try:
        annotations = read_clips(name, root)
        found = locate_clips(name, root, annotations, "midpoint")
    except BadInput as error:
        how = f"Not usable. How to obtain {facts.title}: {facts.obtain}"
        return CheckReport([*lines, f"  {error}", "", how], False)
    lines += ["", *_indent(annotations.sources)] if annotations.sources else []
    lines += ["", *_indent(_count_lines(dataset, root, annotations.table))]
    if hasattr(dataset, "find_problems"):
        found = [_mark_to_be_spotted(clip) for clip in found]
        lines += _indent([*annotations.oddities, *_recording_lines(found)])
    else:
        corrected = len(annotations.corrections)
        listed = f"{corrected} correction(s) applied, listed in data_prep/corrections/{name}.csv"
        lines += _indent([*annotations.oddities, *[listed] * bool(corrected)])
        lines += _indent(filter(None, [missing_message(found, root), *coverage_remarks(name, home, found)]))
    lines += _indent(filter(None, [dataset_files.skipped_folders(home)]))
    usable = [clip for clip in found if not clip.outcome]
    broken = [(clip.clip_id, reason) for clip in usable if (reason := non_image_reason(clip))]
    if broken:
        first = f"First: {broken[0][0]}, {broken[0][1]}."
        lines.append(f"  {len(broken)} clip(s) with a file that is no image. {first}")
    ready = len(usable) - len(broken)
    stops = too_many_missing(name, found, skip_missing)
    how = " only with --skip-missing: without it, mer prepare stops" if stops else ""
    verdict = f"{ready} of {len(found)} clips can be prepared{how}."
    return CheckReport(
        [*lines, "", verdict if ready else "Not usable: no clip has its frames."], bool(ready) and not stops
    )


def _indent(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _count_lines(dataset: ModuleType, root: Path, table: pd.DataFrame) -> list[str]:
    """Clips, subjects, words and intervals that are here, beside what is published.

    Of own recordings alone.
    """
    facts: dataset_files.DatasetFacts = dataset.FACTS
    words = table["emotion"].value_counts()
    here = {"clips": len(table), "subjects": table["subject"].nunique()}
    published = {"clips": facts.clips, "subjects": facts.subjects}
    for word in [*facts.emotions, *sorted(set(words.index) - set(facts.emotions))]:
        here[word or "(none)"] = int(words.get(word, 0))
        published[word or "(none)"] = facts.emotions.get(word, 0)
    if facts.intervals:
        kinds = dataset.read_intervals(root)["kind"].value_counts()
        here |= {f"{kind} intervals": int(kinds.get(kind, 0)) for kind in facts.intervals}
        published |= {f"{kind} intervals": count for kind, count in facts.intervals.items()}
    width = max(map(len, here))
    counts = {
        what: f"{count:>4}" if facts.clips is None else _format_count(count, published[what])
        for what, count in here.items()
    }
    lines = [f"{what:<{width}} {count}" for what, count in counts.items()]
    unsure = "(Not all of these published counts have been verified: a small difference may be ours.)"
    return lines + [unsure] * facts.unverified


def _mark_to_be_spotted(clip: ClipFiles) -> ClipFiles:
    """A clip of own recordings whose onset or apex `mer prepare` spots before it looks for frames."""
    is_open = clip.outcome in ("no onset", "no apex")
    return replace(clip, outcome="", reason="", files={}, apex_source=TO_BE_SPOTTED) if is_open else clip


def _recording_lines(found: list[ClipFiles]) -> list[str]:
    """Every clip that cannot be used, and how many are spotted first."""
    refused = [f"{clip.clip_id}: {clip.outcome}: {clip.reason}" for clip in found if clip.outcome]
    more = [f"... and {len(refused) - MAX_REFUSED} more"] if len(refused) > MAX_REFUSED else []
    n_open = sum(clip.apex_source == TO_BE_SPOTTED for clip in found)
    spotted = [f"{n_open} clip(s) lack an onset or apex, which mer prepare spots."] if n_open else []
    return [*refused[:MAX_REFUSED], *more, *spotted]


def coverage_remarks(name: str, root: Path, found: list[ClipFiles]) -> list[str]:
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
    people = {_strip_padding(_subject(clip)) for clip in found}
    homes = {
        folder.parent
        for clip in found
        for file in clip.files.values()
        for folder in containing_file(file).parents
        if _strip_padding(folder.name) == _strip_padding(_subject(clip)) and root in folder.parents
    }
    beside = [folder for home in sorted(homes) for folder in dataset_files.folders_in(home).values()]
    unread = [
        str(folder.relative_to(root))
        for folder in beside
        if re.search(r"\d", folder.name) and _strip_padding(folder.name) not in people
    ]
    if unread:
        more = ", ..." if len(unread) > MAX_NAMES else ""
        lines.append(
            f"{len(unread)} folder(s) beside those of subjects hold no clip that was read: "
            f"{', '.join(unread[:MAX_NAMES])}{more}. Are they subjects?"
        )
    return lines


def _subject(clip: ClipFiles) -> str:
    return clip.clip_id.split("/")[1]


def _strip_padding(name: str) -> str:
    """A subject's name as its folder may spell it too: s01 is s1, and Sub01 is sub1."""
    return re.sub(r"0+(?=\d)", "", name.lower())


def non_image_reason(clip: ClipFiles) -> str:
    """Why one of the clip's files cannot be an image, judged by its first bytes; empty if all may be."""
    for frame in clip.files.values():
        if isinstance(frame, Path) and not looks_like_image(frame):
            return f"{frame.name} is {'no image' if frame.stat().st_size else 'empty'}"
    return ""


def _tree_lines(folder: Path, level: int = 0) -> list[str]:
    """What is in a folder, as far as it helps to compare: the first names of each of four levels, below the
    first folder.
    """
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


def _format_count(here: int, published: int | None) -> str:
    if published is None:
        return f"{here:>4}, no count is published"
    return f"{here:>4}, as published" if here == published else f"{here:>4}, published {published}"
