"""CAS(ME)^3: text cells, recordings and the clip release."""

from pathlib import Path

import pandas as pd
import pytest

from data_prep.annotations import read_clips
from data_prep.datasets import casme3
from data_prep.layouts import casme3 as casme3_replica
from data_prep.layouts import write_workbook
from mer_core.errors import NotFound
from tests.data_prep.folders import first, touch

CASME3 = "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"


def casme3_sheet(root: Path, *rows: tuple) -> None:
    write_workbook(root / CASME3, notes=[("about",)], label=[casme3_replica.HEADER, *rows])


def test_casme3_cells_are_text_and_recordings_hold_several_clips(tmp_path):
    casme3_sheet(
        tmp_path,
        ("spNO.1", "a", "175", "180", "190", "4+7", "III", "Disgust"),
        ("spNO.1", "a", 355, 360, 370, 12, "I", "happy"),
        ("spNO.2", "c", "5", "5", "0", "1", "II", "surprise"),
    )
    touch(tmp_path / "part_A" / "spNO.1" / "a" / "color", *(f"{n}.jpg" for n in (175, 20, 1000)))
    touch(tmp_path / "part_A" / "spNO.1" / "a" / "depth", "175.png")
    table = casme3.read_annotations(tmp_path)
    assert list(table["clip_id"]) == ["casme3/spNO.1/a_175", "casme3/spNO.1/a_355", "casme3/spNO.2/c_5"]
    assert list(table["onset"]) == [175, 355, 5] and list(table["emotion"]) == [
        "disgust",
        "happy",
        "surprise",
    ]
    files = casme3.frame_files(tmp_path, first(table))
    assert list(files) == [20, 175, 1000] and files[175].parent.name == "color"
    read = read_clips("casme3", tmp_path)
    assert pd.isna(read.table.loc[2, "offset"]) and read.table.loc[2, "apex"] == 5
    assert read.table.loc[2, "note"] == "offset printed as 0, before the onset 5; apex is the onset frame"


def test_casme3_a_recording_is_no_witness_for_an_apex_behind_the_offset(tmp_path):
    casme3_sheet(
        tmp_path,
        ("spNO.1", "a", "150", "260", "170", "4", "III", "disgust"),
        ("spNO.2", "b", 150, 160, 155, "4", "III", "anger"),
    )
    touch(tmp_path / "spNO.1" / "a" / "color", *(f"{n}.jpg" for n in range(1, 300)))
    # The clip alone, and longer than annotated.
    touch(tmp_path / "spNo.2_b_150", *(f"{n}.jpg" for n in range(150, 171)))
    recording, clip = read_clips("casme3", tmp_path).table.itertuples()
    assert (
        pd.isna(recording.apex)
        and recording.offset == 170
        and recording.note == "apex printed as 260, outside 150 to 170"
    )
    assert clip.apex == 160 and pd.isna(clip.offset)


def test_casme3_clip_release_spells_the_subject_otherwise(tmp_path):
    casme3_sheet(tmp_path, ("spNO.1", "a", "355", "360", "370", "4", "III", "anger"))
    touch(tmp_path / "ME_A" / "spNo.1_a_355", "355.jpg", "356.jpg", "1000.jpg")
    assert list(casme3.frame_files(tmp_path, first(casme3.read_annotations(tmp_path)))) == [355, 356, 1000]
    with pytest.raises(NotFound, match="spNO.1 .*spNO.1_a_9"):
        casme3.frame_files(tmp_path, first(casme3.read_annotations(tmp_path).assign(clip="a_9")))
