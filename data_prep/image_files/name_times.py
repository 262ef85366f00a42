"""Numbers in file names that do not simply count: time stamps, counters in other bases, or that restart.

A time stamp is seconds since 1970, a date with a time of day, or a time since a start.
"""

import re
import statistics
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timezone
from os.path import commonprefix
from pathlib import Path

from mer_core.errors import BadInput


class AmbiguousNames(BadInput):
    """File names have two plausible readings."""

    code = "ambiguous-frame-names"


# Each pattern has groups for the whole seconds, or for the parts they follow from, and for the fraction.
EPOCH = re.compile(
    r"(?<!\d)(?P<s>[12]\d{9})(?:(?P<sep>\D{1,3}?)(?P<fraction>\d{1,9})|(?P<unit>(?:\d{3}){1,3}))?\D*$"
)  # seconds, or milli-, micro- or nanoseconds without a separator
DATE_TIME = re.compile(
    r"(?<!\d)(?P<Y>(?:19|20)\d\d)\D?(?P<M>\d\d)\D?(?P<D>\d\d)\D{0,2}?(?P<h>\d\d)\D?(?P<m>\d\d)\D?(?P<s>\d\d)"
    r"(?:(?P<sep>\D?)(?P<fraction>\d{1,9}))?\D*$"
)
CLOCK = re.compile(
    r"(?<!\d)(?P<h>\d{1,2})\D(?P<m>[0-5]\d)\D(?P<s>[0-5]\d)(?:(?P<sep>\D)(?P<fraction>\d{1,9}))?"
    r"(?:\s?(?P<half>[ap])\.?m\.?|\D*)$",
    re.IGNORECASE,
)
DECIMAL = re.compile(r"(?<!\d)(?P<s>\d{1,9})(?P<sep>[.,])(?P<fraction>\d{2,9})\D*$")
MIN_FILES_TO_JUDGE = 8  # numbers without neighbours are doubtful in a folder of at least this many files
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
BASES = (2, 8, 16, 36)  # other than 10, in which programs count
SIGNS = "+\\-\u2212\u2013"
MAX_FIRST = 9  # frame number, from which a counter may have restarted
MAX_PAUSE_S = 6 * 3600  # between two frames named by the time of day
MIN_IRREGULARITY_RATIO = 5.0  # between two readings, above which the less regular one is wrong


def read_time_stamps(stems: Sequence[str]) -> list[float] | None:
    """Read the time stamps in the stems of file names.

    Parameters
    ----------
    stems : sequence of str
        File names without suffix.

    Returns
    -------
    list of float or None
        Seconds since the first whole second; None unless every name has a time stamp of the same kind.

    Raises
    ------
    AmbiguousNames
        If the digits after the seconds can be a fraction or a count of small units, and both are plausible.
    """
    for pattern in (DATE_TIME, EPOCH, CLOCK, DECIMAL):
        parsed = [_parse(pattern, stem) for stem in stems]
        stamps = [stamp for stamp in parsed if stamp is not None]
        if len(stamps) < len(parsed):
            continue
        # Dates and seconds since 1970 are unmistakable; short numbers are times only if their seconds change.
        if (
            pattern in (DATE_TIME, EPOCH)
            or len({whole for whole, _ in stamps}) > 1
            or all(map(DECIMAL.fullmatch, stems))
        ):
            if pattern is CLOCK:
                _refuse_midnight(stems, [whole for whole, _ in stamps])
            return _seconds(stems, stamps)
    return None


def read_half_days(stems: Sequence[str]) -> list[float] | None:
    """Read times of day with AM or PM in whole seconds; None for others, as 00_01_05 may count frames."""
    stamps = [_parse(CLOCK, stem) for stem in stems]
    if not all(stamp and not stamp[1] for stamp in stamps):
        return None
    _refuse_midnight(stems, [stamp[0] for stamp in stamps if stamp])
    has_half = all(match and match["half"] for match in map(CLOCK.search, stems))
    return read_time_stamps(stems) if has_half else None


