"""Tables of own recordings: rows of a spreadsheet, of ELAN files or of BIDS events.

This module reads what is written there; `datasets/table.py` finds the frames that the rows refer to.
"""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import pandas as pd

from data_prep.identity import clean_name, describe_merged, describe_similar, unify_spellings
from data_prep.own_recordings.recordings import is_video
from data_prep.sheets.annotation_sheets import AnnotationSources, AnnotationTable, column_key, read_table
from data_prep.sheets.elan import read_elan
from data_prep.sheets.sheet_cells import (
    GROUPED,
    cell_rate,
    cell_text,
    is_empty,
    is_name,
    known_text,
    read_frame_number,
    to_seconds,
    with_point,
)
from data_prep.sheets.sheet_files import SUFFIXES
from mer_core.errors import BadInput

REQUIRED = ("file", "subject", "label")
FRAMES = ("onset", "apex", "offset")
OPTIONAL = ("clip", *FRAMES, "onsets", "apexs", "offsets", "fps", "actionunits")  # as `column_key` has them
BIDS_EVENTS = "_events.tsv"
# Columns that look like frames or times but are not read, as `column_key` has them: onset_ms, ApexFrame.
UNREAD_TIME = r"(onset|apex|offset)(frames?|f|no|nr|number|index|m?sec\w*|ms|milli\w*|time\w*)\d*|framerate"


class BadTable(BadInput):
    """A file is no table of recordings, or an ambiguous one."""

    code = "bad-table"


@dataclass(frozen=True)
class Recording:
    """One row: an expression in a video or a folder of frames."""

    line: int  # row of a sheet, or annotation of a file, from 1
    file: str  # relative to the table's folder, with "/" as separator
    subject: str
    label: str
    clip: str = ""
    frames: dict[str, int] = field(default_factory=dict)  # of onset, apex and offset, those given
    seconds: dict[str, float] = field(default_factory=dict)  # the same, given as times
    fps: float | None = None
    action_units: str = ""
    note: str = ""
    problem: str = ""  # why the row cannot be used


def read_recordings(index: Path) -> tuple[list[Recording], AnnotationSources]:
    """Read a table of recordings.

    Parameters
    ----------
    index : Path
        Spreadsheet, ELAN file (.eaf), BIDS events (..._events.tsv), a folder with clips.csv, or one with ELAN
        files or BIDS events.

    Returns
    -------
    recordings : list of Recording
        Spellings of subjects and labels are unified. Of several files, one that cannot be read is a row with
        that problem.
    sources : AnnotationSources
        Files read; unified spellings are among the remarks.

    Raises
    ------
    BadInput
        If there is no such file, it cannot be read, or it lists no recording.
    """
    if not index.exists():
        raise BadTable(f"There is no table at {index}. Check --index.")
    home = index if index.is_dir() else index.parent
    sources, recordings = AnnotationSources(), []
    files = _tables_in(index) if index.is_dir() else [index]
    for file in files:
        try:
            recordings += _read_file(file, home, sources)
        except BadInput as error:
            if len(files) == 1:
                raise
            name = file.relative_to(home).as_posix()
            reason = str(error).replace(f"{file.parent}/", "")
            recordings.append(Recording(1, name, _bids_subject(file.name), "", problem=reason))
    if not recordings:
        raise BadTable(f"{index} lists no recording.")
    return _unify(recordings, index, sources), sources


def _read_file(file: Path, home: Path, sources: AnnotationSources) -> list[Recording]:
    """Read the rows of one file, and add it to `sources`."""
    if file.suffix.lower() == ".eaf":
        rows, sheet = _read_elan(file, home), ""
    elif file.name.endswith(BIDS_EVENTS):
        rows, sheet = _read_bids(file, home), ""
    else:
        table = read_table(file, REQUIRED, OPTIONAL, n_named=0)
        _refuse_other_units(table)
        rows, sheet = [_parse_row(row) for row in table.rows.itertuples()], table.sheet
        sources.remarks += table.remarks
        if table.unread_columns:
            sources.remarks.append(f"Columns of {file.name} not read: {', '.join(table.unread_columns)}")
    sources.files_read.append((file, sheet))
    return rows


