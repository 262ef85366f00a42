"""What the tests of leaks share: a small experiment, the project's pipeline on it, and ways of looking for a
leak.

From outside, at any pipeline (`leaks`): change everything about a subject that its predictions must not
depend on, and compare them to the last bit. From inside, at any classifier (`leaks_inside`): compare what
each fold was given and what it fitted. At a feature (`remembers`): what is made of a clip must not depend on
the clips before it.
"""

import inspect
import json
from typing import get_args

import numpy as np
import pandas as pd

from mer.evaluation import cross_validation, splits
from mer.evaluation.config import CvConfig
from mer_core import registry

LABELS = ["negative", "positive", "surprise"]
CLASSIFIERS = registry.list_names("mer.classifiers")
FEATURES = registry.list_names("mer.features")
CALIBRATIONS = get_args(CvConfig.model_fields["calibration"].annotation)
FAST = {
    "ststnet": {"epochs": 4, "learning_rate": 1e-2},
    "light_net": {"steps": 6},
    "off_apexnet": {"epochs": 5},
    "rcn": {"epochs": 8, "batch_size": 32},
    "htnet": {"epochs": 6},
    "timm": {"backbone": "test_resnet", "size": 24, "epochs": 4, "learning_rate": 5e-3},
}


def experiment(subjects=4, clips=5, signal=0.35, seed=0):
    """Table and maps in which each label moves its own third of the face a little: learnable, but not without
    mistakes.

    Nobody shows every label equally often, so that `changed` changes how many clips of each there are, too.
    """
    rng = np.random.default_rng(seed)
    rows, maps = [], []
    for s in range(subjects):
        for i in range(clips):
            x = rng.normal(0, 1, (3, 12, 12)).astype(np.float32)
            x[:, 4 * (i % 3) : 4 * (i % 3) + 4] += signal
            rows.append(
                {
                    "clip_id": f"d/{s}/{i}",
                    "dataset": "d",
                    "subject": str(s),
                    "clip": str(i),
                    "label": LABELS[i % 3],
                }
            )
            maps.append(x)
    return pd.DataFrame(rows), np.stack(maps)


def two_datasets():
    table, X = experiment()
    return table.assign(dataset=np.where(table["subject"].isin(["0", "1"]), "one", "two")), X


def config(classifier, **more):
    return CvConfig(
        **{"classifier": classifier, "classifier_settings": FAST.get(classifier, {}), "seeds": 1, **more}
    )


def honest(classifier, out, split="loso", **more):
    """The pipeline of the project: (table, X) -> predictions, each with what was chosen for its fold, if
    anything was.
    """
    runs = iter(range(1000))

    def pipeline(table, X):
        path = out / str(next(runs))
        predictions = cross_validation.cross_validate(
            table, X, config(classifier, **more), path, LABELS, split
        )
        if not (path / "choices.json").is_file():
            return predictions
        chosen = {one["fold"]: str(one) for one in json.loads((path / "choices.json").read_text())["chosen"]}
        return predictions.assign(chosen=predictions["fold"].map(chosen))

    return pipeline


def changed(table, X, held_out, of="subject"):
    """The same experiment with other labels for one subject (or dataset), and its first clip blown up."""
    mine = (table[of] == held_out).to_numpy()
    turned = table["label"].map(dict(zip(LABELS, LABELS[1:] + LABELS[:1])))
    X = X.copy()
    X[np.flatnonzero(mine)[0]] *= -1000
    return table.assign(label=table["label"].where(~mine, turned)), X


def leaks(pipeline, table, X, of="subject"):
    """Subjects (or datasets) whose predictions change with their own labels or with another of their clips;
    none if `pipeline` is honest.

    Everything that a pipeline says of a clip is compared: probabilities, the label it is given, and what was
    chosen for its fold.
    """
    before = pipeline(table, X).set_index("clip_id").drop(columns="label")
    found = []
    for held_out in table[of].unique():
        kept = table.loc[table[of] == held_out, "clip_id"].iloc[
            1:
        ]  # all of the subject's clips but the blown-up one
        after = pipeline(*changed(table, X, held_out, of)).set_index("clip_id").drop(columns="label")
        if not before.loc[kept].equals(after.loc[kept]):
            found.append(held_out)
    return found


