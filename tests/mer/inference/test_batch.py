"""A folder of clips becomes a table: a row each, a reason where one failed, and nothing done twice."""

import os
import shutil
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression

from data_prep.frames import write_image
from mer import bundle
from mer.cli import main
from mer.evaluation.estimators import FittedForeign
from mer.inference import batch, models
from mer_core import parallel, progress
from mer_core.errors import InUse, OccupiedOutput
from mer_core.locks import hold_lock
from tests.mer.inference.stand_ins import run_here, run_nothing
from tests.mer.inference.video_files import APEX


@pytest.fixture
def folder(tmp_path, smile_video, smile_frames):
    root = tmp_path / "clips"
    (root / "b" / "frames").mkdir(parents=True)
    shutil.copy(smile_video, root / "a.mp4")
    for i, image in enumerate(smile_frames[:1]):
        write_image(root / "b" / "frames" / f"{i}.png", image)
    (root / "notes.txt").write_text("not a clip")
    (root / "c.mp4").write_text("not a video")
    return root


def test_a_row_for_each_clip_and_a_reason_for_each_failure(folder, unlimited, tmp_path, monkeypatch):
    out = tmp_path / "results.csv"
    words = ["score", str(folder), "--out", str(out), "--jobs", "1", "--bundle", str(unlimited)]
    answer = CliRunner().invoke(main.cli, words)
    assert answer.exit_code == 0, answer.output
    rows = pd.read_csv(out, keep_default_na=False).set_index("clip")
    assert list(rows.index) == ["a.mp4", "b/frames", "c.mp4"]
    assert list(rows["outcome"]) == ["ok", "failed", "failed"]
    assert rows.loc["a.mp4", "label"] == "positive" and abs(int(float(rows.loc["a.mp4", "apex"])) - APEX) <= 2
    assert list(rows["reason_code"]) == ["", "nothing-to-score", "unreadable-video"]

    kept, todo = shutil.copy(out, tmp_path / "kept.csv"), []
    monkeypatch.setattr(parallel, "map_items", run_nothing(todo))
    batch.score_all(folder, out, unlimited, jobs=1)
    assert todo == ["b/frames", "c.mp4"]  # what failed is tried again, what was scored is not

    recipe = bundle.load().recipe
    now = models.get_method(recipe.method, recipe.method_options)
    for weights, options in ((now.weights, {"face": 2}), (now.weights, {"fps": 200.0}), ("f00d" * 4, {})):
        monkeypatch.setattr(models, "get_method", lambda *_, weights=weights: replace(now, weights=weights))
        todo.clear()
        batch.score_all(folder, shutil.copy(kept, tmp_path / "again.csv"), unlimited, jobs=1, **options)
        assert todo == ["a.mp4", "b/frames", "c.mp4"]  # what would be scored otherwise now is

    monkeypatch.setattr(models, "get_method", lambda *_: now)
    for name, value in (("__version__", "1000.0"), ("describe_model", lambda: "another release")):
        with monkeypatch.context() as patch:
            patch.setattr(batch, name, value)
            todo.clear()
            batch.score_all(folder, shutil.copy(kept, tmp_path / "again.csv"), unlimited, jobs=1)
            assert todo == ["a.mp4", "b/frames", "c.mp4"]


def test_a_bundle_of_a_scikit_learn_classifier_scores_a_folder(tmp_path, monkeypatch):
    todo = []
    monkeypatch.setattr(parallel, "map_items", run_nothing(todo))
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.mp4").touch()
    shipped = bundle.load().recipe
    recipe = shipped.model_copy(update={"stored_as": "skops", "classifier_settings": [{}]})
    X, y = np.random.default_rng(0).normal(size=(8, 3 * 28 * 28)), np.arange(8) % 4
    classifier = FittedForeign(LogisticRegression().fit(X, y), 4)
    bundle.save(bundle.Bundle(recipe, [classifier]), tmp_path / "bundle")
    batch.score_all(tmp_path / "clips", tmp_path / "results.csv", tmp_path / "bundle")
    assert todo == ["a.mp4"]


def test_files_that_are_not_clips_are_counted(tmp_path, monkeypatch, capsys):
    progress.set_verbosity()
    monkeypatch.setattr(parallel, "map_items", run_nothing([]))
    (tmp_path / "frames").mkdir()
    for name in ("a.mp4", "notes.txt", "a.mp3", "frames/1.png", "frames/Thumbs.db", ".hidden"):
        (tmp_path / name).touch()
    batch.score_all(tmp_path, tmp_path / "results.csv")
    said = capsys.readouterr().err
    assert all(
        kind in said
        for kind in ("1 .txt (notes.txt)", "1 .mp3 (a.mp3)", "1 system (Thumbs.db)", "1 hidden (.hidden)")
    )


