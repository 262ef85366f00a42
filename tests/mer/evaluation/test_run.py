"""From a prepared folder to a run folder: what is evaluated, what is left out and why, and what is kept on
record.
"""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from data_prep import clip_table
from mer.cli.main import cli
from mer.evaluation import cross_validation, finished_run, inputs, run
from mer.evaluation.config import CvConfig, load_config
from mer_core.errors import (
    BadArray,
    BadSetting,
    Incompatible,
    NotFound,
    TooFewClips,
    UnknownName,
    UnreadableFile,
)

CONFIG = CvConfig(protocol="casme2-3", classifier="linear_svm", feature_settings={"size": 8}, seeds=2)


def test_features_of_the_clips_that_count(prepared):
    given = inputs.read_inputs([prepared], CONFIG)
    assert len(given.table) == 10 and given.X.shape == (10, 3, 8, 8)
    happy = (given.table["emotion"] == "happiness").to_numpy()
    assert np.allclose(given.X[happy, 0].mean(), 100 / 32, atol=0.05)  # 1 px of 32 px between the eyes, right
    assert np.allclose(given.X[~happy, 1].mean(), 100 / 32, atol=0.05)
    assert (given.table["label"] == np.where(happy, "positive", "negative")).all()


def test_every_other_clip_has_a_reason(prepared):
    reasons = dict(inputs.read_inputs([prepared], CONFIG).left_out.values)
    assert reasons.pop("casme2/sub01/c0") == "no face: onset, frame 1"
    assert reasons.pop("casme2/sub01/c1") == "no flow by srflownet"
    assert reasons == {f"casme2/sub0{s}/c3": "casme2-3 gives no label to casme2 others" for s in range(1, 5)}


def test_clips_that_a_list_names_and_nobody_has_are_said(prepared):
    with pytest.raises(TooFewClips, match="composite-3"):
        inputs.read_inputs([prepared], CONFIG.model_copy(update={"protocol": "composite-3"}))


@pytest.mark.parametrize(
    "change, error, fact",
    [
        ({"method": "tvl1"}, NotFound, "tvl1"),
        ({"method": "srflownett"}, UnknownName, "srflownet"),
        ({"feature_settings": {"sice": 8}}, BadSetting, "'sice'.*size"),
        ({"protocol": "casme22-3"}, UnknownName, "casme2-3"),
    ],
)
def test_what_cannot_be_gathered_is_refused(prepared, change, error, fact):
    with pytest.raises(error, match=fact):
        inputs.read_inputs([prepared], CONFIG.model_copy(update=change))


@pytest.mark.parametrize("file", ["clips.parquet", "outcome.csv", "prepare.json", "flow/srflownet/flow.json"])
def test_a_damaged_file_of_a_prepared_folder_is_named(prepared, tmp_path, file):
    (prepared / file).write_text("xx")
    with pytest.raises(UnreadableFile, match=file):
        run.cross_validate_prepared([prepared], CONFIG, tmp_path / "run")


@pytest.mark.parametrize(
    "file", ["config.yaml", "run.json", "metrics.json", "predictions.csv", "clips.csv", "left_out.csv"]
)
def test_a_damaged_file_of_a_run_is_named(prepared, tmp_path, file):
    run.cross_validate_prepared([prepared], CONFIG, tmp_path / "run")
    for damage in ("{", ""):
        (tmp_path / "run" / file).write_text(damage)
        with pytest.raises(UnreadableFile, match=file):
            finished_run.open_run(tmp_path / "run")


