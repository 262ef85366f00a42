"""Maps of scanned expressions: reproducible, labelled by what moved.

And what the bundle that ships makes of others.
"""

import numpy as np
import pytest

from benchmarks.default_bundle import EMOTIONS, LABELS, three_classes
from benchmarks.scanned_maps import FREQUENCY, RECIPES, degrade, draw_motion, make_maps, person_basis
from flow.splatting.head_model import load_head_model
from mer import bundle
from mer.evaluation import metrics


@pytest.fixture(scope="module")
def model(shared_data):
    return load_head_model(shared_data / "ict_facekit" / "ict_light.npz")


def test_frequencies_of_labels_and_recipes_are_whole():
    assert sum(FREQUENCY.values()) == pytest.approx(1)
    assert all(sum(often for often, _ in recipes) == pytest.approx(1) for recipes in RECIPES.values())


def test_the_same_seed_gives_the_same_maps(model):
    X, labels = make_maps(model, 25, seed=3)
    again, _ = make_maps(model, 21, seed=3)
    assert X.shape == (25, 3, 28, 28) and X.dtype == np.float32 and np.isfinite(X).all()
    assert np.array_equal(X[:21], again) and set(labels) <= set(LABELS)


def test_a_surprised_brow_goes_up_and_a_smile_spreads_the_cheeks(model):
    rng = np.random.default_rng(0)
    basis = person_basis(model, rng)
    surprise, smile = (
        np.median([draw_motion(model, basis, label, rng) for _ in range(40)], axis=0)
        for label in ("surprise", "positive")
    )
    brows, cheeks = slice(14, 20), slice(36, 44)
    assert surprise[1, brows].mean() < 3 * surprise[1, cheeks].mean() and surprise[1, brows].mean() < 0
    assert smile[0, cheeks, 30:46].mean() - smile[0, cheeks, 10:26].mean() > 0.1


def test_spoiled_still_shows_what_moved():
    flow = np.zeros((2, 56, 56))
    flow[:, 20:36, 20:36] = 1
    kept = [
        np.corrcoef(flow.ravel(), degrade(flow, np.random.default_rng(seed)).ravel())[0, 1]
        for seed in range(9)
    ]
    assert min(kept) > 0.15 and max(kept) < 0.999


def test_the_bundle_names_people_it_has_not_seen(model):
    X, labels = make_maps(model, 60, seed=99)
    shown = np.isin(labels, EMOTIONS)
    best = np.array(EMOTIONS)[three_classes(bundle.load().predict_proba(X[shown])).argmax(1)]
    assert metrics.compute_scores(metrics.confusion_matrix(labels[shown], best, EMOTIONS))["uf1"] > 0.7
