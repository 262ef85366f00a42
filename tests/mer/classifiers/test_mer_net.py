"""mer_net: levelled maps, the kernel's symmetry, the network's changes, and all folds at once against each fold alone."""

import numpy as np
import pytest
import torch

from mer.classifiers.mer_net import Classifier, augmentation, network
from mer.classifiers.mer_net.augmentation import Changes, changed
from mer.classifiers.mer_net.kernel import MirrorKernel
from mer.classifiers.mer_net.levelling import TAIL, levelled, mirrored
from mer.classifiers.mer_net.network import Training, turns
from mer_core.errors import BadInput

FAST = dict(random_state=1, networks=1, steps=6)
STILL = Changes(mirror=False, shift=0, zoom=0, rotation=0, amplitude=0)


def clips(per_subject=(2, 5, 9, 7), side=28):
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(len(per_subject)), per_subject)
    y = rng.integers(0, 3, len(subjects))
    X = rng.normal(0, 1, (len(y), 3, side, side)).astype(np.float32)
    for c in range(3):
        X[y == c, :, 9 * c : 9 * c + 9] += 2
    return X, y, [np.flatnonzero(subjects != s) for s in range(len(per_subject))]


def test_levelled_by_hand():
    x = np.full((1, 1, 28, 28), 5.0)
    x[0, 0, :2, :2] = 7  # one cell of 14 x 14 moves by 2; the root mean square is 2 sqrt(4 / 784) = 1 / 7
    maps = levelled(x)
    assert maps.shape == (1, 1, 14, 14) and maps.dtype == np.float32
    assert maps[0, 0, 0, 0] == pytest.approx(TAIL * np.tanh(14 / TAIL), abs=1e-6) and np.abs(
        maps
    ).sum() == pytest.approx(maps[0, 0, 0, 0])
    assert (levelled(np.full((2, 3, 28, 28), 9.0)) == 0).all()


def test_unit_and_zero_of_each_channel_do_not_matter():
    X, _, _ = clips()
    other = X * np.array([3, 0.1, 40])[:, None, None] + np.array([-1, 100, 0])[:, None, None]
    assert np.allclose(levelled(other), levelled(X), atol=1e-4)


def test_mirrored_by_hand():
    x = np.zeros((1, 3, 14, 14), np.float32)
    x[0, :, 4, 0] = 1, 2, 3
    there = mirrored(x)
    assert there[0, :, 4, 13].tolist() == [-1, 2, 3] and np.abs(there).sum() == 6
    assert np.array_equal(mirrored(there), x)


def test_a_mirror_negates_u_of_both_phases():
    x = np.random.default_rng(0).normal(size=(2, 6, 14, 14))
    assert np.array_equal(mirrored(x), np.concatenate([mirrored(x[:, :3]), mirrored(x[:, 3:])], 1))


def test_the_kernel_cannot_tell_a_face_from_its_mirror_image():
    X, y, _ = clips()
    maps = levelled(X)
    p, q = (MirrorKernel(3).fit(maps, y).predict_proba(some) for some in (maps, mirrored(maps)))
    assert np.allclose(p, q, atol=1e-9)
    plain = MirrorKernel(3, mirror=False).fit(maps, y)
    assert not np.allclose(plain.predict_proba(maps), plain.predict_proba(mirrored(maps)), atol=1e-3)


def test_the_kernel_is_ridge_regression_by_hand():
    """One channel, two clips one squared distance of 4 apart, whose mirror images differ: (K + 1) share = targets - 1/2."""
    maps = np.zeros((2, 1, 1, 2))
    maps[0, 0, 0] = 1, 1  # mirrored: -1, -1
    maps[1, 0, 0] = -1, 1  # mirrored: -1, 1, itself
    plain, back = np.array([[0, 4], [4, 0]]), np.array([[8, 4], [4, 0]])
    spread = (plain.mean() + back.mean()) / 2
    K = (np.exp(-plain / spread) + np.exp(-back / spread)) / 2
    share = np.linalg.solve(K + np.eye(2), [[0.5, -0.5], [-0.5, 0.5]])
    assert np.allclose(MirrorKernel(2).fit(maps, np.array([0, 1])).predict_proba(maps), 0.5 + K @ share)


def test_balanced_kernel_gives_a_rare_class_its_share():
    maps = np.zeros((10, 3, 14, 14), np.float32)  # nothing to tell the classes apart
    y = np.array([0] * 9 + [1])
    assert MirrorKernel(2).fit(maps, y).predict_proba(maps)[0].tolist() == pytest.approx([0.5, 0.5])
    assert MirrorKernel(2, balanced=False).fit(maps, y).predict_proba(maps)[0].tolist() == pytest.approx(
        [0.9, 0.1]
    )


