"""A human coder's intervals, read from ELAN or CSV, and how well the spotted ones agree with them."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from data_prep.annotation_sheets import visible_sheets
from data_prep.elan import read_elan
from data_prep.recording_table import to_seconds
from data_prep.sheet_cells import cell_text
from data_prep.sheet_files import refuse_overlong_rows
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

    Raises `BadInput` for a file that cannot be read, and `UnknownName` for a tier that is not there.
    """
    if not path.is_file():
        raise UnreadableCoding(f"There is no file at {path}. Give the coder's .eaf, .csv or .tsv.")
    coded = _read_elan(path, tier) if path.suffix.lower() == ".eaf" else _read_table(path, tier)
    if not coded:
        raise UnreadableCoding(f"{path} holds no intervals" + (f" in {tier}." if tier else "."))
    return sorted(coded)


def _read_elan(path: Path, tier: str | None) -> list[Coded]:
    tiers = read_elan(path).tiers
    if tier is None:
        filled = [name for name in tiers if tiers[name].annotations]
        if len(filled) != 1:
            raise UnreadableCoding(
                f"{path} has {len(filled)} tiers with intervals. Choose one: --tier {' | '.join(filled)}"
            )
        tier = filled[0]
    check_name(tier, list(tiers), "tier")
    return [Coded(*annotation) for annotation in tiers[tier].annotations]


def _read_table(path: Path, behaviour: str | None) -> list[Coded]:
    sheet = visible_sheets(path)[0]
    refuse_overlong_rows(path, sheet, header=1)
    cells = sheet.cells.map(cell_text)
    columns = {name.lower(): place for place, name in reversed(list(enumerate(cells.iloc[0])))}
    start, stop, name = (_column(columns, names) for names in (START_COLUMNS, STOP_COLUMNS, NAME_COLUMNS))
    duration = columns.get("duration") if stop is None else None  # BIDS
    if start is None or (stop is None and duration is None):
        raise UnreadableCoding(
            f"{path} needs a column of starts ({', '.join(START_COLUMNS)}) and one of stops "
            f"({', '.join(STOP_COLUMNS)}), in seconds; it has {', '.join(cells.iloc[0])}."
        )
    if behaviour is not None and name is None:
        raise UnreadableCoding(f"{path} has no column that names behaviours, so --tier cannot choose one.")
    rows = cells.iloc[1:]
    if behaviour is not None:
        check_name(behaviour, sorted(set(rows[name])), "tier")
        rows = rows[rows[name] == behaviour]
    coded = []
    for line, *row in rows[(rows != "").any(axis=1)].itertuples(name=None):
        onset, end = to_seconds(row[start]), to_seconds(row[duration if stop is None else stop])
        if onset is None or end is None:
            raise UnreadableCoding(f"{path}, line {line}: a start or stop is no number of seconds.")
        coded.append(Coded(onset, onset + end if stop is None else end, "" if name is None else row[name]))
    return coded


def _column(columns: dict[str, int], names: tuple[str, ...]) -> int | None:
    return next((columns[name] for name in names if name in columns), None)
