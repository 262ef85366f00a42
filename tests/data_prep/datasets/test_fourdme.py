"""4DME: several emotions in a cell, folders that count from 1."""

import pytest

from data_prep.annotations import read_clips
from data_prep.clip_search import locate_clips
from data_prep.datasets import fourdme
from data_prep.image_files.name_times import AmbiguousNames
from data_prep.layouts import fourdme as fourdme_replica
from data_prep.layouts import write_workbook
from tests.data_prep.folders import touch


def test_fourdme_has_several_emotions_in_a_cell_and_folders_that_count_from_one(tmp_path):
    rows = [
        ("S1", "S1_1st_001", "Surprise+Positive", 100, 102, 103, "AU1+AU4(k)"),
        ("S1", "S1_1st_002", "Positive + Surprise", "200", 201, 203, "1"),
        ("S2", "S2_1st_001", "Others", 300, 301, 303, "1"),
        ("S2", "S2_1st_002", "Others", 3, 5, 7, "1"),
    ]
    write_workbook(tmp_path / "4DME_Labelling_Micro_release v1.xlsx", Sheet1=[fourdme_replica.HEADER, *rows])
    touch(tmp_path / "gray_micro" / "S1" / "S1_1st_001", *(f"{n}.jpg" for n in range(1, 5)))
    touch(tmp_path / "gray_micro" / "S1" / "S1_1st_002", *(f"{n}.jpg" for n in range(200, 204)))
    touch(tmp_path / "gray_micro" / "S2" / "S2_1st_001", "1.jpg", "2.jpg")
    touch(tmp_path / "gray_micro" / "S2" / "S2_1st_002", *(f"{n}.jpg" for n in range(1, 6)))
    table = fourdme.read_annotations(tmp_path)
    assert list(table["emotion"]) == ["positive+surprise", "positive+surprise", "others", "others"]
    assert table.loc[0, "action_units"] == "AU1+AU4(k)"
    first_row, second_row, short_row, last_row = table.itertuples()
    shifted, annotated, early = (
        fourdme.frame_files(tmp_path, row) for row in (first_row, second_row, last_row)
    )
    assert list(shifted) == [100, 101, 102, 103] and shifted[100].name == "1.jpg"
    assert list(annotated) == [200, 201, 202, 203] and annotated[200].name == "200.jpg"
    with pytest.raises(AmbiguousNames, match="2 frames, 1 to 2.*300 to 303"):
        fourdme.frame_files(tmp_path, short_row)
    assert list(early) == [3, 4, 5, 6, 7] and early[3].name == "1.jpg"  # though there is a 3.jpg


def test_fourdme_a_folder_with_a_gap_is_refused(tmp_path):
    """One frame is missing and one is too many: counted from the onset, all later frames would be shifted."""
    row = ("S1", "S1_1st_001", "Others", 100, 102, 103, "1")
    write_workbook(tmp_path / "4DME_Labelling_Micro_release v1.xlsx", Sheet1=[fourdme_replica.HEADER, row])
    touch(tmp_path / "gray_micro" / "S1" / "S1_1st_001", "1.jpg", "3.jpg", "4.jpg", "5.jpg")
    (clip,) = locate_clips("fourdme", tmp_path, read_clips("fourdme", tmp_path), "midpoint")
    assert clip.outcome == "missing frame" and "4 frames, 1 to 5" in clip.reason


def test_fourdme_a_clip_is_not_read_from_the_folder_of_another_subject(tmp_path):
    rows = [("S1", "01", "Others", 1, 2, 3, "1"), ("S2", "01", "Others", 1, 2, 3, "1")]
    write_workbook(tmp_path / "4DME_Labelling_Micro_release v1.xlsx", Sheet1=[fourdme_replica.HEADER, *rows])
    touch(tmp_path / "gray_micro" / "S2" / "01", "1.jpg", "2.jpg", "3.jpg")
    absent, there = locate_clips("fourdme", tmp_path, read_clips("fourdme", tmp_path), "midpoint")
    assert (absent.outcome, there.outcome) == ("missing frame", None)
