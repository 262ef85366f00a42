"""Read a human coder's intervals from ELAN or a table, and compare the spotted ones with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from data_prep.sheets.annotation_sheets import visible_sheets
from data_prep.sheets.elan import read_elan
from data_prep.sheets.sheet_cells import cell_text, to_seconds
from data_prep.sheets.sheet_files import refuse_overlong_rows
from mer.inference.spotting import EXPRESSIONS, KINDS, Interval
from mer_core.errors import BadInput
from mer_core.registry import check_name

MIN_IOU = 0.5  # for a match, as in the micro-expression grand challenges
# Names of columns in a coder's CSV, as BORIS, Observer, INTERACT, BIDS and this project write them.
START_COLUMNS = ("onset_s", "start (s)", "start", "start time", "begin time", "begin", "onset")
STOP_COLUMNS = ("offset_s", "stop (s)", "stop", "end time", "end", "offset")
NAME_COLUMNS = ("kind", "behavior", "behaviour", "trial_type", "label", "code", "annotation")
EXPRESSION = "expression"  # of either kind, and whatever a coder calls it
# What names the other kinds, in lower case and with spaces.
OTHER_KINDS = {
    form.replace("_", " "): kind for kind in KINDS if kind not in EXPRESSIONS for form in (kind, KINDS[kind])
}

Span = tuple[float, float]  # onset and offset of an interval, in one unit


class UnreadableCoding(BadInput):
    """A coder's file cannot be read or holds no intervals."""

    code = "unreadable-coding"


class CodedInterval(NamedTuple):
    """An interval of a coder."""

    onset_s: float  # seconds from the first frame
    offset_s: float
    name: str = ""  # as the coder wrote it
    kind: str = EXPRESSION  # of the intervals to compare with: this, or blink, eyes_closed or head


def iou(a: Span, b: Span) -> float:
    """Return intersection over union of two intervals."""
    overlap = min(a[1], b[1]) - max(a[0], b[0])
    union = max(a[1], b[1]) - min(a[0], b[0])
    return max(0.0, overlap) / union if union > 0 else 0.0


def match_intervals(coded: Sequence[Span], spotted: Sequence[Span]) -> list[tuple[int, int]]:
    """Return the positions (coded, spotted) of matching intervals, the best match first, each used once."""
    pairs = sorted(
        ((iou(c, s), i, j) for i, c in enumerate(coded) for j, s in enumerate(spotted)), reverse=True
    )
    matched: list[tuple[int, int]] = []
    for overlap, i, j in pairs:
        if overlap >= MIN_IOU and all(i != a and j != b for a, b in matched):
            matched.append((i, j))
    return matched


class Counts(NamedTuple):
    """Intervals of one kind that match, that the coder lists, and that were spotted."""

    n_matched: int
    n_coded: int
    n_spotted: int

    @property
    def f1(self) -> float:
        """2 * matched / (coded + spotted); 0 if there are none."""
        return 2 * self.n_matched / max(self.n_coded + self.n_spotted, 1)

    @property
    def precision(self) -> float:
        """Fraction of spotted intervals that match."""
        return self.n_matched / max(self.n_spotted, 1)

    @property
    def recall(self) -> float:
        """Fraction of coded intervals that match."""
        return self.n_matched / max(self.n_coded, 1)

    def to_text(self) -> str:
        """Return the scores in a line."""
        return (
            f"F1 {self.f1:.2f} (precision {self.precision:.2f}, recall {self.recall:.2f}): {self.n_matched} "
            f"of {self.n_coded} coded intervals found, {self.n_spotted} spotted; a match has an IoU of "
            f"{MIN_IOU:g} or more"
        )


@dataclass(frozen=True)
class Agreement:
    """Agreement of coded and spotted intervals of the kinds that a coder lists."""

    table: pd.DataFrame  # a row per interval of either, see docs/data-dictionary.md
    counts: dict[str, Counts]  # by `CodedInterval.kind`

    def to_dict(self) -> dict:
        """Return scores and table, ready for JSON."""
        rows = self.table.astype(object).where(self.table.notna(), None).to_dict("records")
        scores = {
            kind: {"f1": counts.f1, "precision": counts.precision, "recall": counts.recall}
            for kind, counts in self.counts.items()
        }
        return {**scores, "intervals": rows}

    def to_text(self) -> str:
        """Return the table and, on the last lines, the scores."""
        rows = self.table.to_string(index=False, na_rep="", float_format=lambda value: f"{value:.2f}")
        scores = [f"{kind}: {counts.to_text()}" for kind, counts in self.counts.items()]
        return "\n".join([rows, *scores])


