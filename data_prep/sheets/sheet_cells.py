"""Parsing of spreadsheet cells: names, frame numbers, rates. Doubtful cells become notes on their row."""

import re
import unicodedata
from datetime import date, time

import pandas as pd

from data_prep.identity import clean_name, subject_key

NO_APEX = object()
MISSING = ("n/a", "na", "nan", "#n/a", "null")  # as exports write an empty cell
GROUPED = r"[1-9]\d{0,2},\d{3}"  # a decimal comma in one country, thousands in another

# A number with a word for frame, as some editions print it: 246帧, 第246帧, frame 246, 246 frames.
_COUNTED = re.compile(r"(?:第|#|frame|fr?)?\s*(\d{1,15})\s*(?:帧|張|张|frames?)?", re.IGNORECASE)


def cell_text(cell: object) -> str:
    """Return a cell as text: NFKC, stripped, whole numbers without ".0", empty cells as ""."""
    if pd.isna(cell):
        return ""
    return clean_name(int(cell) if isinstance(cell, float) and cell.is_integer() else cell)


def is_name(text: str) -> bool:
    """Return whether a text names somebody or something; ditto marks and dashes alone do not."""
    return any(map(str.isalnum, text))


def known_text(cell: object) -> str:
    """Return a cell as `cell_text`; "" also for what exports write into an empty one, such as nan."""
    return "" if cell_text(cell).lower() in MISSING else cell_text(cell)


def is_empty(cell: object) -> bool:
    """Return whether a cell holds nothing, a mark of a missing value, or a dash."""
    return known_text(cell) in ("", "-")


def number_text(cell: object) -> str:
    """Return a cell as `cell_text`, but with footnotes (46²) as they are, which NFKC would make digits."""
    text = str(cell)
    return text if any(map(_is_raised, text)) else cell_text(cell)


def _is_raised(letter: str) -> bool:
    return letter.isdigit() and not letter.isdecimal()


def cell_number(cell: object) -> int | None:
    """Return a whole number in any spreadsheet form (46, 46.0, "46", "４６"); None for anything else."""
    match = re.fullmatch(r"(-?\d{1,15})(\.0*)?", "" if isinstance(cell, bool) else number_text(cell))
    return int(match[1]) if match else None


def cell_rate(cell: object) -> float | None:
    """Return a positive number of frames per second; None for anything else."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d*)?)\s*(?:fps|hz)?", number_text(cell), re.IGNORECASE)
    return float(match[1]) if match and float(match[1]) > 0 else None


def format_subject(cell: object, template: str) -> str:
    """Return a numbered subject in the spelling of `template`, whatever the spelling of the cell.

    Examples
    --------
    >>> [format_subject(cell, "sub{:02d}") for cell in (1, "01", "1.0", "Sub1", "sub 001", "guest")]
    ['sub01', 'sub01', 'sub01', 'sub01', 'sub01', 'guest']
    """
    word = re.escape(subject_key(template.split("{")[0]))
    match = re.fullmatch(rf"(?:{word})?(\d+)", subject_key(cell_text(cell)))
    return template.format(int(match[1])) if match else cell_text(cell)


def read_frame_number(cell: object) -> tuple[int | None, str]:
    """Return a frame number, and a note if the cell is doubtful: it has further words, or no number."""
    plain = cell_number(cell)
    if plain is not None or cell_text(cell) == "":
        return plain, ""
    if isinstance(cell, date | time):
        return None, f"is a date in the sheet, {cell}"
    text = str(cell) if any(map(_is_raised, str(cell))) else unicodedata.normalize("NFKC", str(cell))
    match = _COUNTED.fullmatch(text.strip())
    printed = f"printed as {number_text(cell)!r}"
    return (int(match[1]), f"{printed}, read as {int(match[1])}") if match else (None, printed)


def read_frame_cells(onset: object, offset: object, apex: object = NO_APEX, remark: str = "") -> dict:
    """Read the columns `onset`, `apex`, `offset`, `apex_source` and `note` of a clip.

    Parameters
    ----------
    onset, offset : object
        Cells with frame numbers.
    apex : object
        Cell with a frame number; `NO_APEX` if the dataset does not annotate apexes.
    remark : str
        First part of the note, such as that the sheet hides the row.
    """
    parsed = {"onset": read_frame_number(onset), "offset": read_frame_number(offset)}
    parsed["apex"] = (None, "") if apex is NO_APEX else read_frame_number(apex)
    notes = [f"{name} {doubt}" for name, (_, doubt) in parsed.items() if doubt]
    if apex is not NO_APEX and cell_text(apex) == "":
        notes.append("apex printed as ''")
    return {
        **{name: value for name, (value, _) in parsed.items()},
        "apex_source": "" if parsed["apex"][0] is None else "annotated",
        "note": "; ".join(filter(None, (remark, *notes))),
    }


def to_seconds(cell: object) -> float | None:
    """Parse a time in seconds (1.25 or 1,25) or in minutes and seconds (0:01.25); None for others."""
    if isinstance(cell, time):
        return cell.hour * 3600 + cell.minute * 60 + cell.second + cell.microsecond / 1e6
    parts = re.fullmatch(r"(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:\.\d+)?(?:e-?\d+)?)", with_point(cell).lower())
    if not parts or isinstance(cell, bool):
        return None
    return int(parts[1] or 0) * 3600 + int(parts[2] or 0) * 60 + float(parts[3])


def with_point(cell: object) -> str:
    """Return the text of a cell with a point for a decimal comma; 1,250 stays, which may be 1250."""
    text = number_text(cell)
    return text if re.fullmatch(GROUPED, text) else re.sub(r"(?<=\d),(?=\d)", ".", text)
