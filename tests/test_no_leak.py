"""No prediction may depend on the held-out subject's labels, nor on its other clips; leaks planted here must be found.

Two ways of looking. From outside, at any pipeline: change everything about a subject that its predictions must not depend
on, and compare them to the last bit. From inside, at every classifier of the folder: compare what each fold was given and
what it fitted.
"""

import inspect
import json
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from mer import evaluate, fitting, folds, metrics, nested, registry, splits
from mer.config import CvConfig

LABELS = ["negative", "positive", "surprise"]
CLASSIFIERS = registry.names("mer.classifiers")
FEATURES = registry.names("mer.features")
CALIBRATIONS = get_args(CvConfig.model_fields["calibration"].annotation)
FAST = {"ststnet": {"epochs": 4, "learning_rate": 1e-2}, "mer_net": {"networks": 1, "steps": 6}, "off_apexnet": {"epochs": 5}, "rcn": {"epochs": 8, "batch_size": 32},
        "htnet": {"epochs": 6}, "timm": {"backbone": "test_resnet", "size": 24, "epochs": 4, "learning_rate": 5e-3}}


def experiment(subjects=4, clips=5, signal=0.35, seed=0):
    """Table and maps in which each label moves its own third of the face a little: learnable, but not without mistakes.

    Nobody shows every label equally often, so that `changed` changes how many clips of each there are, too.
    """
    rng = np.random.default_rng(seed)
    rows, maps = [], []
    for s in range(subjects):
        for i in range(clips):
            x = rng.normal(0, 1, (3, 12, 12)).astype(np.float32)
            x[:, 4 * (i % 3) : 4 * (i % 3) + 4] += signal
            rows.append({"clip_id": f"d/{s}/{i}", "dataset": "d", "subject": str(s), "clip": str(i), "label": LABELS[i % 3]})
            maps.append(x)
    return pd.DataFrame(rows), np.stack(maps)


def config(classifier, **more):
    return CvConfig(**{"classifier": classifier, "classifier_settings": FAST.get(classifier, {}), "seeds": 1, **more})


def honest(classifier, out, split="loso", **more):
    """The pipeline of the project: (table, X) -> predictions, each with what was chosen for its fold, if anything was."""
    runs = iter(range(1000))

    def pipeline(table, X):
        path = out / str(next(runs))
        predictions = evaluate.cross_validate(table, X, config(classifier, **more), path, LABELS, split)
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
    """Subjects (or datasets) whose predictions change with their own labels or with another of their clips; none if `pipeline` is honest.

    Everything that a pipeline says of a clip is compared: probabilities, the label it is given, and what was chosen for its fold.
    """
    before = pipeline(table, X).set_index("clip_id").drop(columns="label")
    found = []
    for held_out in table[of].unique():
        kept = table.loc[table[of] == held_out, "clip_id"].iloc[1:]  # all of the subject's clips but the blown-up one
        after = pipeline(*changed(table, X, held_out, of)).set_index("clip_id").drop(columns="label")
        if not before.loc[kept].equals(after.loc[kept]):
            found.append(held_out)
    return found


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_predictions_do_not_depend_on_the_held_out_subject(classifier, tmp_path):
    assert leaks(honest(classifier, tmp_path), *experiment()) == []


def switched(classifier):
    """The fast settings with every switch of the classifier turned the other way: what is done only then must not leak either."""
    parameters = inspect.signature(registry.load("mer.classifiers", classifier).Classifier).parameters
    return {**{name: not p.default for name, p in parameters.items() if isinstance(p.default, bool)}, **FAST.get(classifier, {})}


@pytest.mark.parametrize("classifier", [name for name in CLASSIFIERS if switched(name) != FAST.get(name, {})])
def test_switches_turned_the_other_way_do_not_leak(classifier, tmp_path):
    assert leaks(honest(classifier, tmp_path, classifier_settings=switched(classifier)), *experiment(subjects=3)) == []


def two_datasets():
    table, X = experiment()
    return table.assign(dataset=np.where(table["subject"].isin(["0", "1"]), "one", "two")), X


def test_a_held_out_dataset_is_held_out(tmp_path, monkeypatch):
    assert leaks(honest("logistic", tmp_path / "honest", "lodo"), *two_datasets(), of="dataset") == []
    monkeypatch.setattr(splits, "lodo", splits.loso)  # the dataset's other subjects stay
    assert leaks(honest("logistic", tmp_path / "leaking", "lodo"), *two_datasets(), of="dataset") == ["one", "two"]