def _tables_in(folder: Path) -> list[Path]:
    """Return clips.csv (or .xlsx, ...) of a folder, or else the ELAN files and BIDS events anywhere in it."""
    tables = [
        file
        for file in sorted(folder.iterdir())
        if file.stem.lower() == "clips" and file.suffix.lower() in SUFFIXES
    ]
    if len(tables) > 1:
        raise BadTable(f"{folder} holds {' and '.join(file.name for file in tables)}. Name one with --index.")
    files = tables or sorted([*folder.rglob("*.eaf"), *folder.rglob(f"*{BIDS_EVENTS}")])
    if not files:
        raise BadTable(
            f"{folder} holds no clips.csv, no ELAN file (.eaf) and no BIDS events (*{BIDS_EVENTS})."
        )
    return files


def _refuse_other_units(table: AnnotationTable) -> None:
    """Refuse a table whose columns of frames hold seconds, or with times in columns that are not read."""
    unread = [name for name in table.unread_columns if re.fullmatch(UNREAD_TIME, column_key(name))]
    if unread:
        raise BadTable(
            f"{table.path} has columns that are not read: {', '.join(unread)}. Give frame numbers as "
            "onset, apex, offset, or seconds as onset_s, apex_s, offset_s, and frames per second as fps."
        )
    for name in FRAMES:
        texts = table.rows[name].map(cell_text)
        filled = texts[[not is_empty(text) for text in texts]]
        fractions = filled[filled.str.fullmatch(r"\d+[.,]\d*[1-9]\d*")]
        if len(fractions) > max(1, len(filled) / 2):
            raise BadTable(
                f"Most numbers in the column {name} of {table.path} are fractions (line "
                f"{fractions.index[0]}: {fractions.iloc[0]}), and frame numbers are whole. If they are "
                f"seconds, call it {name}_s."
            )


def _parse_row(row) -> Recording:
    problems: list[str] = []
    notes, frames = [row.remark], {}
    for name in FRAMES:
        value, doubt = read_frame_number(None if is_empty(getattr(row, name)) else getattr(row, name))
        (problems if value is None else notes).append(f"{name} {doubt}" if doubt else "")
        if value is not None:
            frames[name] = value
    seconds: dict[str, float] = {}
    for name in FRAMES:
        cell = getattr(row, f"{name}s")
        time_s = to_seconds(cell)
        if time_s is not None:
            seconds[name] = time_s
        elif not is_empty(cell):
            problems.append(
                f"{name}_s printed as {cell_text(cell)!r}, {_why_unread(cell, 'time in seconds')}"
            )
    fps = cell_rate(with_point(row.fps))
    if fps is None and not is_empty(row.fps):
        problems.append(f"fps printed as {cell_text(row.fps)!r}, {_why_unread(row.fps, 'frame rate')}")
    return Recording(
        line=row.Index,
        file=_normalise_path(row.file),
        subject=known_text(row.subject) if is_name(cell_text(row.subject)) else "",
        label=known_text(row.label),
        clip=cell_text(row.clip),
        frames=frames,
        seconds=seconds,
        fps=fps,
        action_units=cell_text(row.actionunits),
        note="; ".join(filter(None, notes)),
        problem="; ".join(filter(None, problems)),
    )


def _why_unread(cell: object, noun: str) -> str:
    text = cell_text(cell)
    if not re.fullmatch(GROUPED, text):
        return f"which is no {noun}"
    return f"which may be {text.replace(',', '.')} or {text.replace(',', '')}; write it with a point"


