"""What is odd in a clip table: each a note or a refused row, and nothing that stops the other clips."""

import pandas as pd
import pytest

from data_prep import annotation_checks
from data_prep.clip_table import check, clip_table


def table(*rows: dict) -> pd.DataFrame:
    plain = {
        "dataset": "d",
        "subject": "s1",
        "onset": 10,
        "apex": 15,
        "offset": 20,
        "apex_source": "annotated",
    }
    return clip_table([plain | {"clip": f"c{i}"} | row for i, row in enumerate(rows)])


def find(*rows: dict, numbers=()):
    return annotation_checks.check_table(table(*rows), lambda row: numbers)


BAD_NAMES = ["../../x", "..", ".", "/etc", "a/b", "a\\b", "C:x", ""]


@pytest.mark.parametrize(
    "column, name",
    [*(("subject", name) for name in BAD_NAMES), *(("clip", name) for name in [*BAD_NAMES, "a\0b"])],
)
def test_a_name_that_leads_out_of_the_folder_is_one_refused_row(name, column):
    mended, (finding,) = find({}, {column: name}, {})
    assert len(check(mended)) == 3 and finding.outcome == "bad name" and repr(name) in finding.detail
    row = mended.loc[1]
    assert row["clip_id"] == finding.clip_id == f"d/{row['subject']}/{row['clip']}"
    assert row["clip_id"].count("/") == 2 and not {"", ".", ".."} & set(row["clip_id"].split("/"))
    assert not set("\\:\0") & set(row["clip_id"])


def test_plain_names_stay():
    names = ["EP02_01f", "006_1_2", "s01_ne_01", "S13-07-001", "a..b", "disgust 1", "anger1_1"]
    mended, found = find(*({"clip": name} for name in names))
    assert list(mended["clip"]) == names and found == []


def test_of_a_clip_listed_twice_the_first_row_is_used():
    mended, found = find({"clip": "c"}, {"clip": "c", "apex": 16}, {"clip": "e"}, {"clip": "c", "apex": 17})
    assert list(check(mended)["clip_id"]) == ["d/s1/c", "d/s1/c~2", "d/s1/e", "d/s1/c~3"]
    assert [(finding.clip_id, finding.outcome) for finding in found] == [
        ("d/s1/c~2", "duplicate"),
        ("d/s1/c~3", "duplicate"),
    ]
    assert mended.loc[0, "apex"] == 15


def test_an_offset_before_the_onset_is_none_and_the_apex_stays():
    mended, (finding,) = find({"offset": 0})
    assert pd.isna(mended.loc[0, "offset"]) and mended.loc[0, "apex"] == 15
    assert mended.loc[0, "note"] == finding.detail == "offset printed as 0, before the onset 10"


def test_between_apex_and_offset_the_frames_decide():
    for numbers, apex, offset in (
        ([10, 25, 30], 25, pd.NA),
        ([10, 20], pd.NA, 20),
        ([], pd.NA, 20),
        ([9, 10, 25, 30], pd.NA, 20),
    ):
        mended, (finding,) = find({"apex": 25}, numbers=numbers)
        assert list(mended.loc[0, ["apex", "offset"]].fillna(0)) == [
            apex if apex is not pd.NA else 0,
            offset if offset is not pd.NA else 0,
        ]
        assert mended.loc[0, "apex_source"] == ("annotated" if apex is not pd.NA else "")
        assert not finding.outcome


def test_a_clip_without_an_onset_is_no_obstacle():
    mended, _ = find({"onset": None, "apex": 25}, numbers=[10, 25])
    assert mended.loc[0, "apex"] == 25


def test_an_apex_before_the_onset_is_none_whatever_frames_there_are():
    mended, (finding,) = find({"apex": 5}, {}, numbers=range(100))
    assert pd.isna(mended.loc[0, "apex"]) and finding.detail == "apex printed as 5, outside 10 to 20"
    assert mended.loc[1, "apex"] == 15


def test_an_apex_on_an_end_is_kept_and_said():
    mended, found = find({"apex": 10}, {"apex": 20}, {})
    assert list(mended["apex"]) == [10, 20, 15]
    assert [finding.detail for finding in found] == ["apex is the onset frame", "apex is the offset frame"]


@pytest.mark.parametrize("dataset, outcome", [("d", "bad name"), ("table", None)])
def test_a_clip_named_after_another_subject_is_found_where_names_follow_subjects(dataset, outcome):
    rows = [{"subject": f"s{n}", "clip": f"s{n:02d}_{k}"} for n in range(1, 5) for k in range(2)]
    rows[0]["subject"] = "s2"
    (finding,) = find(*({"dataset": dataset} | row for row in rows))[1]
    assert finding.outcome == outcome and "listed for s2" in finding.detail
    assert finding.clip_id == f"{dataset}/s2/s01_0"


def test_names_that_do_not_follow_subjects_say_nothing():
    assert (
        find(*({"subject": f"s{n}", "clip": f"EP{k:02d}"} for n in range(1, 6) for k in range(1, 6)))[1] == []
    )
