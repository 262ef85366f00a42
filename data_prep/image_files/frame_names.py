"""Frame numbers from file names: which digits count frames, and which are dates, hashes or copy marks.

The names of a folder are read together, because one name is not enough: in `006_05562.jpg` the second group
of digits counts through the folder and the first does not. Names with two plausible readings are refused;
the message gives both. File contents are compared only to recognise copies.
"""

import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from data_prep.image_files.name_copies import FrameCollision, without_copies
from data_prep.image_files.name_times import (
    AmbiguousNames,
    read_half_days,
    read_time_stamps,
    refuse_other_digits,
    refuse_restart,
    refuse_signs,
)
from mer_core.text import format_count

MAX_NUMBER = 10**15  # larger numbers are no frame numbers; files are then numbered by their order
MAX_KINDS = 5  # of names in a folder that are reported; more are words that differ with each frame
SEPARATORS = re.compile(r"[\s._\-()\[\]{}+~#@=,;:&']+")
HASH = re.compile(r"^(?=.*[a-f])(?=.*\d)[0-9a-f]{6,}$", re.IGNORECASE)
UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
HEX = re.compile(r"^[0-9a-f]{6,}$", re.IGNORECASE)


@dataclass(frozen=True)
class FrameNames:
    """The image files of a folder in the order of recording."""

    files: dict[int, Path]  # frame number -> file, ascending
    times_s: dict[int, float] | None = None  # seconds since the first frame, if the names are time stamps
    notes: list[str] = field(default_factory=list)  # files that were skipped, and why
    is_ordinal: bool = False  # the names hold no frame numbers: files are numbered from 0 in their order


@dataclass(frozen=True)
class _Name:
    """A file name split into fields."""

    path: Path
    stem: str  # without copy marks
    fields: tuple[str, ...]  # between the separators

    @classmethod
    def split(cls, path: Path, stem: str) -> "_Name":
        joined = UUID.sub(lambda found: found[0].replace("-", ""), stem.casefold())
        return cls(path, stem, tuple(part for part in SEPARATORS.split(joined) if part))


@dataclass(frozen=True)
class _Reading:
    """One way to number the files of a folder."""

    title: str  # for messages
    values: tuple[Any, ...]  # of each file: a number, or the tuple of all numbers in its name

    @property
    def order(self) -> tuple[int, ...]:
        """Indices that sort the values."""
        return tuple(sorted(range(len(self.values)), key=self.values.__getitem__))

    @property
    def is_distinct(self) -> bool:
        return len(set(self.values)) == len(self.values)

    @property
    def is_contiguous(self) -> bool:
        return self.is_distinct and max(self.values) - min(self.values) + 1 == len(self.values)

    @property
    def step(self) -> float:
        """Median difference of sorted neighbours; 1 for a single file."""
        ordered = sorted(self.values)
        return statistics.median(b - a for a, b in zip(ordered, ordered[1:])) if len(ordered) > 1 else 1.0