@pytest.fixture
def fits(monkeypatch):
    """Record what every classifier was given to fit, and its state after it has predicted, fold by fold."""
    records = []

    def watch(name):
        module = registry.load("mer.classifiers", name)

        class Watched(module.Classifier):
            def fit(self, X, y):
                self.given = (X.copy(), y.copy())
                return super().fit(X, y)

            if hasattr(module.Classifier, "fit_folds"):

                def fit_folds(self, X, y, folds):
                    for k, fitted in super().fit_folds(X, y, folds):
                        fitted.given = (X[folds[k]].copy(), y[folds[k]].copy())
                        yield k, fitted

            def predict_proba(self, X):
                p = super().predict_proba(X)
                records.append((self.given, {key: np.copy(value) for key, value in self.state()[0].items()}, p))
                return p

        Watched.__signature__ = inspect.signature(module.Classifier)
        monkeypatch.setattr(module, "Classifier", Watched)
        return records

    return watch


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_what_is_fitted_never_saw_the_held_out_subject(classifier, tmp_path, fits):
    records = fits(classifier)
    table, X = experiment()
    folds = splits.loso(table)
    pipeline = honest(classifier, tmp_path)
    pipeline(table, X)
    clean = list(records)
    assert len(clean) == len(folds)
    for (given, _, _), (_, train, _) in zip(clean, folds):
        assert np.array_equal(given[0], X[train])
        assert [LABELS[i] for i in given[1]] == table["label"].iloc[train].tolist()
    for k, (name, _, _) in enumerate(folds):
        records.clear()
        pipeline(*changed(table, X, name.split("/")[1]))
        assert states_equal(records[k][1], clean[k][1])
        if classifier != "majority":  # and the watch does see a change where there is one
            assert not states_equal(records[k - 1][1], clean[k - 1][1])


def states_equal(one, two):
    return one.keys() == two.keys() and all(np.array_equal(one[key], two[key]) for key in one)


def scaler_on_everything(table, X, out):
    scaled = (X - X.mean(0)) / X.std(0)
    return honest("logistic", out)(table, scaled)


def values_chosen_by_all_labels(table, X, out):
    flat = X.reshape(len(X), -1)
    means = np.stack([flat[table["label"] == label].mean(0) for label in LABELS])
    best = np.argsort(means.std(0))[-50:]
    return honest("logistic", out)(table, flat[:, best])


def epoch_chosen_on_the_held_out_subject(table, X, out):
    """What much public code does: keep the epoch that is best on the test subject."""
    y = np.array([LABELS.index(label) for label in table["label"]])
    rows = []
    for name, train, test in splits.loso(table):
        tries = []
        for epochs in (1, 3, 10, 30):
            settings = {"epochs": epochs, "learning_rate": 1e-2}
            make = fitting.maker(CvConfig(classifier="ststnet", classifier_settings=settings), 3)
            tries += [p for _, p in fitting.fit_predict(make, 0, X, y, [(train, test)])]
        best = max(tries, key=lambda p: (p.argmax(1) == y[test]).mean())
        rows.append(evaluate._rows(table.iloc[test], name, 0, best, LABELS))
    return pd.concat(rows)


def one_clip_left_out_instead_of_one_subject(table, X, out):
    by_clip = table.assign(subject=table["clip_id"])
    return honest("logistic", out)(by_clip, X)


def thresholds_chosen_on_the_held_out_subject(table, X, out):
    """Probabilities stay as they are, and each label is given as readily as the subject's own answers suggest."""
    p = honest("logistic", out)(table, X)
    shown = pd.get_dummies(p["label"])[LABELS].groupby(p["fold"]).transform("mean").to_numpy()
    said = (p[[f"p_{label}" for label in LABELS]].to_numpy() * (shown + 0.1)).argmax(1)
    return p.assign(prediction=np.array(LABELS, dtype=object)[said])


@pytest.mark.parametrize(
    "leaking",
    [scaler_on_everything, values_chosen_by_all_labels, epoch_chosen_on_the_held_out_subject, one_clip_left_out_instead_of_one_subject, thresholds_chosen_on_the_held_out_subject],
    ids=lambda f: f.__name__,
)
def test_a_planted_pipeline_leak_is_found(leaking, tmp_path):
    runs = iter(range(1000))
    assert leaks(lambda table, X: leaking(table, X, tmp_path / str(next(runs))), *experiment())


