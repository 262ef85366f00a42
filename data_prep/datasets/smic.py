"""SMIC-HS: spontaneous micro-expressions at 100 frames per second, from the short or the extended release.

The short release (raw or cropped) has no spreadsheet: emotion, onset and offset follow from the folders. The
extended release has frames before and after each expression, and a spreadsheet with onset and offset. Neither
gives an apex. SMIC-VIS and SMIC-NIR, the same moments recorded by other cameras, are the datasets `smic_vis`
and `smic_nir`, which use the functions here.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from data_prep.clip_images import FrameFile
from data_prep.clip_table import clip_table
from data_prep.dataset_files import (
    AmbiguousFolder,
    DatasetFacts,
    find_folder,
    folders_in,
    folders_named,
    frames_in,
    images_in,
    resolve_path,
)
from data_prep.image_files.frame_names import name_gaps
from data_prep.sheets.annotation_sheets import AnnotationSources, find_files, find_table
from data_prep.sheets.sheet_cells import cell_number, cell_text, format_subject, read_frame_cells
from mer_core.errors import BadInput, Incompatible, NotFound
from mer_core.text import format_count

FACTS = DatasetFacts(
    title="SMIC-HS",
    fps=100,
    subjects=16,
    clips=164,
    emotions={"negative": 70, "positive": 51, "surprise": 43},
    licence="for research, to each user who signs the release agreement",
    obtain="https://www.oulu.fi/cmvs/node/41319 (release agreement by e-mail)",
    citation="Li et al., A spontaneous micro-expression database: Inducement, collection and baseline, FG "
    "2013",
    doi="10.1109/FG.2013.6553717",
)

TREE = """\
ROOT
  SMIC_all_raw/                       (or SMIC_all_cropped/, with reg_image563854.bmp)
    HS/
      s1/
        micro/
          negative/
            s1_ne_01/
              image563854.bmp ...
          positive/  surprise/
        non_micro/                    (not read)
      ...
      s20/
or, of the extended release (157 clips),
ROOT
  SMIC-HS-E_annotation.xlsx           (or ..._2019.xlsx)
  SMIC-HS-E/
    s03/
      s3_sur_01/
        image308866.jpg ..."""

CAMERAS = ("HS", "VIS", "NIR")
SUBJECT = r"s\d+"
# s1_ne_01, s01_ne_01 and s01_s01_ne_01 are one clip.
CLIP = re.compile(r"(?:s\d+_)*s(\d+)_(ne|po|sur)_(\d+)", re.IGNORECASE)
EMOTIONS = {"ne": "negative", "po": "positive", "sur": "surprise"}
COLUMNS = ("subject", "filename", "onsetf", "offsetf")


def read_annotations(root: Path) -> pd.DataFrame:
    """Read the clip table of the high-speed camera; apexes stay empty."""
    return read_camera(Path(root), "HS", "smic", FACTS.fps)


def frame_files(root: Path, row) -> dict[int, FrameFile]:
    """Return the frame files of one clip by number; raise `BadInput` if its folder is missing."""
    return camera_files(Path(root), "HS", row)


def clip_name(folder: str) -> str:
    """Return the normal form of a clip's name, such as s01_ne_01; raise `ValueError` for other names."""
    match = CLIP.fullmatch(folder)
    if not match:
        raise ValueError(f"{folder!r} is not the name of a SMIC clip, such as s1_ne_01.")
    return f"s{int(match[1]):02d}_{match[2].lower()}_{int(match[3]):02d}"


def read_camera(root: Path, camera: str, dataset: str, fps: float) -> pd.DataFrame:
    """Read the clip table of one camera, from the short release's folders or the extended spreadsheet."""
    _refuse_other_camera(root, camera)
    rows, patterns = list(_short_rows(root, camera)), (f"SMIC-{camera}-E_annotation*.xlsx",)
    if rows:
        sources = AnnotationSources(remarks=_unread_sheets(root, patterns))
    else:
        sources, table = find_table(root, patterns, COLUMNS, SUBJECT, optional=("emotion",))
        rows = list(_extended_rows(table))
        unnamed = [row for row in table.itertuples() if not _names_clip(row) and cell_number(row.onsetf)]
        if unnamed:
            sources.remarks.append(
                f"{format_count(len(unnamed), 'row')} with an onset left out, because they name no clip of "
                f"SMIC; first: row {unnamed[0].Index}, {cell_text(unnamed[0].filename)!r}"
            )
    rows = [{"dataset": dataset, "subject": row["clip"].split("_")[0], "fps": fps, **row} for row in rows]
    return clip_table(sorted(rows, key=lambda row: row["clip"]), sources)