def _refuse_midnight(stems: Sequence[str], seconds: Sequence[int]) -> None:
    """Refuse times of day with hours between two frames: it passed midnight, or noon of 12 hours."""
    ordered = sorted(zip(seconds, stems))
    for (first, earlier), (second, later) in zip(ordered, ordered[1:]):
        if second - first > MAX_PAUSE_S:
            raise AmbiguousNames(
                f"The times in {earlier} and {later} are {(second - first) / 3600:.0f} hours apart, with no "
                "frame between. Did the recording pass midnight or noon? Number the frames in the order of "
                "recording."
            )


DECIMALS = re.compile(r"\d[.,](\d{1,9})\D*$")  # of seconds, as in frame_0.04s


def times_in_numbers(files: dict[int, Path], fps: float | None, folder: Path) -> dict[int, float] | None:
    """Return the times of frames whose numbers are milli-, micro- or nanoseconds, or decimals of seconds.

    None if they count frames.

    Parameters
    ----------
    files : dict
        Files of the folder by number, ascending.
    fps : float or None
        Frame rate given by the user. Numbers are times if their step matches it in one of the units.
    folder : Path
        For messages.

    Returns
    -------
    dict or None
        Frame number -> seconds since the first frame.

    Raises
    ------
    AmbiguousNames
        If the numbers jump and are not times at `fps`: read as frame numbers, most frames would be missing.
    """
    numbers = list(files)
    steps = [b - a for a, b in zip(numbers, numbers[1:])]
    if len(numbers) < MIN_FILES_TO_JUDGE or statistics.median(steps) <= 1:
        return None
    if fps:
        decimals = {len(found[1]) if (found := DECIMALS.search(file.stem)) else 0 for file in files.values()}
        units = {1e3, 1e6, 1e9, *(10.0**digits for digits in decimals if len(decimals) == 1 and digits)}
        for unit in sorted(units):
            if abs(statistics.median(steps) * fps / unit - 1) < 0.05:
                return {number: (number - numbers[0]) / unit for number in numbers}
    if len(set(steps)) == 1 or min(steps) == 1:
        return None
    rate = 1000 / statistics.median(steps)
    raise AmbiguousNames(
        f"The numbers in {folder} jump by {min(steps)} to {max(steps)} ({files[numbers[0]].name} ...). "
        f"Read as frame numbers, {numbers[-1] - numbers[0] + 1 - len(numbers)} frames are missing; read as "
        f"milliseconds, the rate is {rate:.4g} per second. Give --fps {rate:.4g} if they are times, or "
        "number the frames one by one."
    )


def _parse(pattern: re.Pattern, stem: str) -> tuple[int, str] | None:
    """Return the whole seconds and the digits after them; None without such a stamp."""
    match = pattern.search(stem)
    if not match:
        return None
    groups = match.groupdict()
    part = {name: int(groups[name] or 0) for name in "YMDhms" if name in groups}
    fraction = groups["fraction"] or groups.get("unit") or ""
    if "Y" not in part:
        hour = part.get("h", 0)
        if half := groups.get("half"):  # 12 AM is midnight
            hour = hour % 12 + 12 * (half in "pP")
        return hour * 3600 + part.get("m", 0) * 60 + part["s"], fraction
    try:
        year, month, day, hour, minute, second = (part[key] for key in "YMDhms")
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        return None
    return int(moment.timestamp()), fraction