def _read_elan(file: Path, home: Path) -> list[Recording]:
    """Read the annotations of an ELAN file, which must all be on one tier.

    The values are the labels, and the tier's participant is the subject. The recording is the linked media
    file if it lies beside the ELAN file, or else the only video there with the ELAN file's name.

    Raises `BadTable` if several tiers have annotations, or `UnreadableElan`.
    """
    elan = read_elan(file)
    annotated = {name: tier for name, tier in elan.tiers.items() if tier.annotations}
    if len(annotated) > 1:
        raise BadTable(
            f"{file} has annotations on {len(annotated)} tiers ({', '.join(annotated)}); "
            "which are the labels? Keep one tier in a copy of the file."
        )
    linked = [file.parent / name for name in elan.media]
    linked = [path for path in linked if is_video(path) and path.exists()]
    recording = _single_recording(linked or _videos_named(file, file.stem), file, home)
    return [
        replace(
            recording,
            line=line,
            subject=cell_text(tier.participant) or _bids_subject(file.name),
            label=cell_text(annotation.value),
            seconds={"onset": annotation.onset_s, "offset": annotation.offset_s},
        )
        for tier in annotated.values()
        for line, annotation in enumerate(tier.annotations, 1)
    ]


def _read_bids(file: Path, home: Path) -> list[Recording]:
    """Read BIDS events: onset and duration in seconds, trial_type as label, sub-... in the name."""
    table = read_table(file, ("onset", "duration", "trialtype"), ("apex", "subject"), n_named=0)
    prefix = file.name.removesuffix(BIDS_EVENTS)
    recording = _single_recording(_videos_named(file, prefix), file, home)
    rows = []
    for row in table.rows.itertuples():
        onset, duration, apex = (to_seconds(cell) for cell in (row.onset, row.duration, row.apex))
        seconds = {} if onset is None else {"onset": onset}
        seconds |= {} if onset is None or duration is None else {"offset": onset + duration}
        seconds |= {} if apex is None else {"apex": apex}
        text = cell_text(row.onset)
        problem = f"onset printed as {text!r}, which is no time in seconds" if onset is None else ""
        subject = _bids_subject(file.name) or cell_text(row.subject)
        label = "" if is_empty(row.trialtype) else cell_text(row.trialtype)
        rows.append(
            replace(
                recording,
                line=row.Index,
                subject=subject,
                label=label,
                seconds=seconds,
                problem="; ".join(filter(None, (recording.problem, problem))),
            )
        )
    return rows


def _videos_named(file: Path, stem: str) -> list[Path]:
    """Return the videos beside `file` called `stem`, or else those whose name goes on after a separator."""
    videos = [path for path in sorted(file.parent.iterdir()) if is_video(path)]
    return [path for path in videos if path.stem == stem] or [
        path for path in videos if re.match(rf"{re.escape(stem)}[ _.-]", path.name)
    ]


def _single_recording(recordings: list[Path], file: Path, home: Path) -> Recording:
    """Return the recording that `file` annotates, with a problem if there is none or several."""
    if len(recordings) == 1:
        return Recording(0, recordings[0].relative_to(home).as_posix(), "", "")
    names = ", ".join(path.name for path in recordings) or "no video"
    problem = f"{file.name} should have one recording beside it, and has {names}"
    return Recording(0, file.relative_to(home).as_posix(), "", "", problem=problem)


def _bids_subject(name: str) -> str:
    match = re.match(r"sub-([^_]+)_", name)
    return match[1] if match else ""


def _unify(recordings: list[Recording], index: Path, sources: AnnotationSources) -> list[Recording]:
    """Unify the spellings of each subject and each label."""
    subjects, merged_subjects = unify_spellings([recording.subject for recording in recordings])
    labels, merged_labels = unify_spellings(
        [recording.label for recording in recordings], lambda label: clean_name(label).casefold()
    )
    for merged, noun in ((merged_subjects, "subject"), (merged_labels, "label")):
        if merged:
            sources.remarks.append(describe_merged(merged, index.name, noun).rstrip("."))
    sources.remarks += describe_similar(labels, "Labels")
    return [
        replace(recording, subject=subject, label=label)
        for recording, subject, label in zip(recordings, subjects, labels, strict=True)
    ]


def _normalise_path(cell: object) -> str:
    """Return a stripped path with "/" as separator and in normal form (`./a` is `a`)."""
    path = "" if pd.isna(cell) else str(cell).strip().replace("\\", "/")
    return PurePosixPath(path).as_posix() if path else ""
