"""docs/data-dictionary.md names the columns that the code writes and reads: all of them, no others, in their
order."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import apex_spotting
from data_prep import annotation_corrections, clip_table, interval_table
from data_prep.outcomes import OUTCOMES
from data_prep.prepare import prepare
from data_prep.prepared import PreparedDataset
from flow.benchmark import table
from flow.prepared_flow import estimate_prepared
from mer.evaluation import au_detection, compare, cross_validation, flow_maps, protocols, run
from mer.evaluation.config import CvConfig
from mer.inference import score_table
from mer.report import coding, export
from mer_core.io import write_json
from tests.mer.inference.tracks import resting_track

PAGE = (Path(__file__).parents[2] / "docs" / "data-dictionary.md").read_text(encoding="utf-8")


def _plain(name: str) -> str:
    """A column of many, as the dictionary writes it: regions and units are one row each."""
    name = re.sub(r"^motion_.+_([xy])$", r"motion_<region>_\1", name)
    return re.sub(r"^activation_AU.+$", "activation_AU<nn>_<side>", name)


def section(title: str) -> str:
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.S | re.M)[1]


def documented(title: str, table: int = 0) -> list[str]:
    """First cells of the rows of a table of a section, without their backquotes."""
    tables = re.findall(r"((?:^\|.*\n)+)", section(title) + "\n", re.M)
    return re.findall(r"^\| `([^`]*)` \|", tables[table], re.M)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, face):
    from data_prep.layouts import ReplicaClip, casme2

    folder = tmp_path_factory.mktemp("dictionary")
    casme2.write(folder / "root", [ReplicaClip(1, 1, "disgust", "4", 46, 47, 48, lambda i: face)])
    prepare("casme2", folder / "root", folder / "out")
    return folder / "out"


def test_clip_table_with_types_and_meanings(prepared):
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", section("Clip table"), re.M)
    assert {name: (kind, meaning) for name, kind, meaning in rows} == clip_table.COLUMNS
    assert [name for name, *_ in rows] == list(pd.read_parquet(prepared / "clips.parquet").columns)


def test_interval_table_with_types_and_meanings(tmp_path, face):
    from data_prep.layouts import ReplicaClip, samm_lv

    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", section("Interval table"), re.M)
    assert {name: (kind, meaning) for name, kind, meaning in rows} == interval_table.COLUMNS
    samm_lv.write(tmp_path / "root", [ReplicaClip(6, 1, "", "4", 46, 47, 48, lambda i: face)])
    prepare("samm_lv", tmp_path / "root", tmp_path / "out")
    written = pd.read_csv(tmp_path / "out" / "intervals.csv")
    assert [name for name, *_ in rows] == list(written.columns) and set(written["kind"]) == {"micro", "macro"}


def test_what_prepare_writes(prepared):
    assert documented("Outcome") == list(pd.read_csv(prepared / "outcome.csv").columns)
    assert documented("Settings of a prepared folder") == list(
        json.loads((prepared / "prepare.json").read_text())
    )
    with np.load(prepared / "faces" / "sub01" / "EP01_01f" / "landmarks.npz") as stored:
        assert documented("Landmarks") == list(stored)


def test_every_outcome_is_explained():
    assert documented("Outcome", 1) == list(OUTCOMES)


def test_what_is_read():
    assert documented("Corrections") == list(annotation_corrections.COLUMNS)
    assert documented("Clip list of a protocol") == protocols.LIST_COLUMNS
    assert documented("Index of ready-made maps") == flow_maps.COLUMNS


def test_what_a_run_writes(tmp_path):
    table = pd.DataFrame(
        {
            "clip_id": ["d/1/a", "d/2/b", "d/1/c", "d/2/d"],
            "dataset": "d",
            "subject": ["1", "2", "1", "2"],
            "label": list("uvvu"),
        }
    )
    predictions = cross_validation.cross_validate(
        table, np.zeros((4, 1)), CvConfig(classifier="majority", seeds=1), tmp_path
    )
    assert documented("Predictions") == [*predictions.columns[:-2], "p_<label>"]
    assert list(predictions.columns[-2:]) == ["p_u", "p_v"]
    assert documented("Clips of a run") == run.CLIP_COLUMNS
    assert documented("Clips left out of a run") == ["clip_id", "reason"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two finished runs on tiny ready-made maps."""
    folder = tmp_path_factory.mktemp("runs")
    rows = [(f"{subject}{label}.npy", "d", subject, label, label) for subject in "12" for label in "uv"]
    for file, *_ in rows:
        np.save(folder / file, np.zeros((1, 2, 2)))
    pd.DataFrame(rows, columns=flow_maps.COLUMNS).to_csv(folder / "index.csv", index=False)
    for name in ("a", "b"):
        run.cross_validate_maps(
            folder, folder / "index.csv", CvConfig(classifier="majority", seeds=1), folder / name
        )
    return folder / "a", folder / "b"