def test_a_classifier_that_learns_from_the_clips_it_predicts_is_found(tmp_path, monkeypatch, fits):
    module = registry.load("mer.classifiers", "logistic")

    class Leaking(module.Classifier):
        def predict_proba(self, X):
            flat = X.reshape(len(X), -1)
            self.mean, self.scale = flat.mean(0), flat.std(0) + 1e-6
            return super().predict_proba(X)

    Leaking.__signature__ = inspect.signature(module.Classifier)
    monkeypatch.setattr(module, "Classifier", Leaking)
    assert leaks(honest("logistic", tmp_path), *experiment()) == list("0123")
    with pytest.raises(AssertionError):
        test_what_is_fitted_never_saw_the_held_out_subject("logistic", tmp_path / "inside", fits)


def held_out_clips_centre_the_maps(folds_of_ststnet):
    """Every fold takes off the mean of all clips."""
    train = folds_of_ststnet.train

    def leaking(net, x, y, folds, means, *rest):
        return train(net, x, y, folds, x.mean((0, 2, 3)).expand_as(means), *rest)

    return folds_of_ststnet, "train", leaking


def held_out_clips_are_fitted(folds_of_ststnet):
    """Every clip is in every fold's batch, whoever is left out."""
    train_block = folds_of_ststnet._train_block

    def leaking(net, laid_out, y, inside, *rest):
        return train_block(net, laid_out, y, np.ones_like(inside), *rest)

    return folds_of_ststnet, "_train_block", leaking


@pytest.mark.parametrize("plant", [held_out_clips_centre_the_maps, held_out_clips_are_fitted], ids=lambda f: f.__name__)
def test_a_leak_between_folds_fitted_at_once_is_found(plant, tmp_path, monkeypatch, fits):
    from mer.classifiers import _ststnet_folds

    monkeypatch.setattr(*plant(_ststnet_folds))
    assert leaks(honest("ststnet", tmp_path), *experiment()) == list("0123")
    with pytest.raises(AssertionError):
        test_what_is_fitted_never_saw_the_held_out_subject("ststnet", tmp_path / "inside", fits)


def test_a_split_that_lets_a_held_out_clip_in_is_found(tmp_path, monkeypatch, fits):
    def leaking(table):
        return [(name, np.append(train, test[-1]), test) for name, train, test in loso(table)]

    loso = splits.loso
    monkeypatch.setattr(splits, "loso", leaking)
    assert leaks(honest("logistic", tmp_path), *experiment()) == list("0123")
    with pytest.raises(AssertionError):
        test_what_is_fitted_never_saw_the_held_out_subject("logistic", tmp_path / "inside", fits)


def everything_is_fitted(make, seed, X, y, pairs, fit_predict=fitting.fit_predict):
    """Each fold is also fitted on the clips it predicts: the plainest leak of all, in whatever the classifier fits, scalers too."""
    return fit_predict(make, seed, X, y, [(np.append(train, test), test) for train, test in pairs])


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_a_leak_planted_in_any_classifier_is_found(classifier, tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "fit_predict", everything_is_fitted)
    assert leaks(honest(classifier, tmp_path), *experiment(subjects=3)) == list("012")


def settings_to_search(classifier):
    """The first setting of a classifier that has a number for its default, with that number and its tenth; None if there is none."""
    for name, parameter in inspect.signature(registry.load("mer.classifiers", classifier).Classifier).parameters.items():
        if isinstance(parameter.default, float) and parameter.default > 0:
            return {name: [parameter.default, parameter.default / 10]}
    return None


def choosing(classifier, out, calibration="temperature"):
    """The pipeline with settings searched, and probabilities calibrated, inside the training subjects."""
    given = {key: value for key, value in FAST.get(classifier, {}).items() if key not in (settings_to_search(classifier) or ())}
    return honest(classifier, out, classifier_settings=given, search=settings_to_search(classifier), calibration=calibration, inner_folds=2)


@pytest.mark.parametrize("calibration", CALIBRATIONS)
@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_what_is_chosen_does_not_depend_on_the_held_out_subject(classifier, calibration, tmp_path):
    assert leaks(choosing(classifier, tmp_path, calibration), *experiment(subjects=3)) == []


