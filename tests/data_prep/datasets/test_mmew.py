"""MMEW: the folder of the label others."""

import pytest

from data_prep.datasets import mmew
from data_prep.layouts import mmew as mmew_replica
from data_prep.layouts import write_workbook
from tests.data_prep.folders import first, touch


@pytest.mark.parametrize("nested", ["", "MMEW_Final/MMEW_Final"])
def test_mmew_label_others_lives_in_the_folder_repression(tmp_path, nested):
    rows = [
        (13, "S13-07-001", 1, 10, 40, "4", "others", "blink"),
        ("05", "S05-01-002", 1, 10, 40, "4", "anger", None),
    ]
    write_workbook(tmp_path / nested / "MMEW_Micro_Exp.xlsx", Sheet1=[mmew_replica.HEADER, *rows])
    touch(tmp_path / nested / "Micro_Expression" / "repression" / "S13-07-001", "1.jpg", "10.jpg", "2.jpg")
    touch(tmp_path / nested / "Macro_Expression" / "S13" / "anger", "S13-07-001.jpg")
    table = mmew.read_annotations(tmp_path)
    assert list(table["clip_id"]) == ["mmew/S13/S13-07-001", "mmew/S05/S05-01-002"]
    assert list(table["emotion"]) == ["others", "anger"]
    assert list(mmew.frame_files(tmp_path, first(table))) == [1, 2, 10]