def read_frame_names(paths: Iterable[Path]) -> FrameNames:
    """Number image files by their names.

    Parameters
    ----------
    paths : iterable of Path
        Image files of one folder in any order; those without digits are skipped, with a note.

    Returns
    -------
    FrameNames
        Numbers as printed in the names, or from 0 if the names are time stamps.

    Raises
    ------
    FrameCollision
        If two files claim the same number or time.
    AmbiguousNames
        If the names can be read in two ways.
    """
    paths = set(paths)
    numbered = sorted(path for path in paths if re.search(r"\d", path.stem))
    if not numbered:
        return FrameNames({})
    stems, notes = without_copies(numbered)
    if unnumbered := sorted(path.name for path in paths.difference(numbered)):
        notes.append(_skipped(unnumbered, "without a number"))
    named = [_Name.split(path, stem) for path, stem in stems.items()]
    refuse_other_digits(sorted(paths))
    refuse_signs([name.stem for name in named])
    is_count = any(reading.is_contiguous for reading in _list_readings(named))
    if not is_count:
        named, other = _split_majority(named)
        if other:
            notes.append(_skipped([name.path.name for name in other], "named unlike the rest"))
    readings = _list_readings(named)
    counting = [reading for reading in readings if reading.is_distinct and reading.step == 1]
    read = read_half_days if counting else read_time_stamps
    stamps = None if is_count else read([name.stem for name in named])
    if stamps is not None:
        return _order_by_time(named, stamps, notes)
    words = sorted({_words(name) for name in named})
    if 1 < len(words) <= MAX_KINDS:
        notes.append(f"names of {len(words)} kinds ({words[0]}, {words[1]} ...) are read as one sequence")
    chosen = _choose_reading(named, counting or [reading for reading in readings if reading.is_distinct])
    files = [named[i].path for i in chosen.order]
    refuse_restart(dict(zip(sorted(chosen.values), files)))
    if max(chosen.values) >= MAX_NUMBER:
        notes.append(
            f"{files[0].name} holds no frame number; frames are numbered from 0 in the order of their names"
        )
        return FrameNames(dict(enumerate(files)), None, notes, is_ordinal=True)
    return FrameNames(dict(zip(sorted(chosen.values), files)), None, notes)


def _skipped(names: Sequence[str], why: str) -> str:
    return f"{format_count(len(names), 'image')} {why} skipped, first: {names[0]}"


