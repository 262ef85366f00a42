"""Downloads that went wrong: a clip is read from its own frames, or refused with a reason."""

import re
import shutil
from pathlib import Path

import pytest
from openpyxl import load_workbook

from data_prep.annotations import read_clips
from data_prep.clip_search import ClipFiles, locate_clips
from data_prep.dataset_check import check_dataset, coverage_remarks
from data_prep.image_files.frame_names import read_frame_names
from mer_core import registry
from mer_core.text import format_count

DATASETS = [name for name in registry.list_names("data_prep.layouts") if name != "table"]
PRINT_THE_SPAN = [
    name for name in DATASETS if not name.startswith("smic")
]  # SMIC's ends follow from the files


def locate(name: str, root: Path) -> list[ClipFiles]:
    return locate_clips(name, root, read_clips(name, root), "midpoint")


def folders_of_frames(root: Path) -> list[Path]:
    """Folders of a whole clip each, without the lone images that layouts put beside them."""
    folders = {path.parent for path in root.rglob("*") if path.suffix in (".jpg", ".bmp", ".png")}
    return [folder for folder in sorted(folders) if len(list(folder.iterdir())) > 3]


def rename_frames(root: Path, name_frame) -> None:
    """Rename the images of every clip; `name_frame` gets the index in the clip and returns the new stem."""
    for folder in folders_of_frames(root):
        frames = read_frame_names(path for path in folder.iterdir() if path.suffix != ".lnk").files
        for i, path in enumerate(list(frames.values())):
            path.rename(folder / f"new_{name_frame(i)}{path.suffix}")


@pytest.mark.parametrize("name", sorted(set(PRINT_THE_SPAN) - {"fourdme"}))
def test_frames_that_were_renumbered_are_not_taken_for_the_annotated_ones(name, make_replica):
    """Frames 96 to 101 are called 94 to 99: onset 96 and apex 99 are there, and are other frames."""
    root = make_replica(name, subjects=(1,), clips_each=1)
    rename_frames(root, lambda i: 94 + i)
    (clip,) = locate(name, root)
    assert clip.outcome == "missing frame" and "94 to 99" in clip.reason


@pytest.mark.parametrize("name", PRINT_THE_SPAN)
def test_times_as_names_are_no_annotated_numbers(name, make_replica):
    root = make_replica(name, subjects=(1,), clips_each=1)
    rename_frames(root, lambda i: f"2024-01-05_10-11-12-{40 * i:03d}")
    assert {clip.outcome for clip in locate(name, root)} == {"missing frame"}


@pytest.mark.parametrize("name", ["casme_squared", "samm_lv"])
def test_a_recording_that_was_exported_anew_is_refused(name, make_replica):
    root = make_replica(name, subjects=(1,), clips_each=1)
    rename_frames(root, lambda i: i)
    (clip,) = locate(name, root)
    assert clip.outcome == "missing frame" and "a number below 1" in clip.reason


@pytest.mark.parametrize("name", DATASETS)
def test_copies_among_the_frames_are_said_with_the_clip(name, make_replica):
    root = make_replica(name, subjects=(1, 2), clips_each=1)
    for folder in folders_of_frames(root):
        path = next(path for path in sorted(folder.iterdir()) if path.suffix in (".jpg", ".bmp", ".png"))
        shutil.copy(path, path.with_name(f"{path.stem} (1){path.suffix}"))
    clips = locate(name, root)
    assert clips and all(clip.outcome is None and "1 copies skipped" in clip.reason for clip in clips)
    assert any(
        f"{format_count(len(clips), 'clip')} with a remark" in line
        for line in coverage_remarks(name, root, clips)
    )


@pytest.mark.parametrize("name", ["mmew", "fourdme", "samm", "dfme"])
def test_a_clip_listed_for_another_subject_is_refused(name, make_replica):
    """As a spreadsheet does that was sorted by one column."""
    root = make_replica(name, subjects=(1, 2, 9), clips_each=2)
    if name == "dfme":
        path = root / "train.csv"
        path.write_text(path.read_text().replace("sub001,dfme_001_01", "sub002,dfme_001_01"))
    else:
        path = next(root.glob("*.xlsx"))
        book = load_workbook(path)
        rows = [row for row in book.worksheets[0].iter_rows() if isinstance(row[1].value, str)]
        of_first, of_second = rows[1], rows[3]
        of_first[0].value = of_second[0].value
        book.save(path)
    clips = locate(name, root)
    assert [clip.outcome for clip in clips].count("bad name") == 1
    assert sum(clip.outcome is None for clip in clips) == 5


def test_a_smic_folder_in_that_of_another_subject_is_refused(make_replica):
    root = make_replica("smic", subjects=(1, 2, 9), clips_each=2)
    folder = next(path for path in sorted(root.rglob("s1_*_01")) if path.parents[3].name == "HS")
    moved = root / "SMIC_all_raw" / "HS" / "s2" / "micro" / folder.parent.name
    moved.mkdir(parents=True, exist_ok=True)
    folder.rename(moved / folder.name)
    assert [clip.clip_id for clip in locate("smic", root) if clip.outcome == "bad name"] == [
        f"smic/s02/s01_{folder.name.split('_')[1]}_01"
    ]


def test_a_gap_in_a_clip_of_smic_is_said(make_replica):
    root = make_replica("smic", subjects=(1,), clips_each=1)
    frames = next(folder for folder in folders_of_frames(root) if "HS" in folder.parts)
    path = sorted(frames.iterdir())[1]
    absent = int(re.findall(r"\d+", path.stem)[-1])
    path.unlink()
    (note,) = read_clips("smic", root).table["note"]
    assert note.endswith(f" {absent}")


def test_absent_clips_are_counted_and_folders_of_clips_are_no_subjects(make_replica):
    root = make_replica("casme3", subjects=(1, 2), clips_each=1)
    (root / "SYNTHETIC.txt").unlink()
    lines = coverage_remarks("casme3", root, locate("casme3", root))
    assert lines == [
        "2 of the published 860 clips are here.",
        "2 of the published 94 subjects are here.",
    ]


@pytest.mark.parametrize(
    "kept, message", [(slice(None, None, 2), "in steps of 2"), (slice(0, 2), "96 to 97")]
)
def test_frames_that_are_there_are_described(make_replica, kept, message):
    root = make_replica("casme2", subjects=(1,), clips_each=1)
    (folder,) = folders_of_frames(root)
    frames = sorted(folder.glob("*.jpg"), key=lambda path: int(path.stem[3:]))
    for path in set(frames) - set(frames[kept]):
        path.unlink()
    (clip,) = locate("casme2", root)
    assert clip.outcome == "missing frame" and message in clip.reason


@pytest.mark.parametrize("name", ["casme_squared", "samm_lv"])
def test_intervals_without_both_ends_are_said(name, make_replica):
    root = make_replica(name, subjects=(1, 2), clips_each=1)
    book = load_workbook(next(root.glob("*.xlsx")))
    (offset,) = [cell for row in book.worksheets[0].iter_rows() for cell in row if cell.value in (240, 900)][
        :1
    ]
    assert not [line for line in check_dataset(name, root).lines if "onset or offset" in line]
    offset.value = "?"
    book.save(next(root.glob("*.xlsx")))
    (line,) = [line for line in check_dataset(name, root).lines if "onset or offset" in line]
    assert "1 of 4 intervals" in line and "macro" in line
