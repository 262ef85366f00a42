"""The flow benchmark's records as a table: one row per size and method, as a data frame and as a Markdown
page."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mer_core import markdown

PEAK_EDGES = (0.3, 0.6, 1.2, 2.4, 6.0)  # px at 224, in proportion at other sizes
SLOPE_EDGES = (0.0, 0.05, 0.1, 0.2, np.inf)  # px per px
MOTION_EDGES = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, np.inf)  # px
LIMIT = "limit"  # the row that no method reaches and none is compared with
REFERENCES = ("zero", LIMIT)


def bin_name(low: float, high: float) -> str:
    """`0.5_1`, or `4_up` without an upper end."""
    return f"{low:g}_{high:g}" if np.isfinite(high) else f"{low:g}_up"


def tabulate(records: pd.DataFrame, peak_edges: Sequence[float] = PEAK_EDGES) -> pd.DataFrame:
    """One row per size and method from one record per size, method and pair."""
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


def to_markdown(table: pd.DataFrame, facts: list[str]) -> str:
    """The page: facts, then one section per size with the main table, and the errors by motion below it."""
    faces = sorted(column.removeprefix("epe_on_") for column in table if column.startswith("epe_on_"))
    lines = ["# Flow methods on faces with known motion", ""]
    lines += [
        "Written by `flow/benchmark/measure.py`, on pairs of `flow/benchmark/source.py`.",
        "",
    ]
    lines += [f"- {fact}" for fact in facts] + [f"- Faces: {', '.join(faces)}", ""]
    for size, part in table.groupby("size", sort=False):
        lines += [
            f"## {size} x {size}, {part['pairs'].max()} pairs",
            "",
            "End-point error in px, over the face; best in bold.",
            "",
        ]
        main = {"method": "method", "epe": "all"}
        main |= {column: f"peak {_title(column)}" for column in table if column.startswith("epe_peak_")}
        main |= {
            "gradient_error": "gradient error",
            "still": "motion on still faces",
            "seconds": "s per pair",
        }
        lines += _rows(part, main)
        lines += ["", "By the 99th percentile of the motion's slope, px per px:", ""]
        lines += _rows(
            part, {"method": "method"} | {c: _title(c) for c in table if c.startswith("epe_slope_")}
        )
        lines += ["", "By motion of the pixel, px:", ""]
        lines += _rows(
            part, {"method": "method"} | {c: _title(c) for c in table if c.startswith("epe_motion_")}
        )
        lines += ["", "By face:", ""]
        lines += _rows(part, {"method": "method"} | {f"epe_on_{face}": face for face in faces}) + [""]
    lines += ["Peaks are given at 224 px; at another size they, and the bins, grow in proportion."]
    if LIMIT in set(table["method"]):
        lines += [
            "The limit is what noise leaves to a linear estimator that knows texture, noise and the "
            "family of motions on each face (`flow/benchmark/limit.py`)."
        ]
    return "\n".join(lines) + "\n"


def _title(column: str) -> str:
    low, high = column.split("_")[2:]
    return f"{low}-{high}" if high != "up" else f"over {low}"


def _rows(part: pd.DataFrame, titles: dict[str, str]) -> list[str]:
    """A Markdown table of the columns in `titles`; the least error of each column in bold, zero flow, limit
    and time aside."""
    best = {
        column: part.loc[~part["method"].isin(REFERENCES), column].min()
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
                if text and row[column] == best.get(column) and row["method"] not in REFERENCES
                else text
            )
        rows.append(cells)
    return markdown.format_table(list(titles.values()), rows, numbers_from=1).split("\n")
