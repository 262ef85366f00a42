"""Making the bundle that ships: its limits come from the right people, and its card says every score."""

import numpy as np
import pytest

from benchmarks import bundle_card, default_bundle
from benchmarks.default_bundle import Recorded
from benchmarks.measured_clips import Clips


class Sure:
    """Gives the label that the first value of a map is the position of, with .9."""

    def predict_proba(self, X):
        p = np.full((len(X), 4), 0.1 / 3)
        p[np.arange(len(X)), X[:, 0, 0, 0].astype(int)] = 0.9
        return p

    def state(self):
        return {}, {}


def clips(*rows):
    """Clips of (shown, motion, position of the label that is read)."""
    shown, moved, read = zip(*rows)
    X = np.tile(np.array(read, np.float32)[:, None, None, None], (1, 3, 28, 28))
    return Clips(np.arange(len(rows)), np.array(shown), np.array(moved, float), X)


FITTED_ON = clips(("negative", 1.0, 0), ("negative", 1.0, 0), ("other", 1.0, 3))
STRANGERS = clips(("negative", 1.0, 0), ("positive", 2.0, 2), ("surprise", 9.0, 0))


def test_limits_come_from_rest_and_from_small_motion():
    setting = clips(*[("rest", value, 3) for value in np.linspace(0, 0.2, 21)])
    small = clips(
        ("negative", 0.3, 0), ("positive", 1.0, 1), ("surprise", 2.5, 0), ("rest", 0.1, 0), ("other", 2.6, 1)
    )
    large = clips(("positive", 4.0, 1), ("laugh", 5.0, 1), ("yawn", 5.0, 0), ("negative", 9.0, 0))
    recorded = Recorded(FITTED_ON, FITTED_ON, setting, small, large, STRANGERS)
    fitted = default_bundle.unvalidated(Sure(), recorded)
    found = default_bundle.score_recorded(fitted, recorded)
    assert fitted.recipe.min_motion == pytest.approx(0.19)
    assert fitted.recipe.validated_ranges[bundle_card.MOTION] == (0.3, 2.5)
    assert fitted.recipe.clips_per_label == {"negative": 4, "positive": 0, "surprise": 0, "other": 2}
    assert fitted.recipe.n_subjects == 6
    on_small, on_large, on_strangers = (found[name] for name in ("small", "large", "strangers"))
    assert on_small["clips"] == 3 and on_small["right of given"] == pytest.approx(2 / 3)
    assert (on_small["rest without label"], on_small["other without label"]) == (1, 1)
    assert on_large["clips"] == 1 and on_large["laugh wrong"] == 0 and on_large["yawn wrong"] == 1
    assert on_strangers["clips"] == 2 and on_strangers["right of given"] == 0.5


def test_the_card_names_the_flow_weights_and_every_score():
    emotions = list(enumerate(default_bundle.EMOTIONS))
    small = clips(*[(label, 1.0, k) for k, label in emotions], ("rest", 0, 3), ("other", 1, 3))
    large = clips(*[(label, 4.0, k) for k, label in emotions], ("laugh", 5, 1))
    recorded = Recorded(FITTED_ON, FITTED_ON, clips(("rest", 0.1, 3)), small, large, STRANGERS)
    fitted = default_bundle.unvalidated(Sure(), recorded)
    found = default_bundle.score_recorded(fitted, recorded)
    real = {
        "people": 34,
        "clips": 238,
        "uf1": 0.7,
        "calibration error": 0.1,
        "smiles": 64,
        "smiles found": 49,
    }
    found["real"] = real | {"given": 0.5, "right of given": 0.9}
    text = bundle_card.card(fitted.recipe, "abcd1234", 3, found)
    assert text.count("abcd1234") == 3 and "49 of" in text and "1 of 1 laughs" in text
    assert "| 238 | 0.700 | 0.100 | 50% | 90% |" in text
