"""The table of recognition by flow method: signs of its differences, and what its page counts."""

import pandas as pd
import pytest

from benchmarks import recognition_by_flow
from benchmarks.recognition_by_flow import FlowSource
from mer.evaluation.compare import ComparedRun


def compared(uf1, difference=None, interval=None):
    return ComparedRun("run", uf1, [0.0, 1.0], uf1, True, difference, interval)


def test_differences_are_those_of_mer_net(monkeypatch, tmp_path):
    runs = [compared(0.8), compared(0.6, -0.2, [-0.3, -0.1]), compared(0.81, 0.01, [-0.02, 0.05])]
    monkeypatch.setattr(recognition_by_flow, "cross_validated", lambda source: runs)
    zero_shot = {"uf1": 0.7, "calibration error": 0.1}
    monkeypatch.setattr(recognition_by_flow, "bundle_scores", lambda shipped, source: zero_shot)
    line = recognition_by_flow.measure(None, FlowSource("scanned", "dis", tmp_path, "dis"))
    assert line["vs. logistic"] == pytest.approx(0.2)
    assert (line["logistic low"], line["logistic high"]) == (0.1, 0.3)
    assert (line["before low"], line["before high"]) == (-0.05, 0.02)

    text = recognition_by_flow.page(pd.DataFrame([line, line | {"people": "rendered", "logistic low": -0.1}]))
    assert "with 2 of 2 sources" in text and "excludes zero with 1" in text and "predecessor with 0" in text
    assert "| scanned | dis | 0.600 | 0.810 | 0.800 | +0.200 | +0.100 to +0.300 | -0.010 |" in text


def test_sources_are_the_rows_of_claim_two(tmp_path):
    rows = [("scanned", "logistic", "dis", "dis"), ("scanned", "mer_net", "dis", "dis")]
    columns = ["people", "classifier", "label", "folder"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "claim-two.csv", index=False)
    (only,) = recognition_by_flow.sources(tmp_path)
    assert only == FlowSource("scanned", "dis", tmp_path / "scanned", "dis")