def settings_to_search(classifier):
    """The first setting of a classifier that has a number for its default, with that number and its tenth;
    None if there is none.
    """
    for name, parameter in inspect.signature(
        registry.load("mer.classifiers", classifier).Classifier
    ).parameters.items():
        if isinstance(parameter.default, float) and parameter.default > 0:
            return {name: [parameter.default, parameter.default / 10]}
    return None


def choosing(classifier, out, calibration="temperature"):
    """The pipeline with settings searched, and probabilities calibrated, inside the training subjects."""
    given = {
        key: value
        for key, value in FAST.get(classifier, {}).items()
        if key not in (settings_to_search(classifier) or ())
    }
    return honest(
        classifier,
        out,
        classifier_settings=given,
        search=settings_to_search(classifier),
        calibration=calibration,
        inner_folds=2,
    )


def watch(classifier, monkeypatch):
    """Return a list that gets what each classifier was given to fit, its state after it has predicted, and
    what it predicted, fold by fold.
    """
    module, records = registry.load("mer.classifiers", classifier), []

    class Watched(module.Classifier):
        def fit(self, X, y, groups=None):
            self.given = (X.copy(), y.copy())
            return super().fit(X, y, groups)

        if hasattr(module.Classifier, "fit_folds"):

            def fit_folds(self, X, y, folds, groups=None):
                for k, fitted in super().fit_folds(X, y, folds, groups):
                    fitted.given = (X[folds[k]].copy(), y[folds[k]].copy())
                    yield k, fitted

        def predict_proba(self, X):
            p = super().predict_proba(X)
            records.append((self.given, {key: np.copy(value) for key, value in self.state()[0].items()}))
            return p

    Watched.__init__ = module.Classifier.__init__
    monkeypatch.setattr(module, "Classifier", Watched)
    return records


def leaks_inside(classifier, out, monkeypatch):
    """Subjects that had a say in what was fitted to predict them; none if the pipeline and the classifier are
    honest.

    Asked of every fold: was the classifier given its training clips and no other, and does it end in the same
    state whatever the held-out subject holds?
    """
    records = watch(classifier, monkeypatch)
    table, X = experiment()
    pipeline = honest(classifier, out)
    pipeline(table, X)
    clean, folds = list(records), splits.loso(table)
    assert len(clean) == len(folds)
    found = []
    for k, (name, train, _) in enumerate(folds):
        (maps, y), state = clean[k]
        records.clear()
        pipeline(*changed(table, X, name.split("/")[1]))
        as_it_should = (
            np.array_equal(maps, X[train]) and [LABELS[i] for i in y] == table["label"].iloc[train].tolist()
        )
        if not (as_it_should and states_equal(records[k][1], state)):
            found.append(name.split("/")[1])
        if classifier != "majority":  # and the watch does see a change where there is one
            assert not states_equal(records[k - 1][1], clean[k - 1][1])
    return found


def states_equal(one, two):
    return one.keys() == two.keys() and all(np.array_equal(one[key], two[key]) for key in one)


def faces(clips=3):
    """Flow and landmarks of made-up clips: a mean face with motion that differs from clip to clip."""
    from flow.splatting.template import template

    rng = np.random.default_rng(0)
    for i in range(clips):
        landmarks = (template().mean[:, :2] * 12 + (112, 90) + rng.normal(0, 1, (478, 2))).astype(np.float32)
        yield rng.normal(0, 1 + i, (224, 224, 2)).astype(np.float32), landmarks


def remembers(extract):
    """Does what a clip's features are depend on which clips came before it, with any of its switches either
    way?
    """
    switches = [
        name for name, p in inspect.signature(extract).parameters.items() if isinstance(p.default, bool)
    ]
    clips = list(faces())
    for options in [{}, *({name: value} for name in switches for value in (False, True))]:
        forward = [np.array(extract(*clip, **options)) for clip in clips]
        backward = [np.array(extract(*clip, **options)) for clip in clips[::-1]][::-1]
        if not all(np.array_equal(one, two) for one, two in zip(forward, backward)):
            return True
    return False
