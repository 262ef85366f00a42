"""Every quirk of the native layouts, on folders whose images are empty files: readers must not open them."""

from pathlib import Path

import pandas as pd
import pytest

from data_prep import dataset_files
from data_prep.annotation_sheets import MissingColumns
from data_prep.annotations import read_clips
from data_prep.dataset_files import AmbiguousFolder, find_folder
from data_prep.datasets import casme2, samm, smic, smic_nir, smic_vis
from data_prep.sheet_cells import cell_number, cell_text
from mer_core.errors import BadInput

CASME2 = "CASME2-coding-20140508.xlsx"
SAMM = "SAMM_Micro_FACS_Codes_v2.xlsx"
CASME2_HEADER = (
    "Subject",
    "Filename",
    None,
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    None,
    "Action Units",
    "Estimated Emotion",
)
SAMM_HEADER = (
    "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration",
    "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes",
)  # fmt: skip
CASME2_ROW = (1, "EP02_01f", None, 46, 59, 86, None, 12, "happiness")


def spreadsheet(path: Path, *sheets: list[tuple]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with pd.ExcelWriter(path) as book:
        for i, rows in enumerate(sheets):
            pd.DataFrame(rows).to_excel(book, sheet_name=f"Sheet{i + 1}", header=False, index=False)


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def first(table: pd.DataFrame):
    return next(table.itertuples())


@pytest.mark.parametrize("subject", [1, "01", "1", 1.0, "sub01"])
def test_casme2_subjects_come_as_text_or_integer(tmp_path, subject):
    spreadsheet(
        tmp_path / CASME2, [CASME2_HEADER, (subject, "EP02_01f", None, 46, 59, 86, None, 12, "Happiness ")]
    )
    row = first(casme2.read_annotations(tmp_path))
    assert row.clip_id == "casme2/sub01/EP02_01f"
    assert (row.onset, row.apex, row.offset, row.fps) == (46, 59, 86, 200)
    assert (row.emotion, row.action_units, row.apex_source, row.note) == ("happiness", "12", "annotated", "")


def test_casme2_slash_is_no_apex_and_blank_rows_and_sheets_are_passed_over(tmp_path):
    rows = [
        CASME2_HEADER,
        (4, "EP12_01f", None, 261, "/", 321, None, "4+L9+14", "disgust"),
        (None,) * 9,
        (5, "EP09_05f", None, 61, 61, 141, None, "?", "repression"),
        (12, "EP09_06", None, 61, 91, 91, None, "R6+R12", "happiness"),
    ]
    spreadsheet(tmp_path / CASME2, [], rows, [])
    table = casme2.read_annotations(tmp_path)
    assert list(table["clip_id"]) == [
        "casme2/sub04/EP12_01f",
        "casme2/sub05/EP09_05f",
        "casme2/sub12/EP09_06",
    ]
    assert pd.isna(table.loc[0, "apex"]) and table.loc[0, "apex_source"] == ""
    noted = read_clips("casme2", tmp_path).table
    assert list(noted["note"]) == [
        "apex printed as '/'",
        "apex is the onset frame",
        "apex is the offset frame",
    ]
    assert noted.loc[1, "apex"] == 61  # kept, only noted


def test_casme2_takes_the_first_edition_of_the_spreadsheet(tmp_path):
    editions = {
        "CASME2-coding-20190701.xlsx": 2,
        CASME2: 1,
        "CASME2-coding-updated.xlsx": 3,
        f"~${CASME2}": 4,
    }
    for name, onset in editions.items():
        spreadsheet(
            tmp_path / name, [CASME2_HEADER, (1, "EP02_01f", None, onset, 59, 86, None, 12, "happiness")]
        )
    assert first(casme2.read_annotations(tmp_path)).onset == 1
    (tmp_path / CASME2).unlink()
    assert first(casme2.read_annotations(tmp_path)).onset == 2


@pytest.mark.parametrize(
    "folder, pattern",
    [
        ("CASME2_RAW_selected", "img{}.jpg"),
        ("CASME2_RAW_selected/CASME2_RAW_selected", "img{}.jpg"),
        ("CASME2-RAW/CASME2-RAW", "img{}.jpg"),
        ("Cropped", "reg_img{}.jpg"),
        ("Cropped-updated/Cropped", "reg_img{}.jpg"),
        (".", "img{}.jpg"),
    ],
)
def test_casme2_frames_raw_cropped_and_nested(tmp_path, folder, pattern):
    spreadsheet(tmp_path / CASME2, [CASME2_HEADER, CASME2_ROW])
    touch(
        tmp_path / folder / "sub01" / "EP02_01f",
        *map(pattern.format, (100, 46, 59)),
        "Desktop - Shortcut.lnk",
    )
    touch(tmp_path / folder / "sub01", "Desktop - Shortcut.lnk")
    files = casme2.frame_files(tmp_path, first(casme2.read_annotations(tmp_path)))
    assert list(files) == [46, 59, 100]
    assert files[46].name == pattern.format(46)


def test_casme2_raw_goes_before_cropped(tmp_path):
    for folder in ("Cropped", "CASME2_RAW_selected"):
        touch(tmp_path / folder / "sub01" / "EP02_01f", "img46.jpg")
    assert find_folder(tmp_path, casme2.SUBJECT, casme2.FRAMES).name == "CASME2_RAW_selected"


@pytest.mark.parametrize("preamble", [0, 13])
def test_samm_header_is_searched(tmp_path, preamble):
    row = (
        6,
        "006_1_2",
        1,
        5562,
        5588,
        5632,
        "=F2-D2+1",
        "Micro - 1/2",
        "(R6 or R12)+R15",
        "Others",
        3,
        "text",
    )
    spreadsheet(tmp_path / SAMM, [("about this file",)] * preamble + [SAMM_HEADER, row])
    found = first(samm.read_annotations(tmp_path))
    assert found.clip_id == "samm/006/006_1_2"
    assert (found.onset, found.apex, found.offset, found.emotion) == (5562, 5588, 5632, "other")
    assert found.action_units == "(R6 or R12)+R15"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_spreadsheet_saved_as_csv_is_read_whatever_parts_its_cells(tmp_path, delimiter):
    row = ("006", "006_1_2", 1, 5562, 5588, 5632, 71, "Micro - 1/2", "4+7", "Anger", 3, "a note; with, both")
    rows = pd.DataFrame([("about this file",), SAMM_HEADER, row])
    rows.to_csv(
        tmp_path / "SAMM_Micro_FACS_Codes_v2.csv",
        sep=delimiter,
        header=False,
        index=False,
        encoding="utf-8-sig",
    )
    found = first(samm.read_annotations(tmp_path))
    assert (found.clip_id, found.onset, found.apex, found.emotion) == (
        "samm/006/006_1_2",
        5562,
        5588,
        "anger",
    )


@pytest.mark.parametrize("name", ["006_05562.jpg", "006_5562.jpg"])
def test_samm_frames_are_indexed_by_number_whatever_the_padding(tmp_path, name):
    spreadsheet(
        tmp_path / SAMM, [SAMM_HEADER, ("006", "006_1_2", 1, 5562, 5588, 5632, 71, "", 4, "Anger", 3, "")]
    )
    touch(tmp_path / "SAMM" / "SAMM" / "006" / "006_1_2", name)
    assert list(samm.frame_files(tmp_path, first(samm.read_annotations(tmp_path)))) == [5562]


def test_samm_apex_outside_its_clip_is_none_and_then_corrected(tmp_path):
    rows = [
        ("028", "028_4_1", 4, 1071, 1366, 1134, 64, "", "A14C", "Contempt", 7, ""),
        ("032", "032_3_1", 3, 4896, -1, 4970, 75, "", "4A", "Anger", 3, ""),
        ("006", "006_1_2", 1, 5562, 0, 5632, 71, "", 4, "Anger", 3, ""),
    ]
    spreadsheet(tmp_path / SAMM, [SAMM_HEADER, *rows])
    read = read_clips("samm", tmp_path)
    assert list(read.table["apex"]) == [1105, 4945, pd.NA]
    assert list(read.table["apex_source"]) == ["corrected", "corrected", ""]
    assert read.table.loc[0, "note"].startswith(
        "apex printed as 1366, outside 1071 to 1134; apex corrected from none to 1105"
    )
    assert [row["clip_id"] for row in read.corrections] == ["samm/028/028_4_1", "samm/032/032_3_1"]
    plain = read_clips("samm", tmp_path, corrections=False)
    assert plain.table["apex"].isna().all() and plain.corrections == []


@pytest.mark.parametrize("printed", [5600, 5700, 573])
def test_samm_a_wrong_offset_does_not_cost_the_right_apex(tmp_path, printed):
    row = ("013", "013_1_9", 1, 5650, 5710, printed, 90, "", "4", "Anger", 3, "")
    spreadsheet(tmp_path / SAMM, [SAMM_HEADER, row])
    touch(tmp_path / "SAMM" / "013" / "013_1_9", "013_5650.jpg", "013_5710.jpg", "013_5739.jpg")
    plain = read_clips("samm", tmp_path, corrections=False).table.loc[0]
    assert (plain["apex"], plain["apex_source"]) == (5710, "annotated") and pd.isna(plain["offset"])
    mended = read_clips("samm", tmp_path).table.loc[0]
    assert (mended["apex"], mended["offset"], mended["apex_source"]) == (5710, 5739, "annotated")
    assert (
        f"offset printed as {printed}" in mended["note"]
        and "offset corrected from none to 5739" in mended["note"]
    )


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
    with pytest.raises(BadInput, match="holds the subjects' folders"):
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
    with pytest.raises(
        BadInput, match=f"the folder of the camera {camera}. Prepare it as smic_{camera.lower()}"
    ):
        smic.read_annotations(tmp_path / "SMIC_all_raw" / camera)
    with pytest.raises(BadInput, match="Prepare it as smic,"):
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


def test_names_are_those_of_the_composite_list():
    """`composite-3` joins on these names; the list is the project's own table of all 442 clips."""
    path = Path(__file__).parents[2] / "mer" / "protocols" / "composite-3.csv"
    listed = pd.read_csv(path, dtype=str)
    listed = listed[listed["dataset"] == "smic"]
    native = [
        f"s{int(subject[1:])}" + clip[len(subject) :]
        for subject, clip in zip(listed["subject"], listed["clip"])
    ]
    assert len(native) == smic.FACTS.clips
    assert [smic.clip_name(name) for name in native] == list(listed["clip"])


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


@pytest.mark.parametrize("folder", ["Sub01/EP02_01f", "SUB01/ep02_01F"])
def test_casme2_folders_are_found_whatever_their_case(tmp_path, folder):
    spreadsheet(tmp_path / CASME2.upper(), [CASME2_HEADER, CASME2_ROW])
    touch(tmp_path / "casme2_raw_SELECTED" / folder, "img46.jpg")
    touch(tmp_path / "Cropped" / folder, "reg_img47.jpg")
    row = first(casme2.read_annotations(tmp_path))
    assert row.clip_id == "casme2/sub01/EP02_01f" and list(casme2.frame_files(tmp_path, row)) == [46]


@pytest.mark.parametrize(
    "reader, two", [(smic, "HS/{}/micro/negative/s1_ne_01"), (casme2, "CASME2_RAW_selected/{}/EP02_01f")]
)
def test_folders_that_differ_in_case_only_are_refused_and_both_named(tmp_path, reader, two):
    spreadsheet(tmp_path / CASME2, [CASME2_HEADER, CASME2_ROW])
    start = "s1" if reader is smic else "sub01"
    touch(tmp_path / two.format(start), "img46.jpg")
    touch(tmp_path / two.format(start.title()), "img47.jpg")
    if len(list((tmp_path / two).parents[1 if reader is casme2 else 3].iterdir())) < 2:
        pytest.skip("this disk does not tell upper from lower case")
    with pytest.raises(AmbiguousFolder) as caught:
        reader.frame_files(tmp_path, first(reader.read_annotations(tmp_path)))
    assert f"/{start.title()}" in str(caught.value) and f"/{start}" in str(caught.value)


def test_wrong_folders_are_named(tmp_path):
    with pytest.raises(BadInput, match="There is no folder at"):
        casme2.read_annotations(tmp_path / "absent")
    (tmp_path / "photos").mkdir()
    with pytest.raises(BadInput, match="There is no spreadsheet"):
        casme2.read_annotations(tmp_path)
    with pytest.raises(BadInput, match="It holds: photos/"):
        smic.read_annotations(tmp_path)
    (tmp_path / CASME2).write_text("not a spreadsheet")
    with pytest.raises(MissingColumns, match="Found: not a spreadsheet"):
        casme2.read_annotations(tmp_path)
    spreadsheet(tmp_path / CASME2, [("Subject", "Filename")])
    with pytest.raises(MissingColumns, match="missing: onsetframe, .*Found: Subject, Filename"):
        casme2.read_annotations(tmp_path)


def test_numbers_and_texts_as_spreadsheets_print_them():
    assert [cell_number(cell) for cell in (46, 46.0, "46", " 46 ", "46.0", -1)] == [46, 46, 46, 46, 46, -1]
    assert [cell_number(cell) for cell in ("/", "", None, float("nan"), "46a", 46.5)] == [None] * 6
    assert [cell_text(cell) for cell in (12, 12.0, " 4+7 ", None, float("nan"))] == [
        "12",
        "12",
        "4+7",
        "",
        "",
    ]
