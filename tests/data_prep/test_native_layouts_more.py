"""Quirks of CASME, CAS(ME)^3, MMEW, 4DME, DFME and the long videos, on folders of empty image files."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from data_prep import dataset_files
from data_prep.annotations import read_clips
from data_prep.clip_search import locate_clips
from data_prep.datasets import casme, casme3, casme_squared, dfme, fourdme, mmew, samm_lv
from data_prep.interval_table import read_intervals
from data_prep.layouts import casme as casme_replica
from data_prep.layouts import casme3 as casme3_replica
from data_prep.layouts import fourdme as fourdme_replica
from data_prep.layouts import mmew as mmew_replica
from data_prep.layouts import write_workbook
from mer_core import registry
from mer_core.errors import BadInput
from tests.data_prep.videos import moving_square, write_video

CASME3 = "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
SQUARED = "CAS(ME)^2code_final(Updated).xlsx"


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def first(table: pd.DataFrame):
    return next(table.itertuples())


@pytest.fixture(autouse=True)
def fresh():
    dataset_files.clear_caches()


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
    touch(
        tmp_path / "spNo.2_b_150", *(f"{n}.jpg" for n in range(150, 171))
    )  # the clip alone, and longer than annotated
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
    with pytest.raises(BadInput, match="no folder spNO.1 or spNO.1_a_9"):
        casme3.frame_files(tmp_path, first(casme3.read_annotations(tmp_path).assign(clip="a_9")))


@pytest.mark.parametrize("dataset, clips", [(casme, 5), (casme3, 86)])
def test_a_release_that_lacks_frames_is_taken_with_as_many_missing_as_it_lacks(dataset, clips):
    assert clips / dataset.FACTS.clips < dataset.FACTS.missing_fraction < 1.5 * clips / dataset.FACTS.clips


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
    shifted, annotated, other, early = (fourdme.frame_files(tmp_path, row) for row in table.itertuples())
    assert list(shifted) == [100, 101, 102, 103] and shifted[100].name == "1.jpg"
    assert list(annotated) == [200, 201, 202, 203] and annotated[200].name == "200.jpg"
    assert list(other) == [1, 2]  # not of the annotated length: nothing is known about its numbers
    assert list(early) == [3, 4, 5, 6, 7] and early[3].name == "1.jpg"  # though there is a 3.jpg


def test_dfme_joins_its_parts_reads_three_rates_and_takes_no_table_twice(tmp_path):
    columns = [
        "Subject",
        "Filename",
        "OnsetFrame",
        "ApexFrame",
        "OffsetFrame",
        "Emotion",
        "EmotionId",
        "Fps",
        "AU",
    ]
    train = pd.DataFrame(
        [
            ("sub01", "c1", 109, 120, 140, "Fear", 4, 300, "1+2"),
            ("sub02", "c2", 9, 12, 14, "anger", 1, 500, "4"),
        ],
        columns=columns,
    )
    train.to_csv(tmp_path / "train.csv", index=False)
    train.to_excel(tmp_path / "train.xlsx", index=False)
    test = pd.DataFrame([("sub03", "c3", 1, 2, 3, 200)], columns=[*columns[:5], "Fps"])
    test.to_csv(tmp_path / "test_A.csv", index=False)
    pd.DataFrame({"about": ["this release"]}).to_csv(tmp_path / "a_readme.csv", index=False)
    (tmp_path / "~$train.xlsx").write_bytes(b"lock of an open Excel")
    touch(tmp_path / "train" / "c1", "00109.png", "00120.png", "01000.png")
    touch(tmp_path / "test" / "A" / "c3", "00001.png")
    table = dfme.read_annotations(tmp_path).sort_values("clip")
    assert list(table["clip_id"]) == ["dfme/sub01/c1", "dfme/sub02/c2", "dfme/sub03/c3"]
    assert list(table["fps"]) == [300, 500, 200] and list(table["emotion"]) == ["fear", "anger", ""]
    assert [list(dfme.frame_files(tmp_path, row)) for row in table.itertuples() if row.clip != "c2"] == [
        [109, 120, 1000],
        [1],
    ]


def squared_book(root: Path, *rows: tuple) -> None:
    write_workbook(
        root / SQUARED,
        CASFEcode_final=list(rows),
        **{
            "naming rule1": [(15, "s15", 1), (40, "s40", 22)],
            "naming rule2": [(101, "disgust1"), ("0503", "anger1")],
        },
    )


def test_casme_squared_has_no_header_numbers_for_names_and_macro_expressions(tmp_path):
    squared_book(
        tmp_path,
        (1, "anger1_1", 557, 570, 572, "4", "negative", "macro-expression", "anger"),
        (1, "anger1_2", 2, 5, 10, "4+7", "Negative", "micro-expression", "anger"),
        (22, "disgust1_1", 100, 105, 0, 12, "others", "Micro-expression", "disgust"),
    )
    touch(tmp_path / "rawpic" / "s15" / "15_0503unnyfarting", "img10.jpg", "img2.jpg")
    touch(tmp_path / "rawpic" / "s40" / "40_0101disgustingteeth", "img100.jpg")
    table = casme_squared.read_annotations(tmp_path)
    assert list(table["clip_id"]) == ["casme_squared/s15/0503_anger1_2", "casme_squared/s40/0101_disgust1_1"]
    assert [list(casme_squared.frame_files(tmp_path, row)) for row in table.itertuples()] == [[2, 10], [100]]
    read = read_clips("casme_squared", tmp_path).table
    assert (
        pd.isna(read.loc[1, "offset"])
        and read.loc[1, "apex"] == 105
        and list(read["emotion"]) == ["negative", "others"]
    )


def test_casme_squared_has_macro_expressions_as_intervals(tmp_path):
    squared_book(
        tmp_path,
        (1, "anger1_1", 557, 570, 572, "4", "negative", "macro-expression", "anger"),
        (1, "anger1_2", 2, 5, 10, "4+7", "Negative", "micro-expression", "anger"),
        (22, "disgust1_1", 100, 0, 0, 12, "others", "Micro-expression", "disgust"),
        (22, "disgust1_2", 300, 310, 290, 12, "others", "not an expression", "disgust"),
    )
    touch(tmp_path / "rawpic" / "s15" / "15_0503unnyfarting", "img10.jpg", "img2.jpg")
    table = read_intervals("casme_squared", tmp_path)
    assert list(table["kind"]) == ["macro", "micro", "micro"]
    assert list(table["video"]) == ["15_0503", "15_0503", "40_0101"] and list(table["subject"]) == [
        "s15",
        "s15",
        "s40",
    ]
    assert list(table.loc[:1, "onset"]) == [557, 2] and list(table.loc[:1, "offset"]) == [572, 10]
    assert pd.isna(table.loc[2, "apex"]) and pd.isna(table.loc[2, "offset"])
    assert list(casme_squared.video_files(tmp_path, table.loc[0, "video"])) == [2, 10]


def test_samm_lv_has_macro_expressions_as_intervals(tmp_path):
    rows = [
        ("006", "006_1_1", 1, 1, 50, 900, 900, "Macro", "4", ""),
        (7, "007_3_1", 3, 60, -1, 90, 31, "Micro - 1/2", "", ""),
    ]
    write_workbook(tmp_path / "SAMM_LongVideos_V3_Release.xlsx", Sheet1=[("text",) + (None,) * 9, *rows])
    touch(tmp_path / "SAMM_longvideos" / "006_1", "006_1_0001.jpg")
    table = read_intervals("samm_lv", tmp_path)
    assert list(table["kind"]) == ["macro", "micro"] and list(table["video"]) == ["006_1", "007_3"]
    assert (table.loc[0, "onset"], table.loc[0, "offset"]) == (1, 900) and pd.isna(table.loc[1, "apex"])
    assert list(samm_lv.video_files(tmp_path, table.loc[0, "video"])) == [1]


def test_a_dataset_of_clips_has_no_intervals(tmp_path):
    with pytest.raises(BadInput, match="casme has no long videos"):
        read_intervals("casme", tmp_path)


@pytest.mark.parametrize("above", [0, 9, 10])
def test_samm_lv_data_starts_below_rows_that_differ_and_holds_macro_expressions(tmp_path, above):
    rows = [
        ("006", "006_1_1", 1, 1, 50, 900, 900, "Macro", "4", ""),
        ("006", "006_1_2", 1, 5562, 5588, 5632, 71, "Micro - 1/2", "4", ""),
        (7, "007_3_1", 3, 60, -1, 90, 31, "Micro - 1/2", "", ""),
    ]
    write_workbook(
        tmp_path / "SAMM_LongVideos_V2_Release.xlsx", Sheet1=[("text",) + (None,) * 9] * above + rows
    )
    touch(tmp_path / "SAMM_longvideos" / "SAMM_longvideos" / "006_1", "006_1_5562.jpg", "006_1_0001.jpg")
    table = samm_lv.read_annotations(tmp_path)
    assert list(table["clip_id"]) == ["samm_lv/006/006_1_2", "samm_lv/007/007_3_1"]
    assert list(samm_lv.frame_files(tmp_path, first(table))) == [1, 5562]
    assert pd.isna(read_clips("samm_lv", tmp_path).table.loc[1, "apex"])


def test_samm_lv_takes_the_latest_edition(tmp_path):
    for edition, onset in ((1, 10), (3, 30), (2, 20)):
        row = ("006", "006_1_2", 1, onset, 40, 50, 41, "Micro - 1/2", "4", "")
        write_workbook(tmp_path / f"SAMM_LongVideos_V{edition}_Release.xlsx", Sheet1=[row])
    assert first(samm_lv.read_annotations(tmp_path)).onset == 30


@pytest.mark.parametrize("name", ["samm_lv", "casme_squared"])
def test_a_long_video_may_be_a_video_whose_first_frame_is_1(name, make_replica):
    root = make_replica(name, subjects=(1,), clips_each=1)
    dataset = registry.load("data_prep.datasets", name)
    before = locate_clips(name, root, read_clips(name, root), "midpoint")
    first_file = next(iter(before[0].files.values()))
    last = max(before[0].files)
    shutil.rmtree(first_file.parent)
    write_video(first_file.parent.with_suffix(".mp4"), moving_square(last))
    (clip,) = locate_clips(name, root, read_clips(name, root), "midpoint")
    assert not clip.outcome and (clip.onset, clip.apex) == (before[0].onset, before[0].apex)
    assert {number: file.index for number, file in clip.files.items()} == {n: n - 1 for n in before[0].files}
    (video,) = dataset.read_intervals(root)["video"].unique()
    assert list(dataset.video_files(root, video)) == list(range(1, last + 1))
