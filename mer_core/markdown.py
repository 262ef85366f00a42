"""Markdown tables."""

from collections.abc import Iterable, Sequence


def format_table(
    header: Sequence[object], rows: Iterable[Sequence[object]], numbers_from: int | None = None
) -> str:
    """Return a Markdown table without a final newline.

    Parameters
    ----------
    header : sequence
        Column titles.
    rows : iterable of sequences
        Cells, as many as titles; `|` is escaped, None is an empty cell.
    numbers_from : int or None
        Index of the first right-aligned column; None for no such column.

    Raises
    ------
    ValueError
        If a row has more or fewer cells than there are titles.
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
    escaped = ("" if cell is None else str(cell).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"
