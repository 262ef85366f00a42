"""Fitting a bundle: the configured classifier on every clip of the prepared folders, once per seed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

import mer_core
from data_prep.prepared import SETTINGS_FILE
from flow import prepared_flow
from mer.bundle import Bundle, Recipe, existing, refuse_another
from mer.classifiers._estimator import StoredClassifier
from mer.evaluation import cross_validation, estimators, inputs, nested, splits
from mer.evaluation.config import CvConfig
from mer.evaluation.inputs import Inputs
from mer.inference.motion import range_of_motion
from mer_core.errors import BadInput
from mer_core.io import read_json
from mer_core.progress import track


def fit(prepared: Sequence[str | Path], config: CvConfig, out: str | Path | None = None) -> Bundle:
    """Fit the configured classifier on every clip of the prepared folders, once per seed.

    out : where the bundle will be saved, to be refused now rather than after the fitting
    Raises `BadInput` for folders that cannot go together, as `mer cv` does, and for an `out` in which `save`
    would not write.
    """
    before = None if out is None else existing(Path(out))
    if config.search:
        raise BadInput(
            f"{', '.join(config.search)} is still to be searched, which mer cv does inside the folds. To fit on every clip, "
            "write a value into classifier_settings (RUN/choices.json says what the folds chose) and take `search` out."
        )
    given = inputs.gather(prepared, config)
    labels = given.protocol.labels
    table, X = cross_validation.in_order(
        given.table, given.X, labels
    )  # so that the order of the folders does not change what is fitted
    y = np.array([labels.index(label) for label in table["label"]])
    subjects = splits.subject_ids(table)
    classifier = estimators.resolve(config, len(labels))
    n_seeds = classifier.n_seeds(config.seeds)
    recipe = _plan(given, config, [classifier.new(seed) for seed in range(n_seeds)])
    if before:
        refuse_another(before, recipe, Path(out))

    temperature = 1.0
    if config.calibration == "temperature":
        problem = estimators.Problem(X, y, subjects, [], len(labels))
        temperature = nested.temperature_for_all(classifier, config.inner_folds, problem, n_seeds)
    classifiers = [
        classifier.fit(classifier.new(seed), X, y, subjects)
        for seed in track(range(n_seeds), f"Fitting {classifier.name}")
    ]
    fitted = {
        "classifier_settings": [classifier.state()[1] for classifier in classifiers],
        "temperature": temperature,
    }
    return Bundle(recipe.model_copy(update=fitted), classifiers)


def _plan(given: Inputs, config: CvConfig, unfitted: list[StoredClassifier]) -> Recipe:
    """The recipe of a bundle that is still to be fitted, with the classifiers' settings as far as they are known by then."""
    prepare = [read_json(folder.path / SETTINGS_FILE) for folder in given.folders]
    flow, table = given.flow, given.table
    if named := flow["options"].get("weights"):
        raise BadInput(
            f"The flow was estimated with {named}, which a bundle does not hold, so no clip could be scored with it. "
            "Estimate it with a method that needs no --weights."
        )
    counted = set(table["clip_id"])
    clips = (
        (prepared_flow.read(folder, config.method, clip_id), folder.landmarks(clip_id)[0])
        for folder in given.folders
        for clip_id in folder.clips["clip_id"]
        if clip_id in counted
    )
    return Recipe(
        mer=mer_core.__version__,
        face_size=prepare[0]["size"],
        method=config.method,
        method_options=flow["options"],
        flow_weights=flow.get("weights"),
        match_exposure=flow["match_exposure"],
        feature=config.feature,
        feature_settings=config.feature_settings,
        classifier=config.classifier,
        classifier_settings=[one.stored_params() for one in unfitted],
        labels=given.protocol.labels,
        protocol=given.protocol.name,
        clips={label: int((table["label"] == label).sum()) for label in given.protocol.labels},
        subjects=len(set(splits.subject_ids(table))),
        datasets=sorted(set(table["dataset"])),
        synthetic=all(settings["synthetic"] for settings in prepare),
        measured={"motion of the face": range_of_motion(clips)},
    )