def name_gaps(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return the missing stretches of frame numbers as (first, last); empty if the usual step is not 1.

    Parameters
    ----------
    numbers : sequence of int
        Frame numbers, ascending.
    """
    if usual_step(numbers) != 1:
        return []
    return [(a + 1, b - 1) for a, b in zip(numbers, numbers[1:]) if b - a > 1]


def usual_step(numbers: Sequence[int]) -> float:
    """Return the median difference of neighbours in ascending numbers; 0 for a single one."""
    return statistics.median([b - a for a, b in zip(numbers, numbers[1:])] or [0])


def _split_majority(named: list[_Name]) -> tuple[list[_Name], list[_Name]]:
    """Split names into the majority with the same structure, and the others; without a majority, keep all."""
    kept = named
    columns = max(len(name.fields) for name in named)
    structures: list[Callable[[_Name], object]] = [lambda name: len(name.fields)]
    structures += [partial(_skeleton, column=i) for i in range(columns)]
    for structure in structures:
        values = list(map(structure, kept))
        most_common, n = Counter(values).most_common(1)[0]
        if len(kept) / 2 < n < len(kept):
            kept = [name for name, value in zip(kept, values) if value == most_common]
    kept_paths = {name.path for name in kept}
    return kept, [name for name in named if name.path not in kept_paths]


def _skeleton(name: _Name, column: int) -> str:
    """Return a field with each number replaced by 0, and each hash by #."""
    part = name.fields[column] if column < len(name.fields) else ""
    return "#" if HASH.match(part) else re.sub(r"\d+", "0", part)


def _words(name: _Name) -> str:
    """Return a name with each number replaced by 0, and each hash by #."""
    return "_".join(_skeleton(name, i) for i in range(len(name.fields)))


def _list_readings(named: Sequence[_Name]) -> list[_Reading]:
    """Return a reading for each group of digits at the same place in all names, else for the last group."""
    widths = {len(name.fields) for name in named}
    readings: list[_Reading] = []
    for column in range(min(widths)) if len(widths) == 1 else ():
        parts = [name.fields[column] for name in named]
        if any(HASH.match(part) for part in parts) and all(HEX.match(part) for part in parts):
            continue  # hashes that export tools add
        if len({*map(_without_digits, parts)}) != 1:
            continue  # words that differ between files
        groups = [re.findall(r"\d+", part) for part in parts]
        for k in range(len(groups[0])):
            values = tuple(int(group[k]) for group in groups)
            readings.append(_Reading(f"group {len(readings) + 1} of digits", values))
    if readings:
        return readings
    ends = [[part for part in name.fields if re.search(r"\d", part)][-1] for name in named]
    if any(map(HASH.match, ends)) and all(map(HEX.match, ends)) and len({*map(_without_digits, ends)}) > 1:
        raise AmbiguousNames(
            f"The names in {named[0].path.parent} are hashes ({named[0].path.name} ...) and give the frames "
            "no order. Number them in the order of recording."
        )
    last = tuple(int(re.findall(r"\d+", "_".join(name.fields))[-1]) for name in named)
    return [_Reading("the last digits", last)]


def _without_digits(part: str) -> str:
    return re.sub(r"\d+", "0", part)


def _choose_reading(named: Sequence[_Name], readings: Sequence[_Reading]) -> _Reading:
    """Choose the reading with the smallest step, the last of several; refuse if another order is possible."""
    if not readings:
        _refuse_collision(named)
    chosen = min(reversed(readings), key=lambda reading: reading.step)
    composite = _Reading(
        "all digits from left to right", tuple(zip(*(one.values for one in _list_readings(named))))
    )
    for other in (*readings, composite):
        # Groups that repeat (a camera, a date) do not contradict one that counts one by one.
        repeats = other is composite and chosen.step == 1 and not _carries(chosen, composite)
        if other.order != chosen.order and not repeats:
            first, second = (
                ", ".join(named[i].path.name for i in reading.order[:3]) for reading in (chosen, other)
            )
            raise AmbiguousNames(
                f"The names in {named[0].path.parent} can be read in two ways: by {chosen.title} the "
                f"frames are {first} ...; by {other.title} they are {second} .... "
                "Rename the frames so that one number counts through them."
            )
    return chosen


def _carries(chosen: _Reading, composite: _Reading) -> bool:
    """Return whether numbers restart at 0 or 1 whenever the digits before them rise, as in a timecode."""
    ordered = [chosen.values[i] for i in composite.order]
    restarts = [b for a, b in zip(ordered, ordered[1:]) if b != a + 1]
    return restarts in ([0] * len(restarts), [1] * len(restarts))


def _refuse_collision(named: Sequence[_Name]) -> NoReturn:
    found = _list_readings(named)
    readings = [reading for reading in found if len(set(reading.values)) > 1] or found
    reading = max(readings, key=lambda reading: len(set(reading.values)))
    number, *more = sorted(value for value, n in Counter(reading.values).items() if n > 1)
    first, second = [name for name, value in zip(named, reading.values) if value == number][:2]
    others = [
        f"By {other.title} they are {other.values[named.index(first)]} and "
        f"{other.values[named.index(second)]}. "
        for other in readings
        if other is not reading
    ]
    raise FrameCollision(
        f"{first.path.parent} holds two images of frame {number}: {first.path.name} and {second.path.name}"
        f"{f', and the same of {len(more)} more frames' if more else ''}. {''.join(others)}"
        "Put each recording into a folder of its own."
    )


def _order_by_time(named: Sequence[_Name], stamps: list[float], notes: list[str]) -> FrameNames:
    """Order frames by the time stamps in their names and number them from 0."""
    order = sorted(range(len(named)), key=stamps.__getitem__)
    for i, k in zip(order, order[1:]):
        if stamps[i] == stamps[k]:
            names = f"{named[i].path.name} and {named[k].path.name}"
            raise FrameCollision(
                f"{named[0].path.parent} holds two images of one time: {names}. Rename one of them."
            )
    files = [named[i].path for i in order]
    notes.append(
        f"the names are time stamps ({files[0].name} ...); frames are numbered from 0 in their order"
    )
    times = {n: stamps[i] - stamps[order[0]] for n, i in enumerate(order)}
    return FrameNames(dict(enumerate(files)), times, notes, is_ordinal=True)
