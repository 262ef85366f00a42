"""The examples of docs/guides/adding-a-protocol.md work as they are printed."""

import re
from pathlib import Path

import pandas as pd

from mer.evaluation import protocols, run
from mer.evaluation.config import CvConfig

DOCS = Path(__file__).parents[2] / "docs"


def test_a_grouping_and_a_choice_of_subjects_can_be_cross_validated(prepared, tmp_path, monkeypatch):
    page = (DOCS / "guides" / "adding-a-protocol.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name, text in zip(("positive-or-not", "without-sub02"), re.findall(r"```yaml\n(.*?)```", page, re.S)):
        Path(f"{name}.yaml").write_text(text)

    def evaluate(name):
        config = CvConfig(protocol=f"{name}.yaml", classifier="logistic", seeds=1)
        run.cross_validate_prepared([prepared], config, Path("runs") / name)
        return pd.read_csv(Path("runs") / name / "clips.csv")

    all_of_them = evaluate("positive-or-not")
    assert set(zip(all_of_them["emotion"], all_of_them["label"])) == {
        ("happiness", "positive"),
        ("disgust", "other"),
    }
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    exec(compile(code, "adding-a-protocol.md", "exec"), {})
    kept = evaluate("without-sub02")
    assert "sub02" in set(all_of_them["subject"]) and kept.equals(
        all_of_them[all_of_them["subject"] != "sub02"].reset_index(drop=True)
    )


def test_the_page_names_every_way_and_files_that_are_there():
    page = (DOCS / "guides" / "adding-a-protocol.md").read_text(encoding="utf-8")
    for way, file in re.findall(r"^\| `(\w+)` \| .* \| `mer/protocols/([\w.-]+)` \|$", page, re.M):
        assert getattr(protocols.load(Path(file).stem), way) is not None
    assert all(f"`{way}`" in page for way in protocols.LABEL_SOURCES)
