"""All folds of STSTNet at once against each fold alone: the same classifier, to rounding."""

import numpy as np
import pandas as pd
import pytest

from mer.classifiers.ststnet import Classifier, epoch_orders
from mer.classifiers.ststnet import folds as _ststnet_folds
from mer.evaluation import cross_validation
from mer.evaluation.config import CvConfig

SETTINGS = dict(random_state=3, epochs=4, learning_rate=1e-2)


def clips(side=28, per_subject=(2, 5, 9, 7, 7), channels=3):
    """Maps whose mean is far from 0, with an even area in each so that maxima tie, labels and one fold per
    subject.
    """
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(len(per_subject)), per_subject)
    y = rng.integers(0, 3, len(subjects))
    X = rng.normal(5, 2, (len(y), channels, side, side)).astype(np.float32)
    X[:, :, 10:20, :10] = y[:, None, None, None]
    return X, y, [np.flatnonzero(subjects != s) for s in range(len(per_subject))]


@pytest.mark.parametrize(
    "batch_size", [256, 11, 24]
)  # one batch; several; 24: one for some folds and two for others
@pytest.mark.parametrize("side", [28, 12])  # 12: the last row and column are in no window of the max-pooling
@pytest.mark.parametrize(
    "balanced, channels", [(True, 3), (False, 3), (True, 2)]
)  # 2: in torch, not in the kernel
def test_each_fold_is_what_it_is_alone(batch_size, side, balanced, channels, monkeypatch):
    monkeypatch.setattr(_ststnet_folds, "BLOCK", 3)
    monkeypatch.setitem(_ststnet_folds.MAX_AT_ONCE, "cpu", 12)
    X, y, folds = clips(side, channels=channels)
    settings = dict(SETTINGS, batch_size=batch_size, balanced=balanced)
    together = dict(Classifier(**settings).fit_folds(X, y, folds))
    assert sorted(together) == list(range(len(folds)))
    for k, fold in enumerate(folds):
        alone = Classifier(**settings).fit(X[fold], y[fold], positions=fold)
        assert np.array_equal(together[k].mean_, alone.mean_) and np.array_equal(
            together[k].scale_, alone.scale_
        )
        assert np.allclose(together[k].predict_proba(X), alone.predict_proba(X), atol=2e-4)
        far = [
            (together[k].net_.state_dict()[name] - value).abs() > 1e-5
            for name, value in alone.net_.state_dict().items()
        ]
        # Positions of a window may tie but for rounding, and Adam makes a whole step of a gradient that is
        # zero but for it.
        assert sum(where.sum() for where in far) <= sum(where.numel() for where in far) / 16


def test_leaving_clips_out_keeps_the_order_of_the_others():
    kept = np.array([0, 2, 3, 7, 8])
    for whole, part in zip(epoch_orders(1, 3, np.arange(9)), epoch_orders(1, 3, kept)):
        assert [p for p in whole if p in kept] == kept[part].tolist()
    first, second = epoch_orders(1, 2, np.arange(9))
    assert first.tolist() != second.tolist()


def test_a_block_is_saved_before_the_next_one_starts_and_a_stopped_run_ends_the_same(
    small, tmp_path, monkeypatch
):
    monkeypatch.setattr(_ststnet_folds, "BLOCK", 2)
    config = CvConfig(classifier="ststnet", classifier_settings={"epochs": 3}, seeds=2)
    whole = cross_validation.cross_validate(*small, config, tmp_path / "whole")
    train_block, calls = _ststnet_folds.JointTraining._train_block, []

    def stops_at_the_fourth(*args):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return train_block(*args)

    monkeypatch.setattr(_ststnet_folds.JointTraining, "_train_block", stops_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        cross_validation.cross_validate(*small, config, tmp_path / "run")
    assert len(list((tmp_path / "run").rglob("*.csv"))) == 6  # seed 0 whole, and the first block of seed 1
    resumed = cross_validation.cross_validate(*small, config, tmp_path / "run")
    assert len(calls) == 4 + 2  # seed 1 once more, seed 0 not at all
    pd.testing.assert_frame_equal(resumed, whole, check_exact=True)