def test_flow_of_two_kinds_and_faces_of_two_sizes_are_not_mixed(prepared, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(prepared, other)
    table = clip_table.read(other / "clips.parquet").assign(dataset="samm")
    clip_table.write(
        table.assign(clip_id="samm" + table["clip_id"].str.removeprefix("casme2")), other / "clips.parquet"
    )
    (other / "outcome.csv").write_text((other / "outcome.csv").read_text().replace("casme2/", "samm/"))
    assert len(inputs.read_inputs([prepared, other], CONFIG).folders) == 2
    settings = json.loads((other / "prepare.json").read_text())
    for key, value in (("size", 128), ("mediapipe", "1.2.3 with model 1-a")):
        (other / "prepare.json").write_text(json.dumps(settings | {key: value}))
        with pytest.raises(Incompatible, match=f"{settings.get(key)} and {value}"):
            inputs.read_inputs([prepared, other], CONFIG)
    (other / "flow" / "srflownet" / "flow.json").write_text(
        json.dumps({"method": "srflownet", "match_exposure": False})
    )
    with pytest.raises(Incompatible, match="match_exposure"):
        inputs.read_inputs([prepared, other], CONFIG)


@pytest.mark.parametrize(
    "classifier, settings, message",
    [
        ("mer_net", {"ridge": 0.0}, "ridge"),
        ("timm:resnt18", {}, "'resnt18'"),
        ("htnet", {"epoch": 1}, "'epoch'"),
    ],
)
def test_a_classifier_that_cannot_be_is_refused_before_any_feature_is_read(
    prepared, tmp_path, monkeypatch, classifier, settings, message
):
    monkeypatch.setattr(inputs, "read_inputs", lambda *_: pytest.fail("features were read"))
    with pytest.raises(BadSetting, match=message):
        run.cross_validate_prepared(
            [prepared],
            CvConfig(protocol="casme2-3", classifier=classifier, classifier_settings=settings),
            tmp_path / "run",
        )


def test_a_run_keeps_everything_on_record(prepared, tmp_path):
    out = tmp_path / "runs" / "first"
    scores = run.cross_validate_prepared([prepared], CONFIG, out)
    assert scores["uf1"] == pytest.approx(2 / 3)  # all right, and surprise, which nobody shows, still counts
    finished = finished_run.open_run(out)
    assert finished.metrics["uf1"] == scores["uf1"] and finished.metrics["synthetic"] is True
    assert finished.metrics["clips_left_out"] == {
        "casme2-3 gives no label to casme2 others": 4,
        "no face": 1,
        "no flow by srflownet": 1,
    }
    assert load_config(out / "config.yaml") == CONFIG
    assert (out / finished.origin["folders"][0]).resolve() == prepared.resolve()
    assert (
        finished.origin["flow"]["match_exposure"] is True
        and finished.origin["flow"]["weights"] == "0123456789abcdef"
    )
    assert "numpy" in finished.origin["versions"]
    assert len(finished.predictions) == 20 and len(finished.clips) == 10 and len(finished.left_out) == 6
    text = finished_run.format_summary(scores)
    assert "majority class" in text and "each predicted without its subject" in text
    assert "casme2-3 leaves out 6 clips" in text and "4 casme2-3 gives no label to casme2 others" in text


def test_a_synthetic_protocol_makes_a_synthetic_run(prepared, tmp_path):
    settings = json.loads((prepared / "prepare.json").read_text())
    for marked, protocol, synthetic in (
        (True, "casme2-3", True),
        (False, "casme2-3", False),
        (False, "synthetic-3", True),
    ):
        (prepared / "prepare.json").write_text(json.dumps(settings | {"synthetic": marked}))
        out = tmp_path / f"{marked}-{protocol}"
        scores = run.cross_validate_prepared(
            [prepared], CONFIG.model_copy(update={"protocol": protocol, "classifier": "majority"}), out
        )
        assert finished_run.open_run(out).metrics["synthetic"] is synthetic
        with_scores = [line for line in finished_run.format_summary(scores).splitlines() if " 0." in line]
        assert len(with_scores) == 3 and all(
            line.endswith(" (synthetic data)") is synthetic for line in with_scores
        )


def test_an_unfinished_run_is_not_opened(tmp_path):
    with pytest.raises(UnreadableFile, match="config.yaml"):
        finished_run.open_run(tmp_path)


def test_what_would_change_nothing_for_ready_made_maps_is_refused(tmp_path):
    (tmp_path / "index.csv").touch()
    command = [
        "cv",
        "--maps",
        str(tmp_path),
        "--index",
        str(tmp_path / "index.csv"),
        "--out",
        str(tmp_path / "run"),
    ]
    answer = CliRunner().invoke(cli, [*command, "--protocol", "casme2-3", "--method", "dis"])
    assert answer.exit_code == 2 and "--protocol, --method" in answer.output


def test_a_fold_without_two_labels_says_which_clips_the_protocol_left_out(prepared, tmp_path, monkeypatch):
    def poor(*_):
        raise cross_validation.OneLabel("Without casme2/sub01, only one label is left.")

    monkeypatch.setattr(run, "cross_validate", poor)
    outcome = (prepared / "outcome.csv").read_text()
    # A reason that ends itself.
    (prepared / "outcome.csv").write_text(outcome.replace("onset, frame 1", "there is no folder sub01."))
    with pytest.raises(
        cross_validation.OneLabel,
        match=r"casme2-3 .*6 of 16 clips.*casme2/sub01/c0: no face: [^.]*\.$",
    ):
        run.cross_validate_prepared([prepared], CONFIG, tmp_path / "run")


@pytest.mark.parametrize("classifier", ["ststnet", "rcn"])
def test_a_network_refuses_what_is_no_map(classifier, prepared, tmp_path):
    config = CONFIG.model_copy(
        update={"classifier": classifier, "feature": "roi_flow", "feature_settings": {}}
    )
    with pytest.raises(BadArray, match="flow_image"):
        run.cross_validate_prepared([prepared], config, tmp_path / "run")


def test_a_classifier_without_chance_is_said_to_have_none(prepared, tmp_path):
    scores = run.cross_validate_prepared([prepared], CONFIG, tmp_path / "run")
    assert "(the same with each of 2 seeds)" in finished_run.format_summary(scores)
    scores["sd"] = dict.fromkeys(scores["sd"], 1e-17)  # of three equal numbers, in floating point
    assert "(the same with each of 2 seeds)" in finished_run.format_summary(scores)
    varied = finished_run.format_summary(scores | {"sd": scores["sd"] | {"uf1": 0.0132}})
    assert "SD 0.013 over 2 seeds" in varied
