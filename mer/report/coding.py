"""A human coder's intervals, read from ELAN or CSV, and how well the spotted ones agree with them."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from mer.inference.spotting import Interval
from mer_core.errors import BadInput
from mer_core.registry import check_name

IOU = 0.5  # the rule of the micro-expression grand challenges
# Names of columns in a coder's CSV, as BORIS, Observer, INTERACT, BIDS and this project write them.
START_COLUMNS = ("onset_s", "start (s)", "start", "start time", "begin time", "begin", "onset")
STOP_COLUMNS = ("offset_s", "stop (s)", "stop", "end time", "end", "offset")
NAME_COLUMNS = ("kind", "behavior", "behaviour", "trial_type", "label", "code", "annotation")


class UnreadableCoding(BadInput):
    """A file of a coder that cannot be read, or has no such tier."""

    code = "unreadable-coding"


class Coded(NamedTuple):
    """One coded interval, s from the first frame; name : what the coder wrote."""

    onset_s: float
    offset_s: float
    name: str = ""


def iou(a, b) -> float:
    """Overlap of two intervals (anything with `onset_s` and `offset_s`) over their union."""
    inside = min(a.offset_s, b.offset_s) - max(a.onset_s, b.onset_s)
    union = max(a.offset_s, b.offset_s) - min(a.onset_s, b.onset_s)
    return max(0.0, inside) / union if union > 0 else 0.0


def match(coded: list, found: list, least: float = IOU) -> list[tuple[int, int]]:
    """Pairs (coded, found) that overlap by `least` or more, best overlap first, each once."""
    pairs = sorted(
        ((iou(c, f), i, j) for i, c in enumerate(coded) for j, f in enumerate(found)), reverse=True
    )
    matched: list[tuple[int, int]] = []
    for overlap, i, j in pairs:
        if overlap >= least and all(i != a and j != b for a, b in matched):
            matched.append((i, j))
    return matched


@dataclass(frozen=True)
class Agreement:
    """Coded and spotted intervals side by side. table : a row per interval of either, see
    docs/data-dictionary.md
    """

    table: pd.DataFrame
    n_matched: int
    n_coded: int
    n_found: int

    @property
    def f1(self) -> float:
        """2 * matched / (coded + spotted); 0 where there is neither."""
        return 2 * self.n_matched / max(self.n_coded + self.n_found, 1)

    @property
    def precision(self) -> float:
        """Matched of all spotted."""
        return self.n_matched / max(self.n_found, 1)

    @property
    def recall(self) -> float:
        """Matched of all coded."""
        return self.n_matched / max(self.n_coded, 1)

    def to_dict(self) -> dict:
        """Numbers and table, ready for JSON."""
        rows = self.table.astype(object).where(self.table.notna(), None).to_dict("records")
        return {"f1": self.f1, "precision": self.precision, "recall": self.recall, "intervals": rows}

    def to_text(self) -> str:
        """The table and, last, the numbers."""
        rows = self.table.to_string(index=False, na_rep="", float_format=lambda value: f"{value:.2f}")
        return (
            f"{rows}\n"
            f"F1 {self.f1:.2f} (precision {self.precision:.2f}, recall {self.recall:.2f}): {self.n_matched} "
            f"of {self.n_coded} coded "
            f"intervals found, {self.n_found} spotted; a match overlaps by an IoU of {IOU:g} or more"
        )


def compare(coded: list[Coded], found: list[Interval]) -> Agreement:
    """Match coded intervals with spotted expressions."""
    found = [interval for interval in found if interval.is_expression]
    partner = dict(match(coded, found))
    rows = []
    for i, code in enumerate(coded):
        other = found[partner[i]] if i in partner else None
        overlap = iou(code, other) if other else max((iou(code, f) for f in found), default=0.0)
        rows.append(_row("matched" if other else "missed", code, other, overlap))
    for j, interval in enumerate(found):
        if j not in partner.values():
            rows.append(
                _row("not coded", None, interval, max((iou(c, interval) for c in coded), default=0.0))
            )
    rows.sort(key=lambda row: min(t for t in (row["coded_onset_s"], row["spotted_onset_s"]) if t is not None))
    return Agreement(pd.DataFrame(rows, columns=COLUMNS), len(partner), len(coded), len(found))


COLUMNS = (
    "outcome",
    "name",
    "coded_onset_s",
    "coded_offset_s",
    "kind",
    "spotted_onset_s",
    "spotted_offset_s",
    "iou",
)


def _row(outcome: str, code: Coded | None, found: Interval | None, overlap: float) -> dict:
    coded = (code.name, code.onset_s, code.offset_s) if code else ("", None, None)
    spotted = (found.kind, found.onset_s, found.offset_s) if found else ("", None, None)
    return dict(zip(COLUMNS, (outcome, *coded, *spotted, round(overlap, 3))))


def read_coding(path: Path, tier: str | None = None) -> list[Coded]:
    """Read a coder's intervals, by onset.

    path : `.eaf` of ELAN, or a table with a column of starts and one of stops in seconds (`.csv`, `.tsv`)
    tier : of an ELAN file, needed where it has several; in a table, the behaviour whose rows count

    Raises `UnreadableCoding`, and `UnknownName` for a tier that is not there.
    """
    if not path.is_file():
        raise UnreadableCoding(f"There is no file at {path}. Give the coder's .eaf, .csv or .tsv.")
    coded = _read_elan(path, tier) if path.suffix.lower() == ".eaf" else _read_table(path, tier)
    if not coded:
        raise UnreadableCoding(f"{path} holds no intervals" + (f" in {tier}." if tier else "."))
    return sorted(coded)


def _read_elan(path: Path, tier: str | None) -> list[Coded]:
    from xml.etree.ElementTree import ParseError

    from pympi.Elan import Eaf

    try:
        eaf = Eaf(str(path))
    except (ParseError, KeyError, ValueError, OSError) as error:
        raise UnreadableCoding(f"{path} cannot be read as an ELAN file: {error}.") from error
    tiers = list(eaf.get_tier_names())
    if tier is None:
        filled = [name for name in tiers if eaf.get_annotation_data_for_tier(name)]
        if len(filled) != 1:
            raise UnreadableCoding(
                f"{path} has {len(filled)} tiers with intervals. Choose one: --tier {' | '.join(filled)}"
            )
        tier = filled[0]
    check_name(tier, tiers, "tier")
    return [Coded(row[0] / 1000, row[1] / 1000, row[2]) for row in eaf.get_annotation_data_for_tier(tier)]


def _read_table(path: Path, behaviour: str | None) -> list[Coded]:
    try:
        table = pd.read_csv(path, sep=None, engine="python", encoding="utf-8-sig")
    except (ValueError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise UnreadableCoding(f"{path} cannot be read as a table: {error}.") from error
    columns = {str(name).strip().lower(): name for name in table.columns}
    start, stop, name = (_column(columns, names) for names in (START_COLUMNS, STOP_COLUMNS, NAME_COLUMNS))
    if stop is None and start is not None and "duration" in columns:  # BIDS
        table["_stop"] = table[start] + table[columns["duration"]]
        stop = "_stop"
    if start is None or stop is None:
        raise UnreadableCoding(
            f"{path} needs a column of starts ({', '.join(START_COLUMNS)}) and one of stops "
            f"({', '.join(STOP_COLUMNS)}), in seconds; it has {', '.join(map(str, table.columns))}."
        )
    if behaviour is not None:
        if name is None:
            raise UnreadableCoding(
                f"{path} has no column that names behaviours, so --tier cannot choose one."
            )
        check_name(behaviour, sorted(set(table[name].astype(str))), "tier")
        table = table[table[name].astype(str) == behaviour]
    times = table[[start, stop]].apply(pd.to_numeric, errors="coerce")
    if times.isna().any(axis=None):
        row = int(times.isna().any(axis=1).idxmax()) + 2
        raise UnreadableCoding(f"{path}, line {row}: a start or stop is no number of seconds.")
    names = table[name].astype(str) if name is not None else [""] * len(table)
    return [Coded(float(a), float(b), n) for a, b, n in zip(times[start], times[stop], names)]


def _column(columns: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((columns[name] for name in names if name in columns), None)