def _seconds(stems: Sequence[str], stamps: list[tuple[int, str]]) -> list[float]:
    """Combine whole seconds with the digits after them.

    The digits are a decimal fraction, or an unpadded count of milli-, micro- or nanoseconds.
    """
    start = min(whole for whole, _ in stamps)
    widths = {len(digits) for _, digits in stamps}
    fractions = [whole - start + int(digits or 0) / 10 ** len(digits) for whole, digits in stamps]
    if len(widths) == 1:
        return fractions
    unit = 10 ** next(width for width in (3, 6, 9) if width >= max(widths))
    counts = [whole - start + int(digits or 0) / unit for whole, digits in stamps]
    irregularities = [_irregularity(times) for times in (fractions, counts)]
    if irregularities[0] * MIN_IRREGULARITY_RATIO < irregularities[1]:
        return fractions
    if irregularities[1] * MIN_IRREGULARITY_RATIO < irregularities[0]:
        return counts
    i = next(i for i in range(len(stems)) if fractions[i] != counts[i])
    raise AmbiguousNames(
        f"The time in {stems[i]} can be read in two ways: as {fractions[i] + start:.6f} s, or as "
        f"{counts[i] + start:.6f} s. Pad the digits after the seconds with zeros, or number the frames."
    )


def _irregularity(times: list[float]) -> float:
    """Return the ratio of the largest to the median step; infinite if most steps are zero."""
    ordered = sorted(times)
    steps = [b - a for a, b in zip(ordered, ordered[1:])]
    return max(steps) / statistics.median(steps) if statistics.median(steps) > 0 else float("inf")


def refuse_other_digits(paths: Sequence[Path]) -> None:
    """Refuse names that count 08, 09, 0a, 0b, or 7, 10: as decimals, frames are left out or reordered."""
    if len(paths) < MIN_FILES_TO_JUDGE:
        return
    start = len(commonprefix([path.stem for path in paths]).rstrip(DIGITS[:10]))
    ends = [path.stem[start:].casefold() for path in paths]
    for base in BASES:
        if not all(end and set(end) <= set(DIGITS[:base]) for end in ends):
            continue
        numbers = sorted(int(end, base) for end in ends)
        is_decimal = all(map(str.isdecimal, ends))
        if is_decimal and (len(ends) <= base or _is_count(sorted(map(int, ends)))):
            continue
        if _is_count(numbers):
            raise AmbiguousNames(
                f"The names in {paths[0].parent} count in base {base} ({min(paths).name} ...). "
                "Number the frames in decimal digits."
            )


def _is_count(numbers: Sequence[int]) -> bool:
    return numbers[-1] - numbers[0] + 1 == len(numbers) == len(set(numbers))


def refuse_signs(stems: Sequence[str]) -> None:
    """Refuse numbers of which some have a sign: frames before and after an event."""
    shapes = {re.sub(r"\d+", "0", unicodedata.normalize("NFKC", stem)) for stem in stems}
    unsigned = {re.sub(rf"(?<![0-9])[{SIGNS}](?=0)", "", shape) for shape in shapes}
    if len(unsigned) < len(shapes):
        signed = next(stem for stem in stems if re.search(rf"[{SIGNS}]\d", stem))
        raise AmbiguousNames(
            f"Some numbers have a sign ({signed}), so that frames may count down before they count up. "
            "Number the frames from 0 in the order of recording."
        )


def refuse_restart(files: dict[int, Path]) -> None:
    """Refuse ascending numbers from 0 or 1 to 9999 or 255 with one gap: the counter restarted in between."""
    numbers = list(files)
    gaps = [(a, b) for a, b in zip(numbers, numbers[1:]) if b != a + 1]
    last_number = numbers[-1]
    is_last = re.fullmatch("99+", str(last_number)) or last_number + 1 in (2**8, 2**12, 2**15, 2**16)
    if len(gaps) != 1 or numbers[0] > MAX_FIRST or not is_last:
        return
    first, last = files[numbers[0]], files[numbers[-1]]
    n_missing = gaps[0][1] - gaps[0][0] - 1
    raise AmbiguousNames(
        f"The numbers in {first.parent} go from {numbers[0]} to {numbers[-1]}, and {n_missing} between are "
        f"missing. Did the counter restart after {last.name}, so that {first.name} follows it? Number the "
        "frames in the order of recording."
    )