def test_the_record_of_a_run(runs):
    origin, data, scores = (
        json.loads((runs[0] / name).read_text()) for name in ("run.json", "input.json", "metrics.json")
    )
    of_prepared = {"prepare", "flow"}
    assert set(documented("Origin of a run")) == set(origin) | of_prepared and not of_prepared & set(origin)
    assert set(documented("Identity of the data of a run")) == set(data)
    assert documented("Scores") == list(scores)


def test_the_scores_of_action_units(monkeypatch, tmp_path):
    scores = {
        "per_class": {"present": {"f1": 1.0}},
        "clips_per_label": {"present": 1},
        "clips": 2,
        "synthetic": False,
    }

    def cross_validate(paths, config, out, *_):
        write_json(out / "metrics.json", scores)
        return scores

    monkeypatch.setattr(au_detection.run, "cross_validate_prepared", cross_validate)
    monkeypatch.setattr(au_detection, "_interval", lambda *_: [0.0, 1.0])
    written = au_detection.cross_validate_units([], CvConfig(protocol="cd6me"), tmp_path)
    assert documented("Scores of action units") == list(written)


def test_comparison(runs, tmp_path):
    compare.write_comparison(compare.compare(runs, n_resamples=9), tmp_path)
    assert documented("Comparison of runs") == list(pd.read_csv(tmp_path / "compare.csv").columns)


def test_what_scoring_and_spotting_write():
    assert documented("Scored clips") == [*score_table.COLUMNS, "p_<label>"]
    assert documented("Spotted intervals") == list(export.interval_table([]).columns)
    assert documented("Agreement with a coder") == list(coding.COLUMNS)
    written = [_plain(name) for name in export.frame_table(resting_track(1.0), []).columns]
    assert documented("Frames of a clip") == list(dict.fromkeys(written))


def test_what_flow_estimate_writes(prepared):
    estimate_prepared(PreparedDataset(prepared), "dis")
    assert documented("Settings of flow") == list(
        json.loads((prepared / "flow" / "dis" / "flow.json").read_text())
    )
    with np.load(prepared / "flow" / "dis" / "sub01" / "EP01_01f.npz") as stored:
        assert documented("Flow") == list(stored)


def test_what_the_benchmarks_write():
    pair = {
        "size": 224,
        "label": "zero",
        "face": "a",
        "peak": 1.0,
        "slope": 0.1,
        "epe": 1.0,
        "seconds": 1.0,
        "gradient": 1.0,
        "still": 0.0,
    }
    edges = zip(table.MOTION_EDGES, table.MOTION_EDGES[1:])
    pair |= {f"{what} {table.bin_name(low, high)}": 1 for low, high in edges for what in ("sum", "pixels")}
    columns = table.tabulate(pd.DataFrame([pair])).columns
    general = [
        re.sub(r"(peak|slope|motion)_.*", r"\1_<low>_<high>", re.sub(r"_on_.*", "_on_<face>", name))
        for name in columns
    ]
    assert documented("Flow benchmark") == list(dict.fromkeys(general))
    assert documented("Spotting benchmark") == list(apex_spotting.measure(0).columns)
