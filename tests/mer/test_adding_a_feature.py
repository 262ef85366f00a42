"""The example of docs/guides/adding-a-feature.md works as it is printed."""

import re
from pathlib import Path

import numpy as np

from mer.evaluation import inputs, run
from mer.evaluation.config import CvConfig
from mer.features import flow_image

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "adding-a-feature.md"


def test_the_printed_feature_measures_brows_and_can_be_cross_validated(prepared, tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    landmarks = np.full((478, 2), 50, np.float32)
    for point, place in {
        33: (20, 40),
        133: (36, 40),
        362: (60, 40),
        263: (76, 40),
        55: (40, 30),
        285: (200, 30),
    }.items():  # eyes 40 px apart
        landmarks[point] = place
    flow = np.zeros((96, 96, 2), np.float32)
    flow[20:40, 30:50, 1] = -0.8
    values = names["extract"](flow, landmarks)
    # The left brow lies outside of the picture.
    assert values.dtype == np.float32 and np.allclose(values, [-2, 0])
    monkeypatch.setattr(flow_image, "extract", names["extract"])  # under a name that the folder has
    config = CvConfig(protocol="casme2-3", feature_settings={"reach": 0.2}, classifier="logistic", seeds=1)
    assert inputs.read_inputs([prepared], config).X.shape == (10, 2)
    # There, disgust moves down and happiness does not.
    assert run.cross_validate_prepared([prepared], config, tmp_path / "run")["accuracy"] == 1
