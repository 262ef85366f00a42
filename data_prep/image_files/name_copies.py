"""Copies of images made by file managers: their names, and whether the original exists."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from mer_core.errors import BadInput

NUMBERED = re.compile(r"^(?P<name>.*\S)\s*\(\d+\)$")  # Windows, browsers
SUFFIXED = re.compile(
    r"^(?P<name>.*?)[\s_\-\u2010-\u2015]*\(?\b(?:another |\d+(?:st|nd|rd|th) |[^()]*'s? conflicted )?"
    r"(?:copy|kopie|copia|copie|kopia|cópia|копия|コピー|副本|사본)\b[\s_]*\(?[\d\-]*\)*$",
    re.IGNORECASE,
)
PREFIXED = re.compile(r"^(?:copy of|kopie von|copia de|copie de)\s+(?P<name>.+)$", re.IGNORECASE)


class FrameCollision(BadInput):
    """Two images of a folder claim one frame number or one time."""

    code = "frame-collision"


def without_copies(paths: Sequence[Path]) -> tuple[dict[Path, str], list[str]]:
    """Drop copies of images whose original exists; a copy without one takes its place.

    Parameters
    ----------
    paths : sequence of Path
        Image files of one folder.

    Returns
    -------
    stems : dict
        Path -> stem without copy marks.
    notes : list of str
        About dropped copies and replaced originals.

    Raises
    ------
    FrameCollision
        If a copy differs from its original.
    """
    stems = {path: unicodedata.normalize("NFKC", path.stem) for path in paths}
    if all(map(NUMBERED.match, stems.values())):  # "clip (1)", "clip (2)": a bulk rename
        return stems, []
    originals = {stem.casefold(): path for path, stem in stems.items() if original_name(stem) is None}
    kept, copies, stand_ins = {}, [], []
    for path, stem in stems.items():
        name = original_name(stem)
        first = None if name is None else originals.setdefault(name.casefold(), path)
        if first in (None, path):
            kept[path] = name or stem
            stand_ins += [] if name is None else [path.name]
        elif first.read_bytes() == path.read_bytes():
            copies.append(path.name)
        else:
            raise FrameCollision(
                f"{path.parent} holds {path.name}, named as a copy of {first.name} but with other content. "
                f"Read as a copy, the frame has two images; read as a frame of its own, its number is "
                f"{re.findall(r'[0-9]+', stem)[-1]}. Put each recording into a folder of its own."
            )
    notes = [f"{len(copies)} copies skipped, first: {copies[0]}"] if copies else []
    if stand_ins:
        notes.append(f"{len(stand_ins)} copies used in place of missing originals, first: {stand_ins[0]}")
    return kept, notes


def original_name(stem: str) -> str | None:
    """Return the stem of the original that a copy's name refers to; None for other names."""
    for pattern in (NUMBERED, SUFFIXED, PREFIXED):
        match = pattern.match(stem)
        if match and re.search(r"\d", match["name"]):
            return original_name(match["name"]) or match["name"]
    return None
