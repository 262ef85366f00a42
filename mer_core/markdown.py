"""Markdown tables."""

from collections.abc import Iterable, Sequence


def format_table(
    header: Sequence[object], rows: Iterable[Sequence[object]], numbers_from: int | None = None
) -> str:
    """Return a Markdown table, without a newline at its end.

    Parameters
    ----------
    header : sequence
        Titles of the columns.
    rows : iterable of sequences
        Cells, as many as titles; `|` is escaped, None is an empty cell.
    numbers_from : int or None
        First column that is aligned to the right; None: none is.
    """
    right = len(header) if numbers_from is None else numbers_from
    rule = ["---" if i < right else "---:" for i in range(len(header))]
    lines = [_line(header), "|" + "|".join(rule) + "|"]
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"A row has {len(row)} cells and the table {len(header)} columns.")
        lines.append(_line(row))
    return "\n".join(lines)


def _line(cells: Sequence[object]) -> str:
    return (
        f"| {' | '.join('' if cell is None else str(cell).replace('|', chr(92) + '|') for cell in cells)} |"
    )
