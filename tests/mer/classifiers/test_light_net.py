"""light_net: the changes of its maps, and all folds at once against each fold alone."""

import numpy as np
import pytest
import torch

from mer.classifiers.light_net import Classifier, augmentation, network
from mer.classifiers.light_net.augmentation import Changes, augment
from mer.classifiers.light_net.network import Training, batches
from mer.classifiers.mer_net.views import levelled, mirrored
from tests.mer.classifiers.test_mer_net import clips

STILL = Changes(mirror=False, shift=0, zoom=0, rotation=0, amplitude=0)


def test_a_turned_face_has_turned_vectors():
    """A quarter turn clockwise: what moved right at the top moves down at the right."""
    maps = torch.zeros(1, 3, 14, 14)
    maps[0, 0, 0:2, 6:8] = 1
    draws = np.full((1, augmentation.DRAWS), 0.5)
    draws[0, 1] = 0.8413447  # one deviation
    turned = augment(maps, draws, Changes(mirror=False, shift=0, zoom=0, rotation=90, amplitude=0))
    assert turned[0, 1, 6:8, 12:14].mean() == pytest.approx(1, abs=1e-3)
    assert turned.abs().sum() == pytest.approx(4, abs=1e-2)


def test_changes_by_hand():
    maps = torch.from_numpy(levelled(clips()[0]))[:4]
    draws = np.full((4, augmentation.DRAWS), 0.5)
    assert torch.allclose(augment(maps, draws, STILL), maps, atol=1e-5)
    draws[:, 0] = 0.2
    assert np.allclose(
        augment(maps, draws, Changes(True, 0, 0, 0, 0)).numpy(), mirrored(maps.numpy()), atol=1e-5
    )
    draws[:, 0], draws[:, 4] = 0.9, 0.8413447
    moved = augment(maps, draws, Changes(True, shift=2, zoom=0, rotation=0, amplitude=0))
    assert torch.allclose(moved[..., :-2], maps[..., 2:], atol=1e-4) or torch.allclose(
        moved[..., 2:], maps[..., :-2], atol=1e-4
    )
    draws[:, 4], draws[:, 6] = 0.5, 0.8413447
    assert torch.allclose(
        augment(maps, draws, Changes(True, 0, 0, 0, amplitude=1))[:, 0], np.e * maps[:, 0], atol=1e-3
    )


def test_turns_keep_to_the_clips_that_are_there():
    how, kept = Training(n_classes=3, seed=1, steps=5, batch=4), np.array([0, 2, 3, 7, 8])
    whole, part = list(batches(how, np.arange(9), 9)), list(batches(how, kept, 9))
    assert len(whole) == len(part) == 5
    for (clip, partner, share, draws), (clip_, partner_, share_, draws_) in zip(whole, part):
        there = np.isin(clip, kept) & np.isin(partner, kept)
        assert (
            clip[there].tolist() == kept[clip_].tolist()
            and partner[there].tolist() == kept[partner_].tolist()
        )
        assert np.array_equal(share[there], share_) and np.array_equal(draws[:, there], draws_)


@pytest.mark.parametrize("settings", [{}, {"mixup": 0.0, "balanced": False}], ids=["default", "plain"])
def test_each_fold_is_what_it_is_alone(settings, monkeypatch):
    monkeypatch.setattr(network, "BLOCK", 3)
    X, y, folds = clips()
    settings = {"steps": 6, "random_state": 1, "classes": [0, 1, 2], **settings}
    together = dict(Classifier(**settings).fit_folds(X, y, folds))
    assert sorted(together) == list(range(len(folds)))
    for k, fold in enumerate(folds):
        alone = Classifier(**settings).fit(X[fold], y[fold], places=fold, total=len(y))
        assert np.allclose(together[k].predict_proba(X), alone.predict_proba(X), atol=2e-4)


def test_the_network_is_light_and_learns():
    X, y, _ = clips((20, 20))
    fitted = Classifier(steps=60).fit(X, y)
    assert sum(value.size for value in fitted.state()[0].values()) == 5955
    assert (fitted.predict_proba(X).argmax(1) == y).mean() > 0.9
