"""mer_net: its views, the kernel's symmetry and regression, few centres, and all folds at once against each
fold alone.
"""

import numpy as np
import pytest

from mer.classifiers.mer_net import Classifier, views
from mer.classifiers.mer_net.kernel import MirrorKernel
from mer.classifiers.mer_net.predictor import MIRRORS, Predictor
from mer.classifiers.mer_net.views import TAIL, deformation, levelled, mirrored, without_head_motion
from mer_core.errors import BadArray, BadSetting


def clips(per_subject=(2, 5, 9, 7), side=28):
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(len(per_subject)), per_subject)
    y = rng.integers(0, 3, len(subjects))
    X = rng.normal(0, 1, (len(y), 3, side, side)).astype(np.float32)
    for c in range(3):
        X[y == c, :, 9 * c : 9 * c + 9, 4:9] += 2
    return X, y, [np.flatnonzero(subjects != s) for s in range(len(per_subject))]


def test_levelled_by_hand():
    x = np.full((1, 1, 28, 28), 5.0)
    x[0, 0, :2, :2] = 7  # one cell of 14 x 14 moves by 2; the root mean square is 2 sqrt(4 / 784) = 1 / 7
    maps = levelled(x)
    assert maps.shape == (1, 1, 14, 14) and maps.dtype == np.float32
    assert maps[0, 0, 0, 0] == pytest.approx(TAIL * np.tanh(14 / TAIL), abs=1e-6)
    assert np.abs(maps).sum() == pytest.approx(maps[0, 0, 0, 0])
    assert (levelled(np.full((2, 3, 28, 28), 9.0)) == 0).all()


def test_unit_and_zero_of_each_channel_do_not_matter():
    X, y, _ = clips()
    other = X * np.array([3, 0.1, 40])[:, None, None] + np.array([-1, 100, 0])[:, None, None]
    fitted = Classifier().fit(X, y)
    assert np.allclose(fitted.predict_proba(other), fitted.predict_proba(X), atol=1e-3)


def test_motion_of_the_head_does_not_matter():
    X, y, _ = clips()
    rows, columns = np.mgrid[-1:1:28j, -1:1:28j]
    turned = X.copy()
    turned[:, 0] += 3 + 2 * columns - rows + 0.5 * columns**2
    turned[:, 1] += -1 + columns + 4 * rows + 0.5 * columns * rows
    fitted = Classifier().fit(X, y)
    assert np.allclose(fitted.predict_proba(turned), fitted.predict_proba(X), atol=1e-5)
    assert np.allclose(without_head_motion(turned)[:, 2], X[:, 2])
    left_in = Classifier(remove_head_motion=False).fit(X, y)
    assert not np.allclose(left_in.predict_proba(turned), left_in.predict_proba(X), atol=1e-2)


def test_deformation_of_a_stretch_by_hand():
    rows, columns = np.mgrid[:28, :28].astype(float)
    x = np.stack([3 * columns + rows, 2 * rows - columns, 0 * rows])[None]
    assert np.allclose(deformation(x)[0, :, 5:-5, 5:-5], np.array([3, 1, -1, 2])[:, None, None])


def test_mirrored_by_hand():
    x = np.zeros((1, 3, 14, 14), np.float32)
    x[0, :, 4, 0] = 1, 2, 3
    there = mirrored(x)
    assert there[0, :, 4, 13].tolist() == [-1, 2, 3] and np.abs(there).sum() == 6
    assert np.array_equal(mirrored(there), x)


def test_a_mirrored_face_has_mirrored_views():
    X, _, _ = clips()
    for make in (lambda maps: maps, without_head_motion):
        assert np.allclose(make(mirrored(X)), mirrored(make(X)), atol=1e-5)
    there = views.mirrored_deformation(deformation(X))
    assert np.allclose(deformation(mirrored(X)), there, atol=1e-5)


def test_a_face_and_its_mirror_image_get_the_same_probabilities():
    X, y, _ = clips()
    fitted = Classifier().fit(X, y)
    assert np.allclose(fitted.predict_proba(X), fitted.predict_proba(mirrored(X)), atol=1e-6)
    sided = Classifier(mirror=False).fit(X, y)
    assert not np.allclose(sided.predict_proba(X), sided.predict_proba(mirrored(X)), atol=1e-3)


