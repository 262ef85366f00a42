"""What every classifier of the folder must do: learn, keep its contract, come back from its state to the last
bit.
"""

import json

import numpy as np
import pytest
from safetensors.numpy import load, save

from mer.evaluation.config import CvConfig
from mer.evaluation.estimators import resolve_classifier
from mer_core import registry
from mer_core.errors import BadSetting

NAMES = registry.list_names("mer.classifiers")
FAST = {
    "ststnet": {"epochs": 15},
    "light_net": {"steps": 40},
    "off_apexnet": {"epochs": 15},
    "rcn": {"epochs": 25, "batch_size": 12},
    "htnet": {"epochs": 20},
    "timm": {"backbone": "test_resnet", "size": 32, "epochs": 20, "learning_rate": 3e-3},
}


def make(name, seed=0, **settings):
    config = CvConfig(classifier=name, classifier_settings={**FAST.get(name, {}), **settings})
    return resolve_classifier(config, 3).new(seed)


@pytest.fixture
def data(small):
    table, X = small
    return X, table["label"].map({"negative": 0, "positive": 1, "surprise": 2}).to_numpy()


@pytest.mark.parametrize("name", NAMES)
def test_probabilities(name, data):
    p = make(name).fit(*data).predict_proba(data[0][:5])
    assert p.shape == (5, 3) and p.dtype == np.float64
    assert np.allclose(p.sum(1), 1) and (p >= 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_state_comes_back_to_the_last_bit(name, data):
    X, y = data
    fitted = make(name, seed=3).fit(X, y)
    tensors, settings = fitted.state()
    tensors, settings = load(save(tensors)), json.loads(json.dumps(settings))
    again = type(fitted).from_state(tensors, settings)
    assert np.array_equal(again.predict_proba(X), fitted.predict_proba(X))
    assert again.state()[1] == settings


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_fits_the_same_and_leaves_random_numbers_alone(name, data):
    import torch

    before = torch.random.get_rng_state()
    one, two = (make(name, seed=1).fit(*data).predict_proba(data[0]) for _ in range(2))
    assert np.array_equal(one, two)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("name", NAMES)
def test_a_clip_does_not_depend_on_its_neighbours(name, data):
    fitted = make(name).fit(*data)
    assert np.allclose(fitted.predict_proba(data[0])[7], fitted.predict_proba(data[0][7:8])[0], atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_class_without_training_clips_is_allowed(name, data):
    X, y = data
    p = make(name).fit(X[y != 1], y[y != 1]).predict_proba(X)
    assert np.isfinite(p).all()
    if name != "majority":
        assert (p.argmax(1) == y)[y != 1].mean() > 0.8


@pytest.mark.parametrize("name", [n for n in NAMES if n != "majority"])
def test_it_learns_and_the_unit_of_the_features_does_not_matter(name, data):
    X, y = data
    fitted = make(name).fit(X, y)
    assert (fitted.predict_proba(X).argmax(1) == y).mean() > 0.9
    assert np.allclose(
        make(name).fit(1000 * X, y).predict_proba(1000 * X), fitted.predict_proba(X), atol=1e-3
    )


def test_majority_by_hand():
    fitted = make("majority").fit(np.zeros((5, 2)), np.array([2, 2, 2, 0, 1]))
    assert fitted.predict_proba(np.zeros((2, 2))).tolist() == [[0.2, 0.2, 0.6]] * 2


def test_logistic_is_scikit_learns(data):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = data
    X = X.reshape(len(X), -1).astype(np.float64)
    for keep in (y < 3, y != 1, (y != 2) | (np.arange(len(y)) < 6)):  # all classes; two; one that is rare
        reference = make_pipeline(
            StandardScaler(), LogisticRegression(C=1e-3, class_weight="balanced", max_iter=1000)
        ).fit(X[keep], y[keep])
        mine = make("logistic").fit(X[keep], y[keep]).predict_proba(X)[:, sorted(set(y[keep]))]
        assert np.allclose(mine, reference.predict_proba(X), atol=1e-6)


def test_ststnet_is_the_published_function():
    """Three streams written out as published, with the weights of the one convolution they were joined to."""
    import torch
    from torch.nn import functional as F

    from mer.classifiers.ststnet import STREAMS, Net

    torch.manual_seed(0)
    net, x = Net(3, 28, 28, 3), torch.randn(2, 3, 28, 28)
    assert net.head.in_features == 400 and sum(p.numel() for p in net.parameters()) == 1651
    streams = zip(net.streams.weight.split(STREAMS), net.streams.bias.split(STREAMS))
    pooled = [
        F.max_pool2d(F.relu(F.conv2d(x, weight, bias, padding=1)), 3, 3, padding=1)
        for weight, bias in streams
    ]
    published = F.linear(F.avg_pool2d(torch.cat(pooled, 1), 2, 2).flatten(1), net.head.weight, net.head.bias)
    assert torch.allclose(net(x), published, atol=1e-6)


def test_ststnet_balances_the_classes(data):
    X, y = data
    rare = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:1]])
    blind = np.zeros_like(X[rare])  # nothing to tell the classes apart: only their weights speak
    p = {
        balanced: make("ststnet", balanced=balanced, learning_rate=0.1)
        .fit(blind, y[rare])
        .predict_proba(blind[:1])[0]
        for balanced in (True, False)
    }
    assert p[True][:2] == pytest.approx([0.5, 0.5], abs=0.1)
    assert p[False][0] > 0.75


@pytest.mark.parametrize("text, value", [("1e-2", 0.01), (0.01, 0.01), ("0.01", 0.01)])
def test_settings_take_their_type(text, value):
    classifier = resolve_classifier(
        CvConfig(classifier="ststnet", classifier_settings={"learning_rate": text}), 3
    )
    assert classifier.prototype.learning_rate == value


def test_wrong_settings_are_all_named():
    with pytest.raises(BadSetting, match="(?s)logistic.*epochs.*C.*strong"):
        resolve_classifier(
            CvConfig(classifier="logistic", classifier_settings={"epochs": 3, "C": "strong"}), 3
        )


def test_linear_svm_is_scikit_learns(data):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    X, y = data
    X = X.reshape(len(X), -1).astype(np.float64)
    for keep in (y < 3, y != 1):  # all classes; two
        reference = make_pipeline(
            StandardScaler(), LinearSVC(C=1e-3, class_weight="balanced", random_state=0)
        ).fit(X[keep], y[keep])
        assert np.array_equal(
            make("linear_svm").fit(X[keep], y[keep]).predict_proba(X).argmax(1), reference.predict(X)
        )
