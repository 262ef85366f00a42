"""The report: everything a reviewer needs, in one file that fetches nothing."""

import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mer.evaluation import finished_run, run
from mer.evaluation.config import CvConfig
from mer.evaluation.run_folder import read_predictions
from mer.report.run_report import write_report
from mer.report.settings import markdown_row, read_settings
from mer_core.errors import UnreadableFile


@pytest.fixture
def finished(prepared, tmp_path):
    config = CvConfig(protocol="casme2-3", classifier="linear_svm", seeds=2)
    run.cross_validate_prepared([prepared], config, tmp_path / "run")
    return tmp_path / "run"


class Links(HTMLParser):
    """Collects what a browser would fetch, and checks that tags are closed in order."""

    def __init__(self):
        super().__init__()
        self.found, self.open = [], []

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if name in ("src", "href", "srcset")]
        if tag not in ("img", "meta", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_fetches_nothing(finished):
    page = write_report(finished)
    assert page == finished / "report.html"
    text = page.read_text(encoding="utf-8")
    links = Links()
    links.feed(text)
    assert not links.open
    assert links.found and all(link.startswith("data:image/png;base64,") for link in links.found)
    assert "<script" not in text and "url(" not in text and "@import" not in text


def test_it_says_what_a_reviewer_asks(finished):
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", write_report(finished).read_text(encoding="utf-8")))
    for needed in ("10 clips of 4 subjects", "Synthetic data.", "majority class", "95 % interval",
                   "the same with each of 2 seeds", "casme2-3",
                   "no flow by srflownet", "lie detector", "Excluded clips",
                   "classifier linear_svm", "numpy"):  # fmt: skip
        assert needed in text, needed


def test_the_mapping_as_it_was_applied_and_every_clip_left_out_are_in_the_page(finished):
    run_again = finished_run.open_run(finished)
    rows = re.findall(r"<tr>(.*?)</tr>", write_report(finished).read_text(encoding="utf-8"))
    rows = [tuple(re.findall(r"<td[^>]*>([^<]*)</td>", row)) for row in rows]
    assert ("casme2", "happiness", "positive", "7") in rows and ("casme2", "disgust", "negative", "3") in rows
    assert len(run_again.left_out) == 6 and set(run_again.left_out.itertuples(index=False, name=None)) <= set(
        rows
    )


def test_a_spread_is_shown_only_where_seeds_change_something(finished):
    assert "±" not in write_report(finished).read_text(encoding="utf-8")
    scores = json.loads((finished / "metrics.json").read_text())
    scores["sd"]["uf1"], scores["per_dataset"]["casme2"]["sd"]["uf1"] = 0.0125, 0.0375
    (finished / "metrics.json").write_text(json.dumps(scores))
    text = write_report(finished).read_text(encoding="utf-8")
    for spread in ("mean of 2 seeds, SD 0.013", "± 0.013", "± 0.037", "± 0.013 |"):
        assert spread in text


def test_a_classifier_whose_file_is_gone_is_shown_by_its_stored_settings(finished):
    config = (finished / "config.yaml").read_text()
    (finished / "config.yaml").write_text(config.replace("classifier: linear_svm", "classifier: my_old_one"))
    text = re.sub(r"<[^>]*>", " ", write_report(finished).read_text(encoding="utf-8"))
    assert "my_old_one" in text and "input features" in text


def test_ready_made_maps_have_no_mapping_to_show(finished):
    clips = pd.read_csv(finished / "clips.csv", dtype=str)
    clips.assign(emotion="").to_csv(finished / "clips.csv", index=False)
    assert "Emotions and their labels" not in write_report(finished).read_text(encoding="utf-8")


def test_every_dataset_has_its_interval(finished):
    scores = json.loads((finished / "metrics.json").read_text())
    scores["per_dataset"] = {
        "casme2": {
            **scores["per_dataset"]["casme2"],
            "interval95": {"uf1": [0.123, 0.456], "uar": [0.234, 0.567]},
        },
        "alone": {**scores["per_dataset"]["casme2"], "interval95": None},  # one subject
    }
    (finished / "metrics.json").write_text(json.dumps(scores))
    text = write_report(finished).read_text(encoding="utf-8")
    assert (
        "(0.123 to 0.456)" in text
        and "(0.234 to 0.567)" in text
        and text.count("left:12.30%;width:33.30%") == 1
    )


def test_defaults_and_the_input_are_written_out(finished):
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", write_report(finished).read_text(encoding="utf-8")))
    data = json.loads((finished / "input.json").read_text())
    for needed in ("classifier_settings.C 0.001 (default)", "feature_settings.size 28 (default)",
                   "Linear support vector machine on standardised",
                   f"input features {data['features']}", f"input clips {data['clips']}",
                   "| linear_svm | flow_image | srflownet | casme2-3 | loso |"):  # fmt: skip
        assert needed in text, needed


def test_a_setting_that_was_given_is_no_default(prepared, tmp_path):
    config = CvConfig(
        protocol="casme2-3",
        classifier="linear_svm",
        classifier_settings={"C": 0.02},
        feature="hoof",
        feature_settings={"bins": 4},
        seeds=1,
    )
    run.cross_validate_prepared([prepared], config, tmp_path / "run")
    lines = dict(read_settings(finished_run.open_run(tmp_path / "run")))
    assert (
        lines["classifier_settings.C"] == "0.02"
        and lines["feature_settings.bins"] == "4"
        and lines["feature_settings.cells"] == "5 (default)"
    )


def test_an_object_shows_its_own_settings_and_arrays_are_no_maps(small, tmp_path):
    config = CvConfig(classifier=LogisticRegression(C=0.5), seeds=1)
    run.cross_validate_arrays(*small, config, tmp_path / "run")
    finished = finished_run.open_run(tmp_path / "run")
    lines = dict(read_settings(finished))
    assert lines["classifier"] == "LogisticRegression(C=0.5)" and "defaults" not in lines
    assert "| LogisticRegression(C=0.5) | arrays | none |" in markdown_row(finished)


def test_it_says_where_the_apex_frames_come_from(finished):
    # This dataset does not know.
    assert "Apex frames" not in write_report(finished).read_text(encoding="utf-8")
    clips = pd.read_csv(finished / "clips.csv", dtype=str)
    clips.assign(apex_source=["midpoint"] * 3 + ["annotated"] * 7).to_csv(finished / "clips.csv", index=False)
    assert "7 annotated, 3 midpoint" in write_report(finished).read_text(encoding="utf-8")
    # A run of an earlier version.
    clips.drop(columns="apex_source").to_csv(finished / "clips.csv", index=False)
    assert write_report(finished).is_file()


def test_pictures_show_right_and_wrong_clips(finished):
    text = write_report(finished).read_text(encoding="utf-8")
    assert text.count('alt="flow"') == 4 and 'class="bad"' not in text  # two of each label shown, all right
    table = read_predictions(finished / "predictions.csv")
    wrong = table["clip_id"] == "casme2/sub02/c0"
    table.loc[wrong, ["p_negative", "p_positive"]] = (0.9, 0.1)
    table.to_csv(finished / "predictions.csv", index=False)
    text = write_report(finished).read_text(encoding="utf-8")
    shown = re.findall(
        r'<b>(\w+)</b>, predicted <b class="bad">(\w+)</b> <span class="n">([\d.]+)</span><small>([^<]*)',
        text,
    )
    assert shown == [("positive", "negative", "0.90", "casme2/sub02/c0")]


def test_names_cannot_write_into_the_page(finished):
    for name in ("predictions.csv", "clips.csv"):
        (finished / name).write_text((finished / name).read_text().replace("sub02", "<b>sub02"))
    assert "<b>sub02" not in write_report(finished).read_text(encoding="utf-8")


def test_a_run_whose_faces_are_gone_still_has_a_report(finished, prepared):
    prepared.rename(prepared.with_name("moved"))
    text = write_report(finished).read_text(encoding="utf-8")
    assert prepared.name in text and 'alt="flow"' not in text


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(UnreadableFile):
        write_report(tmp_path)


def test_a_run_of_another_version_is_refused_and_its_report_kept(finished):
    before = write_report(finished).read_text(encoding="utf-8")
    metrics = json.loads((finished / "metrics.json").read_text(encoding="utf-8"))
    del metrics["calibration_error"]
    (finished / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    with pytest.raises(UnreadableFile, match="calibration_error"):
        write_report(finished)
    assert (finished / "report.html").read_text(encoding="utf-8") == before


def test_figures_and_tables_for_a_paper_lie_in_the_run(finished):
    page = write_report(finished).read_text(encoding="utf-8")
    assert ">predicted<" in page and ">true<" in page and 'class="reliability"' in page
    names = {"scores", "confusion", "reliability"}
    assert {file.name for file in (finished / "figures").iterdir()} == {
        f"{name}.{suffix}" for name in names for suffix in ("svg", "pdf")
    }
    svg = (finished / "figures" / "confusion.svg").read_text()
    assert "predicted (synthetic data)" in svg and ">true<" in svg  # text stays text
    tables = {file.stem: file.read_text() for file in (finished / "tables").iterdir()}
    assert set(tables) == {"scores", "per_class", "confusion", "per_dataset"}
    assert all(text.count("\\\\\n") >= 2 and text.startswith("\\begin{tabular}") for text in tables.values())
    before = {file: file.read_bytes() for file in (finished / "figures").iterdir()}
    write_report(finished)
    assert before == {file: file.read_bytes() for file in before}
