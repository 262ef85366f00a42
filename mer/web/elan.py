"""Intervals as an ELAN annotation file: one tier per kind."""

from pathlib import Path

from mer_core.io import replacing


def write_elan(intervals: list, path: Path) -> None:
    """Write `.eaf`; a tier per kind of interval, times in ms."""
    from pympi.Elan import Eaf

    eaf = Eaf(author="mer")
    eaf.remove_tier("default")
    for kind in dict.fromkeys(interval.kind for interval in intervals) or ["micro"]:
        eaf.add_tier(kind)
    for i in intervals:
        begin, end = round(i.onset_s * 1000), round(i.offset_s * 1000)
        eaf.add_annotation(i.kind, begin, max(end, begin + 1), f"apex {i.apex}, {i.strength:.1f} %")
    with replacing(path) as temporary:
        eaf.to_file(str(temporary))