def test_a_turned_face_has_turned_vectors():
    """A quarter turn clockwise: what moved right at the top moves down at the right."""
    maps = torch.zeros(1, 3, 14, 14)
    maps[0, 0, 0:2, 6:8] = 1
    draws = np.full((1, augmentation.DRAWS), 0.5)
    draws[0, 1] = 0.8413447  # one deviation
    turned = changed(maps, draws, Changes(mirror=False, shift=0, zoom=0, rotation=90, amplitude=0))
    assert turned[0, 1, 6:8, 12:14].mean() == pytest.approx(1, abs=1e-3)
    assert turned.abs().sum() == pytest.approx(4, abs=1e-2)


def test_changes_by_hand():
    maps = torch.from_numpy(levelled(clips()[0]))[:4]
    draws = np.full((4, augmentation.DRAWS), 0.5)
    assert torch.allclose(changed(maps, draws, STILL), maps, atol=1e-5)
    draws[:, 0] = 0.2
    assert np.allclose(
        changed(maps, draws, Changes(True, 0, 0, 0, 0)).numpy(), mirrored(maps.numpy()), atol=1e-5
    )
    draws[:, 0], draws[:, 4] = 0.9, 0.8413447
    moved = changed(maps, draws, Changes(True, shift=2, zoom=0, rotation=0, amplitude=0))
    assert torch.allclose(moved[..., :-2], maps[..., 2:], atol=1e-4) or torch.allclose(
        moved[..., 2:], maps[..., :-2], atol=1e-4
    )
    draws[:, 4], draws[:, 6] = 0.5, 0.8413447
    assert torch.allclose(
        changed(maps, draws, Changes(True, 0, 0, 0, amplitude=1))[:, 0], np.e * maps[:, 0], atol=1e-3
    )


def test_two_phases_change_alike():
    maps = torch.from_numpy(levelled(clips()[0]))[:4]
    draws = np.random.default_rng(0).random((4, augmentation.DRAWS))
    both = changed(torch.cat([maps, 2 * maps], 1), draws, Changes())
    assert torch.allclose(both[:, :3], changed(maps, draws, Changes())) and torch.allclose(
        both[:, 3:], 2 * both[:, :3], atol=1e-5
    )


def test_weights_of_one_phase_give_the_second_no_say():
    maps = torch.from_numpy(levelled(clips()[0]))
    one = network.first_weights(3, 3, 0)
    both = network.with_channels(one, 6)
    assert torch.allclose(
        network.logits(both, torch.cat([maps, maps.flip(3)], 1)), network.logits(one, maps), atol=1e-5
    )
    assert network.with_channels(one, 3)["first.weight"].equal(one["first.weight"])


@pytest.mark.parametrize(
    "settings",
    [{}, {"mixup": 0.0, "balanced": False}, {"networks": 2, "kernel": False, "average": 0.0}],
    ids=["default", "plain", "two"],
)
def test_each_fold_is_what_it_is_alone(settings, monkeypatch):
    monkeypatch.setattr(network, "BLOCK", 3)
    X, y, folds = clips()
    settings = {**FAST, **settings}
    together = dict(Classifier(**settings).fit_folds(X, y, folds))
    assert sorted(together) == list(range(len(folds)))
    for k, fold in enumerate(folds):
        alone = Classifier(**settings).fit(X[fold], y[fold], places=fold, total=len(y))
        assert np.allclose(together[k].predict_proba(X), alone.predict_proba(X), atol=2e-4)


def test_turns_keep_to_the_clips_that_are_there():
    how, kept = Training(steps=5, batch=4), np.array([0, 2, 3, 7, 8])
    whole, part = list(turns(1, how, np.arange(9), 9)), list(turns(1, how, kept, 9))
    assert len(whole) == len(part) == 5
    for (clip, partner, share, draws), (clip_, partner_, share_, draws_) in zip(whole, part):
        there = np.isin(clip, kept) & np.isin(partner, kept)
        assert (
            clip[there].tolist() == kept[clip_].tolist()
            and partner[there].tolist() == kept[partner_].tolist()
        )
        assert np.array_equal(share[there], share_) and np.array_equal(draws[:, there], draws_)


def test_the_network_is_light_and_learns():
    X, y, _ = clips((20, 20))
    fitted = Classifier(kernel=False, networks=1, steps=60).fit(X, y)
    assert sum(value.size for value in fitted.state()[0].values()) == 5955
    assert (fitted.predict_proba(X).argmax(1) == y).mean() > 0.9


def test_other_features_and_nothing_to_fit_are_refused():
    with pytest.raises(BadInput, match="flow_image"):
        Classifier().fit(np.zeros((4, 20)), np.zeros(4, int))
    with pytest.raises(BadInput, match="at least one network"):
        Classifier(kernel=False, networks=0).check_params()
