"""The flow benchmark's records as a table, one row per size and method, and as a Markdown page."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mer_core import markdown

PEAK_EDGES = (0.3, 0.6, 1.2, 2.4, 6.0)  # px at 224, in proportion at other sizes
SLOPE_EDGES = (0.0, 0.05, 0.1, 0.2, np.inf)  # px per px
MOTION_EDGES = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, np.inf)  # px
LIMIT_ROW = "limit"  # see limit.py
REFERENCE_ROWS = ("zero", LIMIT_ROW)


def bin_name(low: float, high: float) -> str:
    """Return the column suffix of a bin: `0.5_1`, or `4_up` without an upper end."""
    return f"{low:g}_{high:g}" if np.isfinite(high) else f"{low:g}_up"


def tabulate(records: pd.DataFrame, peak_edges: Sequence[float] = PEAK_EDGES) -> pd.DataFrame:
    """Average the records: one row per size and method from one record per size, method and pair."""
    rows = []
    for (size, label), group in records.groupby(["size", "label"], sort=False):
        row = {
            "size": size,
            "method": label,
            "pairs": int(group["epe"].notna().sum()),
            "epe": group["epe"].mean(),
        }
        for column, edges in (("peak", peak_edges), ("slope", SLOPE_EDGES)):
            for low, high in zip(edges, edges[1:]):
                inside = group[column].between(low, high)
                row[f"epe_{column}_{bin_name(low, high)}"] = group.loc[inside, "epe"].mean()
        for low, high in zip(MOTION_EDGES, MOTION_EDGES[1:]):
            name = bin_name(low, high)
            pixels = group[f"pixels {name}"].sum()
            row[f"epe_motion_{name}"] = group[f"sum {name}"].sum() / pixels if pixels else np.nan
        row |= {"gradient_error": group["gradient"].mean(), "still": group["still"].mean()}
        row["seconds"] = group["seconds"].median()
        rows.append(row | {f"epe_on_{face}": part["epe"].mean() for face, part in group.groupby("face")})
    return pd.DataFrame(rows)


def to_markdown(table: pd.DataFrame, facts: list[str], title: str) -> str:
    """Write the page: a ranking, the tables of each size, and how they were made."""
    faces = sorted(column.removeprefix("epe_on_") for column in table if column.startswith("epe_on_"))
    lines = [f"# {title}", ""]
    for size, part in table.groupby("size", sort=False):
        lines += [_ranking(int(size), part)]
    lines += [
        "",
        "End-point error (EPE) in px, mean over the face; best in bold. `zero` predicts no motion.",
        "",
    ]
    for size, part in table.groupby("size", sort=False):
        lines += [f"## {size} x {size}, {part['pairs'].max()} pairs", "", *_tables(part, faces)]
    lines += [
        "## How it was measured",
        "",
        *(f"- {fact}" for fact in facts),
        f"- Faces: {', '.join(faces)}",
        "- Peaks are given at 224 px; peaks and bins grow in proportion to the size.",
    ]
    if LIMIT_ROW in set(table["method"]):
        lines += [
            "- `limit` is what noise leaves to a linear estimator that knows texture, noise and the family "
            "of motions on each face (`flow/benchmark/limit.py`)."
        ]
    lines += ["- Code: `flow/benchmark/measure.py`, on pairs of `flow/benchmark/source.py`."]
    return "\n".join(lines) + "\n"


def _ranking(size: int, part: pd.DataFrame) -> str:
    """Return a list item that names the methods with the smallest error."""
    ranked = part[~part["method"].isin(REFERENCE_ROWS)].sort_values("epe")
    named = [f"{row.method} {row.epe:.3f} px" for row in ranked.head(3).itertuples()]
    if not named:
        return f"- {size} px: no method was measured."
    return (
        f"- {size} px: least mean error by **{named[0]}**"
        + f"; then {', '.join(named[1:])}" * (len(named) > 1)
        + "."
    )


def _tables(part: pd.DataFrame, faces: list[str]) -> list[str]:
    """Return the tables of one size: overall, by slope, by motion, by face."""
    main = {"method": "method", "epe": "all"}
    main |= {column: f"peak {_title(column)}" for column in part if column.startswith("epe_peak_")}
    main |= {"gradient_error": "gradient error", "still": "motion on still faces", "seconds": "s per pair"}
    lines = [*_markdown_rows(part, main), ""]
    for prefix, heading in (
        ("epe_slope_", "By the 99th percentile of the motion's slope, px per px:"),
        ("epe_motion_", "By motion of the pixel, px:"),
    ):
        titles = {column: _title(column) for column in part if column.startswith(prefix)}
        lines += [heading, "", *_markdown_rows(part, {"method": "method"} | titles), ""]
    by_face = {f"epe_on_{face}": face for face in faces}
    return lines + ["By face:", "", *_markdown_rows(part, {"method": "method"} | by_face), ""]


def _title(column: str) -> str:
    """Turn a column name into the heading of its bin: `epe_slope_0.1_0.2` -> `0.1-0.2`."""
    low, high = column.split("_")[2:]
    return f"{low}-{high}" if high != "up" else f"over {low}"


def _markdown_rows(part: pd.DataFrame, titles: dict[str, str]) -> list[str]:
    """Return a Markdown table of the columns in `titles`; the smallest error of a column is bold."""
    best = {
        column: part.loc[~part["method"].isin(REFERENCE_ROWS), column].min()
        for column in titles
        if column not in ("method", "seconds")
    }
    rows = []
    for _, row in part.iterrows():
        cells = [row["method"]]
        for column in list(titles)[1:]:
            text = "" if np.isnan(row[column]) else f"{row[column]:.3f}"
            cells.append(
                f"**{text}**"
                if text and row[column] == best.get(column) and row["method"] not in REFERENCE_ROWS
                else text
            )
        rows.append(cells)
    return markdown.format_table(list(titles.values()), rows, numbers_from=1).split("\n")
