"""The example of docs/guides/any-scikit-learn-classifier.md works as it is printed."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "any-scikit-learn-classifier.md"


def test_the_printed_pipeline_is_evaluated(prepared, tmp_path, monkeypatch):
    code, _ = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    monkeypatch.chdir(tmp_path)
    assert (tmp_path / "prepared" / "casme2").is_dir()  # made by the fixture
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    assert names["run"].metrics["clips"] == 10 and (tmp_path / "runs" / "svm" / "report.html").is_file()
