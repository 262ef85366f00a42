"""SMIC: cameras, releases and spellings."""

import pandas as pd
import pytest

from data_prep import dataset_files
from data_prep.annotations import read_clips
from data_prep.dataset_files import AmbiguousFolder
from data_prep.datasets import smic, smic_nir, smic_vis
from mer.evaluation import protocols
from mer_core.errors import Incompatible, NotFound
from tests.data_prep.folders import first, spreadsheet, touch


@pytest.mark.parametrize("top", ["SMIC_all_raw/HS", "SMIC_all_raw/SMIC_all_raw/HS", "HS", "."])
def test_smic_is_read_from_its_folders(tmp_path, top):
    root = tmp_path / top
    touch(root / "s1/micro/negative/s1_ne_01", "image563854.bmp", "image563860.bmp", "image563857.bmp")
    touch(root / "s20/micro/surprise/s20_sur_02", "image10000002.bmp", "image9999999.bmp")
    touch(root / "s1/non_micro/s1_nonmicro_01", "image000001.bmp")
    touch(root.parent / "VIS/s11/micro/negative/s11_ne_01", "image000001.bmp")
    table = smic.read_annotations(tmp_path)
    assert list(table["clip_id"]) == ["smic/s01/s01_ne_01", "smic/s20/s20_sur_02"]
    assert list(table["onset"]) == [563854, 9999999] and list(table["offset"]) == [563860, 10000002]
    assert table["apex"].isna().all() and list(table["emotion"]) == ["negative", "surprise"]
    assert list(smic.frame_files(tmp_path, first(table))) == [563854, 563857, 563860]


def test_smic_does_not_take_the_other_cameras_for_hs(tmp_path):
    touch(tmp_path / "SMIC_all_raw/VIS/s11/micro/negative/s11_ne_01", "image000001.bmp")
    touch(tmp_path / "SMIC_all_raw/NIR/s11/micro/negative/s11_ne_01", "image000001.bmp")
    with pytest.raises(NotFound):
        smic.read_annotations(tmp_path)


@pytest.mark.parametrize("reader, camera", [(smic_vis, "VIS"), (smic_nir, "NIR")])
def test_smic_other_cameras_are_datasets_of_their_own(tmp_path, reader, camera):
    for name in smic.CAMERAS:
        touch(tmp_path / f"SMIC_all_raw/{name}/s11/micro/negative/s11_ne_01", f"image00000{len(name)}.bmp")
    row = first(reader.read_annotations(tmp_path))
    assert row.clip_id == f"smic_{camera.lower()}/s11/s11_ne_01" and row.fps == 25
    (file,) = reader.frame_files(tmp_path, row).values()
    assert camera in file.parts
    assert first(reader.read_annotations(tmp_path / "SMIC_all_raw" / camera)).clip_id == row.clip_id
    with pytest.raises(Incompatible, match=f"{camera}.*smic_{camera.lower()}"):
        smic.read_annotations(tmp_path / "SMIC_all_raw" / camera)
    with pytest.raises(Incompatible, match="smic,"):
        reader.read_annotations(tmp_path / "SMIC_all_raw" / "HS")


@pytest.mark.parametrize("edition", ["SMIC-HS-E_annotation.xlsx", "SMIC-HS-E_annotation_2019.xlsx"])
def test_smic_extended_release_has_absolute_numbers_second_pairs_and_rows_of_text(tmp_path, edition):
    header = (
        "Subject",
        "Filename",
        None,
        "OnsetF",
        "OffsetF",
        "OnsetF",
        "OffsetF",
        "FirstF",
        "LastF",
        "Emotion",
    )
    rows = [
        (3, "s3_sur_01", None, 308890, 308913, 308950, 308960, 308866, 309000, "surprise"),
        (20, "s20_ne_02", None, 96, 101, None, None, 90, 120, "negative"),
        (
            "note: all numbers are frame numbers",
            "see the paper",
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
        ),
    ]
    top = tmp_path / "SMIC-E_raw image" / "HS_long"
    spreadsheet(top / edition, [header, *rows])
    vis = (3, "s3_sur_01", None, 1, 6, None, None, 1, 20, "surprise")
    spreadsheet(tmp_path / "SMIC-E_raw image" / "VIS_long" / edition.replace("HS", "VIS"), [header, vis])
    touch(top / "SMIC-HS-E" / "s03" / "s3_sur_01", "image308866.jpg", "image308890.jpg", "image309000.jpg")
    touch(tmp_path / "SMIC-E_raw image" / "VIS_long" / "SMIC-VIS-E" / "s03" / "s3_sur_01", "image000001.jpg")
    table = smic.read_annotations(tmp_path)
    assert list(table["clip_id"]) == ["smic/s03/s03_sur_01", "smic/s20/s20_ne_02"]
    assert list(table["onset"]) == [308890, 96] and list(table["offset"]) == [308913, 101]
    assert list(table["emotion"]) == ["surprise", "negative"] and table["apex"].isna().all()
    assert list(smic.frame_files(tmp_path, first(table))) == [308866, 308890, 309000]
    other = first(smic_vis.read_annotations(tmp_path))
    assert (other.clip_id, other.offset) == ("smic_vis/s03/s03_sur_01", 6)
    assert list(smic_vis.frame_files(tmp_path, other)) == [1]


