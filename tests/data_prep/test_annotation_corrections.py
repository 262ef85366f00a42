"""Corrections: applied where the published value matches and nowhere else.

The shipped files keep their form.
"""

import pandas as pd
import pytest

from data_prep import annotation_corrections
from data_prep.clip_table import COLUMNS, clip_table
from mer_core import registry

HEADER = "clip_id,column,published,corrected,reason,source\n"


@pytest.fixture
def table():
    row = {
        "dataset": "d",
        "subject": "s",
        "onset": 1,
        "apex": 5,
        "offset": 9,
        "emotion": "fear",
        "apex_source": "annotated",
    }
    return clip_table([row | {"clip": "a"}, row | {"clip": "b"}])


def listed(tmp_path, monkeypatch, rows: str) -> None:
    (tmp_path / "d.csv").write_text(HEADER + rows)
    monkeypatch.setattr(annotation_corrections, "FOLDER", tmp_path)


def test_a_correction_needs_the_published_value(tmp_path, monkeypatch, table):
    rows = ("d/s/a,apex,5,6", "d/s/b,apex,4,6", "d/s/b,emotion,fear,sadness", "d/s/c,apex,5,6")
    listed(tmp_path, monkeypatch, "".join(f"{row},slip,paper\n" for row in rows))
    corrected, applied = annotation_corrections.apply(table, "d")
    assert list(corrected["apex"]) == [6, 5] and list(corrected["apex_source"]) == ["corrected", "annotated"]
    assert list(corrected["emotion"]) == ["fear", "sadness"]
    assert list(corrected["note"]) == [
        "apex corrected from 5 to 6: slip",
        "emotion corrected from fear to sadness: slip",
    ]
    assert [(row["clip_id"], row["column"]) for row in applied] == [("d/s/a", "apex"), ("d/s/b", "emotion")]
    assert list(table["apex"]) == [5, 5]  # the table given is not touched


def test_the_order_of_rows_does_not_matter(tmp_path, monkeypatch, table):
    listed(tmp_path, monkeypatch, "d/s/b,apex,5,6,slip,paper\n")
    corrected, _ = annotation_corrections.apply(table.iloc[::-1].reset_index(drop=True), "d")
    assert dict(zip(corrected["clip_id"], corrected["apex"])) == {"d/s/a": 5, "d/s/b": 6}


def test_a_dataset_without_a_file_has_no_corrections(tmp_path, monkeypatch, table):
    monkeypatch.setattr(annotation_corrections, "FOLDER", tmp_path)
    corrected, applied = annotation_corrections.apply(table, "d")
    assert corrected.equals(table) and applied == []


def test_the_shipped_files_are_complete():
    files = sorted(annotation_corrections.FOLDER.glob("*.csv"))
    assert files
    for file in files:
        rows = pd.read_csv(file, dtype=str, keep_default_na=False)
        assert tuple(rows.columns) == annotation_corrections.COLUMNS
        assert file.stem in registry.list_names("data_prep.datasets")
        assert rows["column"].isin(COLUMNS).all() and rows["clip_id"].str.startswith(f"{file.stem}/").all()
        assert (rows[["corrected", "reason", "source"]] != "").all(axis=None)
        assert not rows[["clip_id", "column"]].duplicated().any()