def compare_coding(coded: list[CodedInterval], intervals: list[Interval]) -> Agreement:
    """Compare coded intervals with the spotted ones of the same kind; other kinds are left out."""
    rows, counts = [], {}
    for kind in sorted({code.kind for code in coded}, key=[EXPRESSION, *KINDS].index):
        ours = [i for i in intervals if (EXPRESSION if i.is_expression else i.kind) == kind]
        rows_of_kind, counts[kind] = _compare_kind([c for c in coded if c.kind == kind], ours)
        rows += rows_of_kind
    rows.sort(key=lambda row: min(t for t in (row["coded_onset_s"], row["spotted_onset_s"]) if t is not None))
    return Agreement(pd.DataFrame(rows, columns=COLUMNS), counts)


def _compare_kind(coded: list[CodedInterval], spotted: list[Interval]) -> tuple[list[dict], Counts]:
    """Return a row per interval of one kind, and the counts."""
    coded_spans, spotted_spans = _spans(coded), _spans(spotted)
    partners = dict(match_intervals(coded_spans, spotted_spans))
    rows = []
    for i, (code, span) in enumerate(zip(coded, coded_spans)):
        if i in partners:
            j = partners[i]
            rows.append(_row("matched", code, spotted[j], iou(span, spotted_spans[j])))
        else:
            rows.append(_row("missed", code, None, _best_iou(span, spotted_spans)))
    for j, (interval, span) in enumerate(zip(spotted, spotted_spans)):
        if j not in partners.values():
            rows.append(_row("not coded", None, interval, _best_iou(span, coded_spans)))
    return rows, Counts(len(partners), len(coded), len(spotted))


def _spans(intervals: Sequence[CodedInterval] | Sequence[Interval]) -> list[Span]:
    return [(interval.onset_s, interval.offset_s) for interval in intervals]


def _best_iou(span: Span, others: list[Span]) -> float:
    return max((iou(span, other) for other in others), default=0.0)


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


def _row(outcome: str, code: CodedInterval | None, interval: Interval | None, best_iou: float) -> dict:
    coded = (code.name, code.onset_s, code.offset_s) if code else ("", None, None)
    spotted = (interval.kind, interval.onset_s, interval.offset_s) if interval else ("", None, None)
    return dict(zip(COLUMNS, (outcome, *coded, *spotted, round(best_iou, 3))))


def read_coding(path: Path, tier: str | None = None) -> list[CodedInterval]:
    """Read a coder's intervals, sorted by onset.

    Parameters
    ----------
    path : Path
        An ELAN file (`.eaf`), or a table (`.csv`, `.tsv`) with columns of starts and stops in seconds.
    tier : str or None
        Tier of an ELAN file, needed if several hold intervals; in a table, the behaviour to select.

    Raises
    ------
    UnreadableCoding
        If the file cannot be read or holds no such intervals.
    UnknownName
        If there is no such tier.
    """
    if not path.is_file():
        raise UnreadableCoding(f"There is no file at {path}. Give the coder's .eaf, .csv or .tsv.")
    coded = _read_elan(path, tier) if path.suffix.lower() == ".eaf" else _read_table(path, tier)
    if not coded:
        raise UnreadableCoding(f"{path} holds no intervals" + (f" in {tier}." if tier else "."))
    return sorted(coded)


def _read_elan(path: Path, tier: str | None) -> list[CodedInterval]:
    tiers = read_elan(path).tiers
    if tier is None:
        filled = [name for name in tiers if tiers[name].annotations]
        if len(filled) != 1:
            raise UnreadableCoding(
                f"{path} has {len(filled)} tiers with intervals. Choose one: --tier {' | '.join(filled)}"
            )
        tier = filled[0]
    check_name(tier, list(tiers), "tier")
    return [
        CodedInterval(onset_s, offset_s, name, _kind(name, tier))
        for onset_s, offset_s, name in tiers[tier].annotations
    ]


def _read_table(path: Path, behaviour: str | None) -> list[CodedInterval]:
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
        word = "" if name is None else row[name]
        coded.append(CodedInterval(onset, onset + end if stop is None else end, word, _kind(word)))
    return coded


def _kind(*words: str) -> str:
    """Return the kind of interval that the first such word names; any other word is an expression's."""
    plain = (word.strip().lower().replace("_", " ") for word in words)
    named = (OTHER_KINDS.get(word) or OTHER_KINDS.get(word.removesuffix("s")) for word in plain)
    return next(filter(None, named), EXPRESSION)


def _column(columns: dict[str, int], names: tuple[str, ...]) -> int | None:
    return next((columns[name] for name in names if name in columns), None)
