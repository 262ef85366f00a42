"""Frame numbers from file names: which digits count, which are dates, hashes or copies.

One folder is read as a whole, because a single name cannot tell: in `006_05562.jpg` the second group counts
through the folder and the first does not. What can be read in two ways is refused, with both readings. Image
contents are compared only to tell a copy from another picture.
"""

import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from data_prep.name_copies import FrameCollision, without_copies
from data_prep.name_times import AmbiguousNames, read_time_stamps

MAX_NUMBER = 10**15  # larger numbers are no frame numbers; files are then numbered by their order
MIN_FILES_TO_JUDGE = 8  # from so many files on, numbers of which no two are neighbours are doubtful
SEPARATORS = re.compile(r"[\s._\-()\[\]{}+~#@=,;:&']+")
HASH = re.compile(r"^(?=.*[a-f])(?=.*\d)[0-9a-f]{6,}$", re.IGNORECASE)
HEX = re.compile(r"^[0-9a-f]{6,}$", re.IGNORECASE)


@dataclass(frozen=True)
class FrameNames:
    """Image files of a folder, ordered as they were recorded."""

    files: dict[int, Path]  # frame number -> file, ascending
    times_s: dict[int, float] | None = None  # where the names are time stamps: seconds since the first frame
    notes: list[str] = field(default_factory=list)  # what was passed over, and why


@dataclass(frozen=True)
class _Name:
    """A file name taken apart: its stem without copy marks, and what stands between the separators."""

    path: Path
    stem: str
    fields: tuple[str, ...]

    @classmethod
    def of(cls, path: Path, stem: str) -> "_Name":
        return cls(path, stem, tuple(part for part in SEPARATORS.split(stem.casefold()) if part))


@dataclass(frozen=True)
class _Reading:
    """One way to read the folder: what it is called in messages, and the value of each file."""

    title: str
    values: tuple[Any, ...]  # numbers, or all digits of a name

    @property
    def order(self) -> tuple[int, ...]:
        return tuple(sorted(range(len(self.values)), key=self.values.__getitem__))

    @property
    def distinct(self) -> bool:
        return len(set(self.values)) == len(self.values)

    @property
    def contiguous(self) -> bool:
        return self.distinct and max(self.values) - min(self.values) + 1 == len(self.values)

    @property
    def step(self) -> float:
        """Median difference between neighbours; 1 where the numbers count, and of a single file."""
        ordered = sorted(self.values)
        return statistics.median(b - a for a, b in zip(ordered, ordered[1:])) if len(ordered) > 1 else 1.0


def read_frame_names(paths: Iterable[Path]) -> FrameNames:
    """Number image files by their names.

    Parameters
    ----------
    paths : image files of one folder, in any order; files without digits are passed over.

    Returns
    -------
    FrameNames : numbers as printed in the names; from 0 where the names are time stamps.

    Raises
    ------
    FrameCollision : two files claim one number or time.
    AmbiguousNames : the names can be read in two ways.
    """
    paths = sorted(path for path in paths if re.search(r"\d", path.stem))
    if not paths:
        return FrameNames({})
    stems, notes = without_copies(paths)
    named = [_Name.of(path, stem) for path, stem in stems.items()]
    if not any(reading.contiguous for reading in _list_readings(named)):
        named, other = _split_majority(named)
        if other:
            notes.append(
                f"{len(other)} image(s) named unlike the rest passed over, first: {other[0].path.name}"
            )
    readings = _list_readings(named)
    counting = [reading for reading in readings if reading.distinct and reading.step == 1]
    stamps = None if counting else read_time_stamps([name.stem for name in named])
    if stamps is not None:
        return _order_by_time(named, stamps, notes)
    chosen = _choose_reading(named, counting or [reading for reading in readings if reading.distinct])
    files = [named[i].path for i in chosen.order]
    if max(chosen.values) >= MAX_NUMBER:
        notes.append(
            f"{files[0].name} holds no frame number; frames are numbered from 0 in the order of their names"
        )
        return FrameNames(dict(enumerate(files)), None, notes)
    return FrameNames(dict(zip(sorted(chosen.values), files)), None, notes)