def test_odd_names_are_rows_with_their_reasons_and_can_be_written(tmp_path, monkeypatch):
    progress.set_verbosity(quiet=True)  # as `_score_item` leaves it
    monkeypatch.setattr(parallel, "map_items", run_here)
    root = tmp_path / "clips"
    (root / "folder.mp4").mkdir(parents=True)  # holds nothing, so it is no clip
    (root / "NA").mkdir()
    (root / "NA" / "1.jpg").write_text("no image")
    (root / "link.mp4").symlink_to(tmp_path / "nowhere")
    for name in ("001.MP4", "gr\u00f6\u00dfe \U0001f600.mp4", 'a, "b"\nc.mp4'):
        (root / name).touch()
    expected = {
        "001.MP4": "unreadable-video",
        "gr\u00f6\u00dfe \U0001f600.mp4": "unreadable-video",
        'a, "b"\nc.mp4': "unreadable-video",
        "NA": "unreadable-image",
        "link.mp4": "not-found",
    }
    if (
        os.fsencode("\udce9") == b"\xe9" and sys.platform == "linux"
    ):  # a name that is no text, as old archives leave them
        (root / "latin\udce9.mp4").touch()
        expected["latin\\xe9.mp4"] = "unreadable-video"
    batch.score_all(root, tmp_path / "results.csv")
    rows = pd.read_csv(tmp_path / "results.csv", keep_default_na=False, dtype=str).set_index("clip")
    assert set(rows.index) == set(expected) and set(rows["outcome"]) == {"failed"}
    assert dict(rows["reason_code"]) == expected
    with pytest.raises(OccupiedOutput):
        batch.score_all(root, root)
    batch.score_all(root / "001.MP4", tmp_path / "one.csv")
    assert list(pd.read_csv(tmp_path / "one.csv")["clip"]) == ["001.MP4"]


def test_a_folder_of_clips_needs_a_table(folder):
    answer = CliRunner().invoke(main.cli, ["score", str(folder)])
    assert (
        answer.exit_code == 2
        and "a folder of 3 clips" in answer.output
        and "--out results.csv" in answer.output
    )


@pytest.fixture
def by_content(monkeypatch):
    """Scores of nothing: each row tells the bytes of its clip, and which clips were scored is listed."""
    scored = []

    def score_row(name, clip, *_):
        scored.append(name)
        return {
            "clip": name,
            "outcome": "ok",
            "reason": clip.read_text(),
            "pipeline_id": "same",
            "bundle": "b",
        }

    monkeypatch.setattr(parallel, "map_items", run_here)
    monkeypatch.setattr(batch, "_identify_pipeline", lambda *_: "same")
    monkeypatch.setattr(batch, "score_row", score_row)
    return scored


def test_rows_are_kept_by_content_and_those_of_other_folders_stay(tmp_path, by_content):
    for day in ("day1", "day2"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "clip001.mp4").write_text(day)
    (tmp_path / "day1" / "only.mp4").write_text("only on day 1")
    out = tmp_path / "results.csv"
    batch.score_all(tmp_path / "day1", out)
    table = batch.score_all(tmp_path / "day2", out)
    assert list(table["reason"]) == ["day2"]
    written = pd.read_csv(out)
    assert list(written["reason"]) == ["day1", "only on day 1", "day2"]
    assert [folder.rsplit("/", 1)[1] for folder in written["folder"]] == ["day1", "day1", "day2"]

    by_content.clear()
    batch.score_all(tmp_path / "day1", out)
    assert by_content == []  # all as it was
    (tmp_path / "day1" / "clip001.mp4").write_text("corrected")
    (tmp_path / "day1" / "only.mp4").unlink()
    batch.score_all(tmp_path / "day1", out)
    assert by_content == ["clip001.mp4"]
    assert sorted(pd.read_csv(out)["reason"]) == ["corrected", "day2", "only on day 1"]


def test_a_second_batch_into_the_same_table_is_refused(tmp_path, by_content):
    (tmp_path / "a.mp4").write_text("a")
    out = tmp_path / "results.csv"
    with hold_lock(tmp_path, ".results.csv.lock"), pytest.raises(InUse):
        batch.score_all(tmp_path, out)
    batch.score_all(tmp_path, out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "results.csv"]
