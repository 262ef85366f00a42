"""Folds of a cross-validation and clips of a folder on a Dask cluster, with a worker killed in the middle."""

import os
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mer.evaluation import cross_validation
from mer.evaluation.config import CvConfig
from mer.inference import batch
from mer_core.errors import Incompatible
from mer_core.parallel import Workers
from tests.killed_worker import local_cluster, worker_killed_once
from tests.mer.inference.conftest import smile_frames, smile_video, unlimited

__all__ = ["smile_frames", "smile_video", "unlimited"]  # fixtures


@pytest.fixture(scope="module")
def cluster():
    with local_cluster() as cluster:
        yield cluster


class Noting(LogisticRegression):
    """Notes each fit as a file, and takes its time."""

    def __init__(self, notes: str = "", C: float = 1.0):
        super().__init__(C=C)
        self.notes = notes

    def fit(self, X, y):
        time.sleep(0.2)
        super().fit(X.reshape(len(X), -1), y)
        (Path(self.notes) / f"{os.getpid()}-{time.time_ns()}").touch()
        return self

    def predict_proba(self, X):
        return super().predict_proba(X.reshape(len(X), -1))


def test_no_fold_is_lost_and_only_those_under_way_are_fitted_again(small, cluster, tmp_path):
    for name in ("alone", "shared"):
        (tmp_path / name).mkdir()
    config = CvConfig(classifier=Noting(str(tmp_path / "alone")), seeds=3)
    alone = cross_validation.cross_validate(*small, config, tmp_path / "run-alone")
    notes = tmp_path / "shared"
    config = CvConfig(classifier=Noting(str(notes)), seeds=3)
    workers = Workers(scheduler=cluster.scheduler_address)
    with worker_killed_once(cluster, lambda: list(notes.iterdir())):
        shared = cross_validation.cross_validate(*small, config, tmp_path / "run-shared", workers=workers)
    assert alone.equals(shared)
    n_folds = len(list((tmp_path / "alone").iterdir()))
    assert n_folds <= len(list(notes.iterdir())) <= n_folds + 1


@pytest.mark.skipif(not os.environ.get("MER_TEST_CLUSTER"), reason="half a minute: set MER_TEST_CLUSTER=1")
def test_no_clip_is_lost_and_each_is_scored_as_alone(cluster, smile_video, unlimited, tmp_path):
    clips, out = tmp_path / "clips", tmp_path / "results.csv"
    clips.mkdir()
    for i in range(3):
        shutil.copy(smile_video, clips / f"{i}.mp4")
    (clips / "broken.mp4").write_text("no video")

    def finished():
        return [out] if out.is_file() and len(pd.read_csv(out)) > 1 else []

    with worker_killed_once(cluster, finished):
        table = batch.score_all(clips, out, unlimited, scheduler=cluster.scheduler_address)
    rows = table.set_index("clip")
    assert list(rows["outcome"]) == ["ok"] * 3 + ["failed"]
    alone = batch.score_row("0.mp4", clips / "0.mp4", batch.ScoreJob(unlimited))
    assert rows.loc["2.mp4", "label"] == alone["label"] and rows.loc["2.mp4", "apex"] == alone["apex"]


def test_a_worker_with_another_bundle_is_refused(smile_video, unlimited):
    item = ("a.mp4", smile_video)
    with pytest.raises(Incompatible):
        batch._score_item(item, batch.ScoreJob(unlimited), "other")
