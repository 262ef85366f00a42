"""SAMM Long Videos: 147 videos at 200 frames per second with macro- and micro-expressions.

The micro-expressions are the clips; both kinds are intervals.
"""

from pathlib import Path

import pandas as pd

from data_prep.clip_images import FrameFile, number_recording
from data_prep.clip_table import clip_table
from data_prep.dataset_files import DatasetFacts, folders_named, frames_in
from data_prep.interval_table import expression_kind, interval_table
from data_prep.sheets.annotation_sheets import AnnotationSources, find_files, visible_sheets
from data_prep.sheets.sheet_cells import cell_text, format_subject, read_frame_cells
from mer_core.errors import NotFound, UnreadableFile

FACTS = DatasetFacts(
    title="SAMM Long Videos",
    fps=200,
    subjects=29,
    clips=159,
    intervals={"micro": 159, "macro": 343},  # in 147 videos, according to the paper's abstract
    emotions={"": 159},  # not annotated
    licence="for research, to each user who signs the release agreement",
    obtain="https://helward.mmu.ac.uk/STAFF/M.Yap/dataset.php (release agreement by e-mail)",
    citation="Yap et al., SAMM Long Videos: A spontaneous facial micro- and macro-expressions dataset, FG "
    "2020",
    doi="10.1109/FG47880.2020.00029",
)

TREE = """\
ROOT
  SAMM_LongVideos_V3_Release.xlsx     (or V2, or V1)
  SAMM_longvideos/
    006_1/
      006_1_0001.jpg ...              (or 006_1.avi, .mp4 ..., whose first frame is 1)"""

SPREADSHEETS = tuple(f"SAMM_LongVideos_V{edition}_Release*.xlsx" for edition in (3, 2, 1))
VIDEO = r"\d{3}_\d+"
NUMBERS_VIDEO_FRAMES = True  # a video is the whole recording; like the images, it begins with frame 1
# Columns by position, because the rows above the data differ between editions.
SUBJECT, NAME, _, ONSET, APEX, OFFSET, _, KIND, ACTION_UNITS = range(9)


def read_annotations(root: Path) -> pd.DataFrame:
    """Read the clip table of the micro-expressions from the latest edition."""
    path, *unread = find_files(Path(root), SPREADSHEETS, VIDEO)
    sheet, rows = _rows(path)
    return clip_table(
        [row for row in rows if row["kind"] == "micro"], AnnotationSources([(path, sheet)], unread)
    )


def read_intervals(root: Path) -> pd.DataFrame:
    """Read the interval table of all expressions from the latest edition."""
    path, *_ = find_files(Path(root), SPREADSHEETS, VIDEO)
    return interval_table(_rows(path)[1])


def frame_files(root: Path, row) -> dict[int, FrameFile]:
    """Return the frame files of the clip's video by number; raise `BadInput` if its folder is missing."""
    return video_files(root, row.clip.rsplit("_", 1)[0])


def video_files(root: Path, video: str) -> dict[int, FrameFile]:
    """Return the frame files of a long video by number; raise `BadInput` if its folder is missing."""
    folder = folders_named(Path(root), VIDEO).get(video)
    if not folder:
        raise NotFound(f"There is no folder {video} in {root}.")
    return number_recording(frames_in(folder))


def _rows(path: Path) -> tuple[str, list[dict]]:
    """Return the name of the first sheet with expressions, and these; header rows name no kind."""
    for sheet in visible_sheets(path):
        if sheet.cells.shape[1] > ACTION_UNITS:
            rows = [
                _row(cells, sheet.remark(number))
                for number, *cells in sheet.cells.itertuples(name=None)
                if expression_kind(cell_text(cells[KIND]))
            ]
            if rows:
                return sheet.name, rows
    raise UnreadableFile(
        f"{path} has no row with a micro- or macro-expression in any visible sheet. Is it the published file?"
    )


def _row(cells: list, remark: str) -> dict:
    name = cell_text(cells[NAME])
    return {
        "dataset": "samm_lv",
        "subject": format_subject(name.split("_")[0], "{:03d}"),
        "video": name.rsplit("_", 1)[0],
        "clip": name,
        "kind": expression_kind(cell_text(cells[KIND])),
        "fps": FACTS.fps,
        "action_units": cell_text(cells[ACTION_UNITS]),
        **read_frame_cells(cells[ONSET], cells[OFFSET], cells[APEX], remark),
    }