def test_smic_extended_cameras_side_by_side_are_kept_apart_and_subjects_may_be_text(tmp_path):
    for index, camera in enumerate(smic.CAMERAS, start=1):
        header = ("Subject", "Filename", "OnsetF", "OffsetF")
        spreadsheet(
            tmp_path / f"SMIC-{camera}-E_annotation.xlsx", [header, ("s11", "s11_sur_01", index, index + 5)]
        )
        touch(tmp_path / f"SMIC-{camera}-E" / "s11" / "s11_sur_01", f"image00000{index}.jpg")
    for index, reader in enumerate((smic, smic_vis, smic_nir), start=1):
        row = first(reader.read_annotations(tmp_path))
        assert (row.onset, list(reader.frame_files(tmp_path, row))) == (index, [index])


def test_smic_short_release_goes_before_extended_and_raw_before_cropped(tmp_path):
    header = ("Subject", "Filename", "OnsetF", "OffsetF")
    spreadsheet(tmp_path / "HS_long" / "SMIC-HS-E_annotation.xlsx", [header, (3, "s3_sur_01", 30, 40)])
    touch(tmp_path / "HS_long" / "SMIC-HS-E" / "s03" / "s3_sur_01", "image000030.jpg")
    for kind, frame in (("cropped", 20), ("raw", 10)):
        touch(
            tmp_path / f"SMIC_all_{kind}" / "HS" / "s3" / "micro" / "surprise" / "s3_sur_01",
            f"image{frame}.bmp",
        )
        row = first(smic.read_annotations(tmp_path))
        assert (row.onset, list(smic.frame_files(tmp_path, row))) == (frame, [frame])
        dataset_files.clear_caches()


def test_smic_cropped_frames_and_other_spellings(tmp_path):
    touch(
        tmp_path / "SMIC_all_cropped/HS/s3/micro/positive/s03_po_01",
        "reg_image563854.bmp",
        "reg_image563855.bmp",
    )
    row = first(smic.read_annotations(tmp_path))
    assert row.clip_id == "smic/s03/s03_po_01"
    assert list(smic.frame_files(tmp_path, row)) == [563854, 563855]
    assert {smic.clip_name(name) for name in ("s1_ne_01", "s01_ne_01", "s01_s01_ne_01", "s1_ne_1")} == {
        "s01_ne_01"
    }


@pytest.mark.parametrize(
    "clip", ["S1/micro/negative/s1_ne_01", "s1/Micro/Negative/S1_NE_01", "S01/MICRO/negative/s01_ne_01"]
)
def test_smic_loses_no_subject_whose_folders_are_written_otherwise(tmp_path, clip):
    touch(tmp_path / "HS" / clip, "image563854.bmp")
    touch(tmp_path / "HS/s2/micro/negative/s2_ne_01", "image563854.bmp")
    table = smic.read_annotations(tmp_path)
    assert list(table["clip_id"]) == ["smic/s01/s01_ne_01", "smic/s02/s02_ne_01"]
    assert list(smic.frame_files(tmp_path, first(table))) == [563854]


def test_smic_cameras_are_told_apart_whatever_the_case(tmp_path):
    touch(tmp_path / "hs/s11/micro/negative/s11_ne_01", "image000001.bmp")
    touch(tmp_path / "vis/s11/micro/negative/s11_ne_01", "image000002.bmp")
    (file,) = smic_vis.frame_files(tmp_path, first(smic_vis.read_annotations(tmp_path))).values()
    assert "vis" in file.parts


def test_names_are_those_of_the_composite_list():
    """`composite-3` joins on these names; the list is the project's own table of all 442 clips."""
    listed = pd.read_csv(protocols.FOLDER / "composite-3.csv", dtype=str)
    listed = listed[listed["dataset"] == "smic"]
    native = [
        f"s{int(subject[1:])}" + clip[len(subject) :]
        for subject, clip in zip(listed["subject"], listed["clip"])
    ]
    assert len(native) == smic.FACTS.clips
    assert [smic.clip_name(name) for name in native] == list(listed["clip"])


HEADER = ("Subject", "Filename", "OnsetF", "OffsetF", "Emotion")


def extended(root, *rows):
    spreadsheet(root / "SMIC-HS-E_annotation.xlsx", [HEADER, *rows])
    touch(root / "SMIC-HS-E/s03/s3_sur_01", *(f"image{number}.jpg" for number in range(100, 110)))
    return read_clips("smic", root)


def test_smic_rows_that_contradict_the_names_of_clips_are_said(tmp_path):
    found = extended(tmp_path, (3, "s3_sur_01", 101, 105, "Negative"), (3, "s3-ne-02", 101, 105, "negative"))
    assert list(found.table["note"]) == ["emotion printed as negative, but named as surprise"]
    assert "1 row with an onset left out" in found.remarks[0] and "s3-ne-02" in found.remarks[0]


def test_smic_two_folders_of_a_clip_are_refused(tmp_path):
    found = extended(tmp_path, (3, "s3_sur_01", 101, 105, "surprise"))
    touch(tmp_path / "SMIC-HS-E/s03/s03_sur_01", "image101.jpg")
    with pytest.raises(AmbiguousFolder, match="2 folders.*s03_sur_01"):
        smic.frame_files(tmp_path, first(found.table))


def test_smic_a_spreadsheet_beside_the_short_release_is_said_to_be_unread(tmp_path):
    touch(tmp_path / "SMIC_all_raw/HS/s3/micro/surprise/s3_sur_01", "image101.bmp", "image102.bmp")
    found = extended(tmp_path, (3, "s3_sur_01", 101, 105, "surprise"))
    assert "SMIC-HS-E_annotation.xlsx is not read" in found.remarks[0]
