"""Tables of intervals and frames in each format, and a coder's intervals read back."""

import json

import numpy as np
import pandas as pd
import pytest

from data_prep.sheets.elan import UnreadableElan
from data_prep.sheets.sheet_files import UnreadableSheet
from mer.inference.spotting import Interval
from mer.report import coding, export
from mer_core.errors import BadSetting, UnknownName
from tests.mer.inference.tracks import bump, move, resting_track

FOUND = [
    Interval("macro", 50, 60, 100, 1.0, 1.2, 2.0, 7.5, "positive", 0.81),
    Interval("blink", 80, 84, 88, 1.6, 1.68, 1.76, 90.0),
]


def test_elan_is_read_back_as_it_was_written(tmp_path):
    export.write_intervals(FOUND, tmp_path / "a.eaf")
    coded = coding.read_coding(tmp_path / "a.eaf", "macro")
    assert [(c.onset_s, c.offset_s) for c in coded] == [(1.0, 2.0)]
    assert "positive 0.81" in coded[0].name
    with pytest.raises(coding.UnreadableCoding, match="macro | blink"):
        coding.read_coding(tmp_path / "a.eaf")
    with pytest.raises(UnknownName, match="macro"):
        coding.read_coding(tmp_path / "a.eaf", "macros")


def test_bids_has_its_columns_and_its_description(tmp_path):
    export.write_intervals(FOUND, tmp_path / "sub-1_events.tsv")
    rows = pd.read_csv(tmp_path / "sub-1_events.tsv", sep="\t")
    assert list(rows.columns[:3]) == ["onset", "duration", "trial_type"]
    assert rows["duration"].tolist() == pytest.approx([1.0, 0.16])
    described = json.loads((tmp_path / "sub-1_events.json").read_text())
    assert list(described) == list(rows.columns) and set(described["trial_type"]["Levels"]) >= {
        "macro",
        "blink",
    }


def test_json_holds_no_nan(tmp_path):
    export.write_intervals(FOUND, tmp_path / "a.json")
    rows = json.loads((tmp_path / "a.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert rows[1]["probability"] is None and rows[0]["kind"] == "macro"


@pytest.mark.parametrize(
    "suffix, read", [(".csv", pd.read_csv), (".parquet", pd.read_parquet), (".xlsx", pd.read_excel)]
)
def test_tables_hold_the_same_rows_in_each_format(tmp_path, suffix, read):
    export.write_intervals(FOUND, tmp_path / f"a{suffix}")
    rows = read(tmp_path / f"a{suffix}")
    assert list(rows.columns) == list(export.interval_table(FOUND).columns)
    assert rows["kind"].tolist() == ["macro", "blink"] and rows["onset"].tolist() == [50, 80]
    assert rows["label"][0] == "positive" and pd.isna(rows["probability"][1])


def test_an_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(BadSetting, match=r"\.eaf"):
        export.write_intervals(FOUND, tmp_path / "a.doc")
    assert not list(tmp_path.iterdir())


def test_frames_start_with_openfaces_columns_and_follow_the_motion():
    track = resting_track(3.0)
    move(track, bump(track, 1.0, 2.0), 8.0)
    track.seen[5], track.run[5] = False, -1
    table = export.frame_table(track, FOUND)
    assert list(table.columns[:11]) == [
        "frame", "face_id", "timestamp", "confidence", "success",
        "pose_Tx", "pose_Ty", "pose_Tz", "pose_Rx", "pose_Ry", "pose_Rz",
    ]  # fmt: skip
    assert len(table) == 150 and table["success"].sum() == 149
    assert table["motion_lip_corner_left_y"][75] == pytest.approx(-8, abs=0.3)
    assert table["interval"][84] == "macro+blink" and table["interval"][0] == ""
    smile = table[[c for c in table if c.startswith("activation_AU12")]].sum(axis=1)
    assert smile[75] > smile[0] + 0.05


def test_a_table_of_any_coder_is_read(tmp_path):
    path = tmp_path / "boris.csv"
    path.write_text("Behavior,Start (s),Stop (s)\nsmile,1.1,2.1\nfrown,5,6\n")
    assert coding.read_coding(path, "smile") == [coding.CodedInterval(1.1, 2.1, "smile")]
    assert len(coding.read_coding(path)) == 2
    path.write_text("Behavior,Start (s),Stop (s)\nsmile,soon,2.1\n")
    with pytest.raises(coding.UnreadableCoding, match="line 2"):
        coding.read_coding(path)
    path.write_text("Behavior,Start (s),Stop (s)\nsmile;too,1.1,2.1\n", encoding="utf-16")
    assert coding.read_coding(path) == [coding.CodedInterval(1.1, 2.1, "smile;too")]
    path.write_text("Behavior,Start (s),Stop (s)\nsmile,1,1,2,1\n")
    with pytest.raises(UnreadableSheet, match="line 2"):
        coding.read_coding(path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(coding.UnreadableCoding, match="a, b"):
        coding.read_coding(path)
    (tmp_path / "broken.eaf").write_text("<ANNOTATION_DOCUMENT")
    with pytest.raises(UnreadableElan, match="broken.eaf"):
        coding.read_coding(tmp_path / "broken.eaf")


def test_agreement_counts_each_interval_once():
    coded = [
        coding.CodedInterval(1.1, 2.1, "smile"),
        coding.CodedInterval(1.2, 2.2, "again"),
        coding.CodedInterval(5.0, 6.0, "frown"),
    ]
    agreement = coding.compare_coding(coded, FOUND)
    # The blink does not count.
    assert agreement.counts == {"expression": (1, 3, 1)}
    assert agreement.counts["expression"].f1 == pytest.approx(0.5)
    assert agreement.table["outcome"].tolist() == ["matched", "missed", "missed"]
    assert np.isclose(agreement.table["iou"][0], 0.9 / 1.1, atol=0.001)
    assert (
        agreement.to_text().splitlines()[-1].startswith("expression: F1 0.50 (precision 1.00, recall 0.33)")
    )


def test_coded_blinks_are_compared_with_blinks(tmp_path):
    for name in ("a.csv", "a_events.tsv"):
        export.write_intervals(FOUND, tmp_path / name)
        coded = coding.read_coding(tmp_path / name)
        assert coding.compare_coding(coded, FOUND).counts == {"expression": (1, 1, 1), "blink": (1, 1, 1)}
    export.write_intervals(FOUND, tmp_path / "a.eaf")
    blinks = coding.read_coding(tmp_path / "a.eaf", "blink")
    assert coding.compare_coding(blinks, FOUND).counts == {"blink": (1, 1, 1)}
    (tmp_path / "b.csv").write_text("start,stop,behaviour\n1.6,1.75,Blinks\n1,2,Head movement\n")
    assert [code.kind for code in coding.read_coding(tmp_path / "b.csv")] == ["head", "blink"]
