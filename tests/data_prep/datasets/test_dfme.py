"""DFME: tables in parts, three frame rates."""

import pandas as pd

from data_prep.annotations import read_clips
from data_prep.datasets import dfme
from tests.data_prep.folders import touch


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


def test_dfme_a_rate_that_cannot_be_read_is_noted(make_replica):
    root = make_replica("dfme", subjects=(1, 2), clips_each=1)
    path = root / "train.csv"
    path.write_text(path.read_text().replace(",300,", ",fast,"))
    table = read_clips("dfme", root).table
    assert list(table["note"]) == ["", "fps printed as 'fast'"] and pd.isna(table["fps"].iloc[1])