def camera_files(root: Path, camera: str, row) -> dict[int, FrameFile]:
    """Return the frame files of one camera's clip by number; raise `BadInput` if its folder is missing."""
    for folder in _micro_folders(root, camera, int(row.subject[1:])):
        if clip_name(folder.name) == row.clip:
            return frames_in(folder)
    folders = folders_named(_camera_folder(root, camera), CLIP.pattern).paths
    matches = [folder for folder in folders if clip_name(folder.name) == row.clip]
    if len(matches) == 1:
        return frames_in(matches[0])
    if matches:
        raise AmbiguousFolder(f"There are {len(matches)} folders for {row.clip} in {root}.")
    raise NotFound(f"There is no folder for {row.clip} in {root}.")


def _short_rows(root: Path, camera: str) -> Iterator[dict]:
    """Yield the rows of the short release: the first frame of a folder is the onset, the last the offset."""
    for folder in _micro_folders(root, camera):
        frames, name = list(images_in(folder)), clip_name(folder.name)
        ends = {"onset": frames[0], "offset": frames[-1]} if frames else {}
        emotion, parent = EMOTIONS[name.split("_")[1]], folder.parent.name
        notes = [] if parent.lower() == emotion else [f"is in the folder {parent}, but named as {emotion}"]
        if gaps := name_gaps(frames):
            notes.append(f"frames are missing between onset and offset, first: {gaps[0][0]}")
        subject = format_subject(folder.parents[2].name, "s{:02d}")  # .../s1/micro/negative/s1_ne_01
        yield {"clip": name, "subject": subject, "emotion": emotion, "note": "; ".join(notes), **ends}


def _extended_rows(table: pd.DataFrame) -> Iterator[dict]:
    """Yield the rows of the extended release; of a clip with several expressions, the first is used.

    Rows of text below the clips name no clip and are skipped.
    """
    for row in filter(_names_clip, table.itertuples()):
        name = clip_name(cell_text(row.filename))
        emotion, printed = EMOTIONS[name.split("_")[1]], cell_text(row.emotion).lower()
        differs = f"emotion printed as {printed}, but named as {emotion}"
        remarks = [row.remark] + [differs] * (printed in set(EMOTIONS.values()) - {emotion})
        frames = read_frame_cells(row.onsetf, row.offsetf, remark="; ".join(filter(None, remarks)))
        yield {"clip": name, "emotion": emotion, **frames}


def _unread_sheets(root: Path, patterns: tuple[str, ...]) -> list[str]:
    """Return a remark on a spreadsheet of the extended release beside the folders of the short one."""
    try:
        names = ", ".join(path.name for path in find_files(root, patterns, SUBJECT))
    except BadInput:
        return []
    return [f"{names} is not read: the folders of the short release, which are here, are the annotations"]


def _names_clip(row) -> bool:
    return bool(CLIP.fullmatch(cell_text(row.filename)))


def _micro_folders(root: Path, camera: str, subject: int | None = None) -> Iterator[Path]:
    """Yield the clip folders of the short release, of all subjects or of one."""
    for name, folder in folders_in(_camera_folder(root, camera)).items():
        if not re.fullmatch(SUBJECT, name) or subject not in (None, int(name[1:])):
            continue
        for emotion in folders_in(resolve_path(folder, "micro")).values():
            yield from (path for clip, path in folders_in(emotion).items() if CLIP.fullmatch(clip))


def _camera_folder(root: Path, camera: str) -> Path:
    """Find the folder of a camera's subjects; raw before cropped, the short release before the extended."""
    others = tuple(
        name for other in CAMERAS if other != camera for name in (other, f"{other}_long", f"SMIC-{other}-E")
    )
    return find_folder(root, SUBJECT, ("SMIC_all_raw", "SMIC_all_cropped", camera), avoid=others)


def _refuse_other_camera(root: Path, camera: str) -> None:
    """Refuse the folder of another camera, whose clips have the same names."""
    cameras = [word for word in re.split(r"[-_]", root.resolve().name.upper()) if word in CAMERAS]
    if cameras and cameras[0] != camera:
        dataset = "smic" if cameras[0] == "HS" else f"smic_{cameras[0].lower()}"
        raise Incompatible(
            f"{root} is the folder of the camera {cameras[0]}. "
            f"Prepare it as {dataset}, or give the folder above it."
        )
