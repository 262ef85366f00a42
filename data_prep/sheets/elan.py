"""ELAN annotation files (.eaf): their tiers, with times in seconds."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from mer_core.errors import BadInput


class UnreadableElan(BadInput):
    """A file is no ELAN file, is damaged, or its times are not those of the video."""

    code = "unreadable-elan"


class Annotation(NamedTuple):
    """One annotation of a tier, in seconds of the video."""

    onset_s: float
    offset_s: float
    value: str


@dataclass(frozen=True)
class Tier:
    """One tier, its annotations by onset."""

    participant: str
    annotations: list[Annotation]


@dataclass(frozen=True)
class ElanFile:
    """The content of an ELAN file."""

    tiers: dict[str, Tier]
    media: list[str]  # names of the linked files, without folders


def read_elan(path: Path) -> ElanFile:
    """Read an ELAN file.

    Raises
    ------
    UnreadableElan
        If the file is damaged, an annotation has no times or ends before it begins, or a linked video is
        shifted against the annotations.
    """
    from pympi.Elan import Eaf

    try:
        eaf = Eaf(str(path), suppress_version_warning=True)
        rows = {name: eaf.get_annotation_data_for_tier(name) for name in eaf.get_tier_names()}
        participants = {name: eaf.tiers[name][2].get("PARTICIPANT", "") for name in rows}
        media = [
            (link.get("RELATIVE_MEDIA_URL") or link.get("MEDIA_URL", ""), int(link.get("TIME_ORIGIN") or 0))
            for link in eaf.media_descriptors
        ]
    except Exception as error:  # pympi raises many types on damaged XML
        raise UnreadableElan(f"{path} cannot be read as an ELAN file: {str(error).rstrip('.?')}.") from error
    for url, shift_ms in media:
        if shift_ms:
            raise UnreadableElan(
                f"{path} shifts {Path(unquote(url)).name} by {shift_ms} ms against the annotations "
                "(TIME_ORIGIN), which is not supported. Remove the offset in ELAN and move the annotations."
            )
    tiers = {name: Tier(participants[name], _in_seconds(path, name, rows[name])) for name in rows}
    return ElanFile(tiers, [Path(unquote(url)).name for url, _ in media])


def _in_seconds(path: Path, tier: str, rows: list[tuple]) -> list[Annotation]:
    for begin, end, value, *_ in rows:
        if begin is None or end is None or end < begin:
            raise UnreadableElan(
                f"{path}, tier {tier}: the annotation {value!r} has no times, or ends before it begins. "
                "Correct it in ELAN."
            )
    return sorted(Annotation(begin / 1000, end / 1000, value or "") for begin, end, value, *_ in rows)