def test_the_kernel_is_ridge_regression_by_hand():
    """One channel, two clips one squared distance of 4 apart, whose mirror images differ: (K + 1) c = targets
    - 1/2.
    """
    maps = np.zeros((2, 3, 1, 2))
    maps[0, 0, 0] = 1, 1  # mirrored: -1, -1
    maps[1, 0, 0] = -1, 1  # mirrored: -1, 1, itself
    plain, back = np.array([[0, 4], [4, 0]]), np.array([[8, 4], [4, 0]])
    spread = (plain.mean() + back.mean()) / 2
    K = (np.exp(-plain / spread) + np.exp(-back / spread)) / 2
    coefficients = np.linalg.solve(K + np.eye(2), [[0.5, -0.5], [-0.5, 0.5]])
    fitted = MirrorKernel(2, mirrors=MIRRORS).fit({"motion": maps}, np.array([0, 1]))
    assert np.allclose(fitted.predict_proba({"motion": maps}), 0.5 + K @ coefficients)


def test_every_clip_as_a_centre_is_the_whole_regression():
    X, y, _ = clips()
    seen = Classifier()._views(X)
    whole = MirrorKernel(3, mirrors=MIRRORS).fit(seen, y)
    chosen = MirrorKernel(3, mirrors=MIRRORS).fit(seen, y, centres=np.arange(len(y)))
    assert np.allclose(whole.predict_proba(seen), chosen.predict_proba(seen), atol=1e-6)


def test_few_centres_are_kept_and_still_learn():
    X, y, _ = clips((20, 20))
    fitted = Classifier(centres=12, ridge=0.1).fit(X, y)
    assert len(fitted.state()[0]["coefficients"]) == 12
    assert (fitted.predict(X) == y).mean() > 0.8


def test_balanced_kernel_gives_a_rare_class_its_share():
    X = np.zeros((10, 3, 14, 14), np.float32)  # nothing to tell the classes apart
    y = np.array([0] * 9 + [1])
    assert Classifier().fit(X, y).predict_proba(X)[0].tolist() == pytest.approx([0.5, 0.5])
    assert Classifier(balanced=False).fit(X, y).predict_proba(X)[0].tolist() == pytest.approx([0.9, 0.1])


@pytest.mark.parametrize("settings", [{}, {"centres": 8}, {"mirror": False, "deformation": False}])
def test_each_fold_is_what_it_is_alone(settings):
    X, y, folds = clips()
    together = dict(Classifier(**settings).fit_folds(X, y, folds))
    assert sorted(together) == list(range(len(folds)))
    for k, fold in enumerate(folds):
        alone = Classifier(classes=range(3), **settings).fit(X[fold], y[fold])
        assert np.allclose(together[k].predict_proba(X), alone.predict_proba(X), atol=1e-9)


def test_other_features_and_settings_without_meaning_are_refused():
    with pytest.raises(BadArray, match="flow_image"):
        Classifier().fit(np.zeros((4, 20)), np.zeros(4, int))
    with pytest.raises(BadArray):
        Classifier().fit(np.zeros((4, 2, 28, 28)), np.array([0, 1, 0, 1]))
    for settings in ({"ridge": 0.0}, {"width": -1.0}, {"centres": -1}):
        with pytest.raises(BadSetting, match=next(iter(settings))):
            Classifier(**settings).check_params()


def test_a_predictor_predicts_and_is_stored_as_the_classifier():
    X, y, _ = clips()
    fitted = Classifier(centres=9, balanced=False).fit(X, y)
    tensors, params = fitted.state()
    restored = Predictor.from_state(tensors, params)
    assert np.array_equal(restored.predict_proba(X), fitted.predict_proba(X))
    assert restored.state()[1] == params and restored.state()[0].keys() == tensors.keys()
    with pytest.raises(BadArray):
        restored.predict_proba(X[:, :2])
