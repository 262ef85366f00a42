"""CASME: frame names, padding, a second apex."""

from pathlib import Path

import pytest

from data_prep.datasets import casme
from data_prep.layouts import casme as casme_replica
from data_prep.layouts import write_workbook
from tests.data_prep.folders import first, touch


def casme_sheet(root: Path, *rows: tuple) -> None:
    write_workbook(root / "casme.xlsx", Sheet1=[casme_replica.HEADER, *rows])


@pytest.mark.parametrize(
    "folder, pattern", [("CASME_raw_selected", "{}-{}.jpg"), ("Cropped/Cropped", "reg_{}-{}.jpg")]
)
def test_casme_frame_numbers_follow_the_clip_name_and_padding_changes(tmp_path, folder, pattern):
    casme_sheet(
        tmp_path,
        (1, "EP01_5", None, 12, 20, 0, 30, None, "4", "Tense"),
        (8, "EP03_12-2", None, 7, 20, 25, 30, None, 4, "disgust"),
    )
    touch(tmp_path / folder / "sub01" / "EP01_5", *(pattern.format("EP01_5", n) for n in ("12", "9", "100")))
    touch(
        tmp_path / folder / "sub08" / "EP03_12-2", *(pattern.format("EP03_12-2", n) for n in ("007", "100"))
    )
    plain, padded = casme.read_annotations(tmp_path).itertuples()
    assert list(casme.frame_files(tmp_path, plain)) == [9, 12, 100]
    assert list(casme.frame_files(tmp_path, padded)) == [7, 100]
    assert (plain.clip_id, plain.apex, plain.emotion, plain.fps, plain.note) == (
        "casme/sub01/EP01_5",
        20,
        "tense",
        60,
        "",
    )
    assert (padded.apex, padded.note, padded.action_units) == (20, "a second apex is printed: 25", "4")


def test_casme_raw_goes_before_cropped(tmp_path):
    casme_sheet(tmp_path, (1, "EP01_5", None, 12, 20, 0, 30, None, "4", "tense"))
    for folder in ("Cropped", "CASME_raw_selected"):
        touch(tmp_path / folder / "sub01" / "EP01_5", f"{'reg_' * (folder == 'Cropped')}EP01_5-12.jpg")
    (file,) = casme.frame_files(tmp_path, first(casme.read_annotations(tmp_path))).values()
    assert file.name == "EP01_5-12.jpg"