def name_gaps(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Stretches of frame numbers that are missing, as (first, last); none where the numbers do not count one
    by one.
    """
    steps = [b - a for a, b in zip(numbers, numbers[1:])]
    if not steps or statistics.median(steps) != 1:
        return []
    return [(a + 1, b - 1) for a, b in zip(numbers, numbers[1:]) if b - a > 1]


def times_in_numbers(names: FrameNames, fps: float | None, folder: Path) -> dict[int, float] | None:
    """Times in seconds where the numbers of a folder are not frames but times at `fps`; None where they count
    frames.

    Numbers in milli-, micro- or nanoseconds are known by the rate: their step times `fps` is a power of ten.
    Numbers that jump and are neither are refused, since every frame between them would be imagined.
    """
    numbers = list(names.files)
    steps = [b - a for a, b in zip(numbers, numbers[1:])]
    if len(numbers) < MIN_FILES_TO_JUDGE or statistics.median(steps) <= 1:
        return None
    if fps:
        for unit in (1e3, 1e6, 1e9):
            if abs(statistics.median(steps) * fps / unit - 1) < 0.05:
                return {number: (number - numbers[0]) / unit for number in numbers}
    if len(set(steps)) == 1 or min(steps) == 1:
        return None
    rate = 1000 / statistics.median(steps)
    raise AmbiguousNames(
        f"The numbers in {folder} jump by {min(steps)} to {max(steps)} ({names.files[numbers[0]].name} ...). "
        f"Read as frame numbers, {numbers[-1] - numbers[0] + 1 - len(numbers)} frames are missing; read as "
        f"milliseconds, the rate is {rate:.4g} per second. Give --fps {rate:.4g} if they are times, or "
        "number the frames one by one."
    )


def _last_number(stem: str) -> int:
    return int(re.findall(r"\d+", stem)[-1])


def _split_majority(named: list[_Name]) -> tuple[list[_Name], list[_Name]]:
    """Names built like most, and the others; where no kind is in the majority, all of them."""
    kept = named
    columns = max(len(name.fields) for name in named)
    kinds_of_name: list[Callable[[_Name], object]] = [lambda name: len(name.fields)]
    kinds_of_name += [partial(_skeleton, column=i) for i in range(columns)]
    for kind in kinds_of_name:
        kinds = [kind(name) for name in kept]
        most, n = Counter(kinds).most_common(1)[0]
        if len(kept) / 2 < n < len(kept):
            kept = [name for name, its in zip(kept, kinds) if its == most]
    there = {name.path for name in kept}
    return kept, [name for name in named if name.path not in there]


def _skeleton(name: _Name, column: int) -> str:
    """The field without its digits; all hashes are of one kind."""
    part = name.fields[column] if column < len(name.fields) else ""
    return "#" if HASH.match(part) else re.sub(r"\d+", "0", part)


def _list_readings(named: Sequence[_Name]) -> list[_Reading]:
    """A reading for every group of digits that stands at one place in all names; else one for the last
    group.
    """
    widths = {len(name.fields) for name in named}
    readings: list[_Reading] = []
    for column in range(min(widths)) if len(widths) == 1 else ():
        parts = [name.fields[column] for name in named]
        if any(HASH.match(part) for part in parts) and all(HEX.match(part) for part in parts):
            continue  # hashes that export tools put into names
        if len({re.sub(r"\d+", "0", part) for part in parts}) != 1:
            continue  # words that change from file to file
        groups = [re.findall(r"\d+", part) for part in parts]
        for k in range(len(groups[0])):
            values = tuple(int(group[k]) for group in groups)
            readings.append(_Reading(f"group {len(readings) + 1} of digits", values))
    if readings:
        return readings
    return [_Reading("the last digits", tuple(_last_number("_".join(name.fields)) for name in named))]


def _choose_reading(named: Sequence[_Name], readings: Sequence[_Reading]) -> _Reading:
    """The reading to go by, of those without collisions: the last of those that count, or the one that jumps
    least.
    """
    if not readings:
        _refuse_collision(named)
    chosen = min(reversed(readings), key=lambda reading: reading.step)
    composite = _Reading(
        "all digits from left to right", tuple(zip(*(one.values for one in _list_readings(named))))
    )
    for other in (*readings, composite):
        # Where one group counts, groups that repeat beside it (a camera, a date) do not contradict it.
        if other.order != chosen.order and not (chosen.step == 1 and other is composite):
            shown = [", ".join(named[i].path.name for i in one.order[:3]) for one in (chosen, other)]
            raise AmbiguousNames(
                f"The names in {named[0].path.parent} can be read in two ways: by {chosen.title} the "
                f"frames are {shown[0]} ...; by {other.title} they are {shown[1]} .... Rename the frames so "
                "that one "
                "number counts through them."
            )
    return chosen


def _refuse_collision(named: Sequence[_Name]) -> NoReturn:
    readings = [one for one in _list_readings(named) if len(set(one.values)) > 1] or _list_readings(named)
    reading = max(readings, key=lambda one: len(set(one.values)))
    counts = Counter(reading.values)
    number, *more = sorted(value for value, n in counts.items() if n > 1)
    first, second = [name for name, value in zip(named, reading.values) if value == number][:2]
    others = [
        f"By {one.title} they are {one.values[named.index(first)]} and {one.values[named.index(second)]}. "
        for one in readings
        if one is not reading
    ]
    raise FrameCollision(
        f"{first.path.parent} holds two images of frame {number}: {first.path.name} and {second.path.name}"
        f"{f', and the same of {len(more)} more frames' if more else ''}. {''.join(others)}"
        "Put each recording into a folder of its own."
    )


def _order_by_time(named: Sequence[_Name], stamps: list[float], notes: list[str]) -> FrameNames:
    """Frames in the order of the time stamps in their names, numbered from 0."""
    order = sorted(range(len(named)), key=stamps.__getitem__)
    for i, k in zip(order, order[1:]):
        if stamps[i] == stamps[k]:
            both = f"{named[i].path.name} and {named[k].path.name}"
            raise FrameCollision(
                f"{named[0].path.parent} holds two images of one time: {both}. Name them apart."
            )
    files = [named[i].path for i in order]
    notes.append(
        f"the names are time stamps ({files[0].name} ...); frames are numbered from 0 in their order"
    )
    return FrameNames(
        dict(enumerate(files)), {n: stamps[i] - stamps[order[0]] for n, i in enumerate(order)}, notes
    )
