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
from data_prep.annotations import dataset_home, load_dataset, read_clips
from data_prep.clip_images import file_of
from data_prep.clip_search import Found, locate_all, missing_message, too_many_missing
from data_prep.images import looks_like_image
from data_prep.layouts import MARKER
from mer_core.errors import BadInput

TO_BE_SPOTTED = "to be spotted"
MAX_REFUSED = 50  # clips of own recordings that --check lists one by one
SHOWN = 4  # names of each folder that --check shows


@dataclass(frozen=True)
class Check:
    """The answer of `check_dataset`: lines to print, and whether preparing the folder would go on."""

    lines: list[str]
    usable: bool


def check_dataset(name: str, root: str | Path, skip_missing: bool = False) -> Check:
    """Say whether `root` is the dataset `name` as published: tree, counts, oddities, missing frames. Decodes
    no image.

    Fewer clips than published are worth a line but not a refusal: a subset can be used. Missing frames are
    refused where `prepare` refuses them. Of own recordings every clip that cannot be used has its line.
    """
    given, root, dataset = root, Path(root).absolute(), load_dataset(name)
    facts, home = dataset.FACTS, dataset_home(root)
    lines = [f"{facts.title} in {given}", "", "Expected:", *_indented(dataset.TREE.splitlines())]
    lines += ["", "Found:", *_indented(_tree(home))]
    try:
        annotations = read_clips(name, root)
        found = locate_all(name, root, annotations, "midpoint")
    except BadInput as error:
        how = f"Not usable. How to obtain {facts.title}: {facts.obtain}"
        return Check([*lines, f"  {error}", "", how], False)
    lines += ["", *_indented(annotations.sources)] if annotations.sources else []
    lines += ["", *_indented(_counts(dataset, root, annotations.table))]
    if hasattr(dataset, "find_problems"):
        found = [_awaits_spotting(clip) for clip in found]
        lines += _indented([*annotations.oddities, *_own_recordings(found)])
    else:
        corrected = len(annotations.corrections)
        listed = f"{corrected} correction(s) applied, listed in data_prep/corrections/{name}.csv"
        lines += _indented([*annotations.oddities, *[listed] * bool(corrected)])
        lines += _indented(filter(None, [missing_message(found, root), *missed(name, home, found)]))
    lines += _indented(filter(None, [dataset_files.skipped_folders(home)]))
    usable = [clip for clip in found if not clip.outcome]
    broken = [(clip.clip_id, reason) for clip in usable if (reason := unreadable(clip))]
    if broken:
        first = f"First: {broken[0][0]}, {broken[0][1]}."
        lines.append(f"  {len(broken)} clip(s) with a file that is no image. {first}")
    ready = len(usable) - len(broken)
    stops = too_many_missing(name, found, skip_missing)
    how = " only with --skip-missing: without it, mer prepare stops" if stops else ""
    verdict = f"{ready} of {len(found)} clips can be prepared{how}."
    return Check(
        [*lines, "", verdict if ready else "Not usable: no clip has its frames."], bool(ready) and not stops
    )


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _counts(dataset: ModuleType, root: Path, table: pd.DataFrame) -> list[str]:
    """Clips, subjects, words and intervals that are here, beside what is published.

    Of own recordings alone.
    """
    facts: dataset_files.Facts = dataset.FACTS
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
        what: f"{count:>4}" if facts.clips is None else _count(count, published[what])
        for what, count in here.items()
    }
    lines = [f"{what:<{width}} {count}" for what, count in counts.items()]
    unsure = "(Not all of these published counts have been verified: a small difference may be ours.)"
    return lines + [unsure] * facts.recalled


def _awaits_spotting(clip: Found) -> Found:
    """A clip of own recordings whose onset or apex `mer prepare` spots before it looks for frames."""
    is_open = clip.outcome in ("no onset", "no apex")
    return replace(clip, outcome="", reason="", files={}, apex_source=TO_BE_SPOTTED) if is_open else clip


def _own_recordings(found: list[Found]) -> list[str]:
    """Every clip that cannot be used, and how many are spotted first."""
    refused = [f"{clip.clip_id}: {clip.outcome}: {clip.reason}" for clip in found if clip.outcome]
    more = [f"... and {len(refused) - MAX_REFUSED} more"] if len(refused) > MAX_REFUSED else []
    n_open = sum(clip.apex_source == TO_BE_SPOTTED for clip in found)
    spotted = [f"{n_open} clip(s) lack an onset or apex, which mer prepare spots."] if n_open else []
    return [*refused[:MAX_REFUSED], *more, *spotted]


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
            f"{len(unread)} folder(s) beside those of subjects hold no clip that was read: "
            f"{', '.join(unread[:SHOWN])}{more}. Are they subjects?"
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
