"""How well expressions and blinks are spotted in real clips whose visible expressions are listed.

    python -m benchmarks.spotting_real CLIPS --sheets OUT

CLIPS holds videos and an expressions.csv: file, fps, kind, onset, offset, what, annotated_from, annotated_to.
A listed interval counts as found if one of ours overlaps it by an IoU of 0.5, or, where it is shorter than 20
frames, if both ends lie within 4 frames. Ours outside of the annotated range do not count. `--sheets` draws
frames beside the intervals, one picture a clip, to be looked at; the clips may not be distributed, so they
stay out of the repository.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from data_prep.frames import open_frames, write_image
from mer.inference import spotting
from mer.inference.recorder import track_clip
from mer.inference.spotting import Interval
from mer.inference.track import Track
from mer.report.coding import MIN_IOU, iou
from mer_core.io import write_text

SHORT_FRAMES, END_FRAMES, BLINK_FRAMES = 20, 4, 2
SIDE, COLUMNS, MAX_TILES = 120, 12, 120  # px, of the sheets
COLOURS = {
    "micro": (230, 90, 40),
    "macro": (40, 150, 80),
    "blink": (60, 120, 220),
    "eyes_closed": (20, 60, 140),
}


@dataclass(frozen=True)
class Result:
    """Counts of one clip: found correctly, listed, spotted."""

    clip: str
    expressions: tuple[int, int, int]
    blinks: tuple[int, int, int]


def is_match(onset: int, offset: int, found: Interval) -> bool:
    """Return whether `found` matches the listed expression onset..offset."""
    ends = max(abs(onset - found.onset), abs(offset - found.offset))
    overlap = iou((onset, offset), (found.onset, found.offset))
    return overlap >= MIN_IOU or (offset - onset < SHORT_FRAMES and ends <= END_FRAMES)


def count(listed: list[tuple[int, int]], found: list[Interval], matches) -> tuple[int, int, int]:
    """Return the numbers of matched, listed and found intervals."""
    free, right = list(found), 0
    for onset, offset in listed:
        partner = next((i for i in free if matches(onset, offset, i)), None)
        if partner is not None:
            free.remove(partner)
            right += 1
    return right, len(listed), len(found)


def evaluate(name: str, rows: pd.DataFrame, found: list[Interval]) -> Result:
    """Compare the intervals of a clip with its rows of expressions.csv (none for a clip at rest)."""
    low, high = (rows.annotated_from.min(), rows.annotated_to.max()) if len(rows) else (0, np.inf)
    found = [interval for interval in found if low <= interval.onset <= high]
    listed = {kind: list(zip(part.onset, part.offset)) for kind, part in rows.groupby("kind")}

    def near(onset: int, offset: int, blink: Interval) -> bool:
        return max(abs(onset - blink.onset), abs(offset - blink.offset)) <= BLINK_FRAMES

    expressions = count(listed.get("expression", []), [i for i in found if i.is_expression], is_match)
    blinks = count(listed.get("blink", []), [i for i in found if i.kind == "blink"], near)
    return Result(name, expressions, blinks)


def table(results: list[Result]) -> str:
    """Return Markdown: one row per clip and one for all."""
    lines = ["| clip | listed | spotted | right | F1 | precision | blinks listed | found |", "|" + "---|" * 8]
    total = Result(
        "all", *(tuple(np.sum([getattr(r, n) for r in results], 0)) for n in ("expressions", "blinks"))
    )
    for r in (*results, total):
        right, listed, ours = r.expressions
        f1 = f"{2 * right / (listed + ours):.2f}" if listed + ours else ""
        precision = f"{right / ours:.2f}" if ours else ""
        cells = (r.clip, listed, ours, right, f1, precision, r.blinks[1], r.blinks[0])
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def sheet(clip: Path, track: Track, found: list[Interval], rows: pd.DataFrame) -> np.ndarray:
    """Draw the frames of a clip in order, with a bar above for spotted and below for annotated intervals."""
    numbers = track.number[track.seen]
    numbers = numbers[:: -(-len(numbers) // MAX_TILES)]
    tiles = []
    for number, image in open_frames(clip).pick(map(int, numbers)).items():
        left, top, right, bottom = track.box[track.row(number)].astype(int)
        margin = (bottom - top) // 6
        part = image[max(top - margin, 0) : bottom + margin, max(left - margin, 0) : right + margin]
        tile = np.full((SIDE + 20, SIDE, 3), 255, np.uint8)
        tile[10:-10] = cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        cv2.putText(tile, str(number), (4, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 0), 1, cv2.LINE_AA)
        for interval in found:
            if interval.onset <= number <= interval.offset and interval.kind in COLOURS:
                half = slice(0, 5) if interval.is_expression else slice(5, 10)
                tile[half] = COLOURS[interval.kind]
        for row in rows.itertuples():
            if row.onset <= number <= row.offset:
                tile[-10 : -5 if row.kind == "expression" else None] = (90, 90, 90)
        tiles.append(tile)
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % COLUMNS)
    return np.vstack([np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)])


def main() -> None:
    """Measure the clips, print the table, write the sheets."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.spotting_real", description=__doc__.splitlines()[0]
    )
    parser.add_argument("clips", type=Path, help="folder of videos with an expressions.csv")
    parser.add_argument(
        "--at-rest", nargs="*", default=["liveportrait_s18.mp4"], help="clips without expressions"
    )
    parser.add_argument("--sheets", type=Path, help="write a picture per clip here, and the table")
    given = parser.parse_args()
    listed = pd.read_csv(given.clips / "expressions.csv")
    results = []
    for name in [*dict.fromkeys(listed["file"]), *given.at_rest]:
        _, track = track_clip(given.clips / name)
        found, rows = spotting.find_intervals(track), listed[listed["file"] == name]
        results.append(evaluate(name, rows, found))
        if given.sheets:
            given.sheets.mkdir(parents=True, exist_ok=True)
            write_image(
                given.sheets / f"{Path(name).stem}.png", sheet(given.clips / name, track, found, rows)
            )
            write_text(given.sheets / f"{Path(name).stem}.txt", spotting.format_intervals(found) + "\n")
    if given.sheets:
        write_text(given.sheets / "table.md", table(results) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