def inner_folds_hold_the_test_subject(monkeypatch):
    inner_folds = nested.inner_folds
    monkeypatch.setattr(nested, "inner_folds", lambda count, problem, name, train: inner_folds(count, problem, name, np.arange(len(problem.y))))


def settings_are_chosen_by_the_test_score(monkeypatch):
    def leaking(config, problem, options, makers, seed, parts):
        tries = [dict(fitting.fit_predict(make, seed, problem.X, problem.y, [part[1:] for part in parts])) for make in makers]
        likely = [[p[k][np.arange(len(test)), problem.y[test]].mean() for p in tries] for k, (_, _, test) in enumerate(parts)]
        return [nested.Choice(options[int(np.argmax(each))]) for each in likely]

    monkeypatch.setattr(nested, "choose", leaking)


def the_temperature_is_fitted_on_the_test_clips(monkeypatch):
    predict = folds.predict

    def leaking(config, problem, seed, parts):
        for k, p, choice in predict(config, problem, seed, parts):
            yield k, nested.sharpen(p, nested.fit_temperature(p, problem.y[parts[k][2]])), choice

    monkeypatch.setattr(folds, "predict", leaking)


@pytest.mark.parametrize(
    "plant", [inner_folds_hold_the_test_subject, settings_are_chosen_by_the_test_score, the_temperature_is_fitted_on_the_test_clips], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("calibration", CALIBRATIONS)
@pytest.mark.parametrize("classifier", ["logistic", "ststnet"])
def test_a_leak_planted_in_what_is_chosen_is_found(classifier, calibration, plant, tmp_path, monkeypatch):
    plant(monkeypatch)
    assert leaks(choosing(classifier, tmp_path, calibration), *experiment(subjects=3))



def faces(clips=3):
    """Flow and landmarks of made-up clips: a mean face with motion that differs from clip to clip."""
    from flow.splatting.template import template

    rng = np.random.default_rng(0)
    for i in range(clips):
        landmarks = (template().mean[:, :2] * 12 + (112, 90) + rng.normal(0, 1, (478, 2))).astype(np.float32)
        yield rng.normal(0, 1 + i, (224, 224, 2)).astype(np.float32), landmarks


def remembers(extract):
    """Does what a clip's features are depend on which clips came before it, with any of its switches either way?"""
    switches = [name for name, p in inspect.signature(extract).parameters.items() if isinstance(p.default, bool)]
    clips = list(faces())
    for options in [{}, *({name: value} for name in switches for value in (False, True))]:
        forward = [np.array(extract(*clip, **options)) for clip in clips]
        backward = [np.array(extract(*clip, **options)) for clip in clips[::-1]][::-1]
        if not all(np.array_equal(one, two) for one, two in zip(forward, backward)):
            return True
    return False


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_is_made_from_one_clip_and_no_label(feature):
    extract = registry.load("mer.features", feature).extract
    parameters = list(inspect.signature(extract).parameters)
    assert parameters[:2] == ["flow", "landmarks"] and "label" not in parameters
    assert not remembers(extract)


@pytest.mark.parametrize("feature", FEATURES)
def test_a_leak_planted_in_any_feature_is_found(feature):
    """Features centred by the mean of all clips so far, held-out ones too."""
    extract, seen = registry.load("mer.features", feature).extract, []

    def leaking(flow, landmarks, steady=False):
        """Honest until the head's motion is taken out."""
        seen.append(extract(flow, landmarks))
        return seen[-1] - np.mean(seen, axis=0) if steady else seen[-1]

    assert remembers(leaking)


@pytest.mark.parametrize("classifier", [name for name in CLASSIFIERS if name != "majority"])
def test_shuffled_labels_give_chance(classifier, tmp_path):
    table, X = experiment(subjects=8, clips=15, signal=1.0)
    pipeline = honest(classifier, tmp_path)

    def accuracy(table):
        p = pipeline(table, X)
        return metrics.scores(metrics.confusion(p["label"], p["prediction"], LABELS))["accuracy"]

    shuffled = table.assign(label=np.random.default_rng(0).permutation(table["label"]))
    deviation = np.sqrt(1 / 3 * 2 / 3 / len(table))  # of the share of right guesses among so many clips
    assert accuracy(shuffled) == pytest.approx(1 / 3, abs=3 * deviation)
    assert accuracy(table) > 1 / 3 + 6 * deviation
