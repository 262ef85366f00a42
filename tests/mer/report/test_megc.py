"""The submission file of the grand challenges: one table of many videos."""

import pytest

from mer.inference.spotting import Interval
from mer.report import megc
from mer_core.errors import UnreadableFile

FOUND = [
    Interval("macro", 150, 160, 200, 5.0, 5.3, 6.7, 7.5, "positive", 0.81),
    Interval("blink", 80, 84, 88, 2.7, 2.8, 2.9, 90.0),
    Interval("micro", 50, 55, 61, 1.7, 1.8, 2.0, 1.5),
]


def test_expressions_are_listed_by_onset_with_the_challenges_types():
    rows = megc.submission_rows(FOUND, "032_3").values.tolist()
    assert rows == [["032_3", 50, 61, "me", ""], ["032_3", 150, 200, "mae", "positive"]]


def test_a_video_replaces_its_own_rows_only(tmp_path):
    path = tmp_path / "samm_pred.csv"
    megc.add_to_submission(FOUND, "007", path)
    megc.add_to_submission(FOUND[2:], "032_3", path)
    megc.add_to_submission(FOUND[:1], "007", path)
    table = megc.read_submission(path)
    assert table[["vid", "pred_onset", "type"]].values.tolist() == [
        ["032_3", 50, "me"],
        ["007", 150, "mae"],
    ]
    assert path.read_text().splitlines()[0] == "vid,pred_onset,pred_offset,type,emotion"


def test_a_video_without_expressions_leaves_a_table_without_rows(tmp_path):
    megc.add_to_submission([], "007", tmp_path / "cas_pred.csv")
    assert megc.read_submission(tmp_path / "cas_pred.csv").empty


HEADER = ",".join(megc.COLUMNS)


@pytest.mark.parametrize(
    "text", ["kind,onset\nmicro,1\n", "", "a,b\n1,2,3\n", f"{HEADER}\n1,2,{'9' * 400},me,\n"]
)
def test_another_table_is_refused_and_kept(tmp_path, text):
    path = tmp_path / "intervals.csv"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match="intervals.csv"):
        megc.add_to_submission(FOUND, "007", path)
    assert path.read_text() == text
