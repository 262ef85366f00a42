"""The example of docs/guides/adding-a-classifier.md works as it is printed."""

import re
from pathlib import Path

import numpy as np

from mer.classifiers import logistic
from mer.evaluation import run
from mer.evaluation.config import CvConfig

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "adding-a-classifier.md"


def test_the_printed_classifier_learns_comes_back_and_can_be_cross_validated(
    small, prepared, tmp_path, monkeypatch
):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    Classifier = names["Classifier"]
    table, X = small
    y = np.unique(table["label"], return_inverse=True)[1]
    fitted = Classifier(range(3)).fit(X[y < 2], y[y < 2])  # of the third class there is no clip
    p = fitted.predict_proba(X)
    assert np.allclose(p.sum(1), 1) and (p.argmax(1)[y < 2] == y[y < 2]).all() and (p[:, 2] == 0).all()
    assert (Classifier.from_state(*fitted.state()).predict_proba(X) == p).all()
    monkeypatch.setattr(logistic, "Classifier", Classifier)  # under a name that the folder has
    config = CvConfig(protocol="casme2-3", classifier="logistic", classifier_settings={"scale": 2.0}, seeds=1)
    assert run.cross_validate_prepared([prepared], config, tmp_path / "run")["accuracy"] == 1
