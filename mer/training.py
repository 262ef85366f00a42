"""Fitting a bundle: the configured classifier on every clip of the prepared folders, once per seed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

import mer_core
from data_prep.prepared import SETTINGS_FILE
from flow import prepared_flow
from mer.bundle import Bundle, Recipe, existing, refuse_another, save
from mer.evaluation import cross_validation, estimators, inputs, nested, splits
from mer.evaluation.config import CvConfig
from mer.evaluation.estimators import ClassifierSpec
from mer.evaluation.inputs import Inputs
from mer.evaluation.protocols import Protocol
from mer.inference.motion import range_of_motion
from mer_core.errors import BadInput
from mer_core.io import read_json
from mer_core.progress import track

MIN_SUBJECTS = 3


class Untrainable(BadInput):
    """The clips cannot make a bundle that could work for another person."""

    code = "untrainable"


def fit(prepared: Sequence[str | Path], config: CvConfig, out: str | Path | None = None) -> Bundle:
    """Fit the configured classifier on every clip of the prepared folders, once per seed.

    Parameters
    ----------
    prepared : sequence of path
        Prepared folders whose flow has been estimated.
    config : CvConfig
        As for `mer cv`.
    out : path or None
        Where the bundle will be saved, to be refused now rather than after the fitting.

    Raises
    ------
    Untrainable
        If a label has no clip, or there are fewer than three subjects.
    BadInput
        For folders that cannot go together, as `mer cv` does, and for an `out` in which `save` would not
        write.
    """
    out = None if out is None else Path(out)
    before = existing(out) if out else None
    _refuse_search(config)
    given = inputs.gather(prepared, config)
    labels = given.protocol.labels
    # In the order of clip_id, so that the order of the folders does not change what is fitted.
    table, X = cross_validation.in_order(given.table, given.X, labels)
    y = np.array([labels.index(label) for label in table["label"]])
    problem = estimators.Problem(X, y, splits.subject_ids(table), [], len(labels))
    _check_trainable(problem, given.protocol)
    classifier = estimators.resolve(config, len(labels))
    seeds = range(classifier.n_seeds(config.seeds))
    recipe = _plan(given, config, classifier, seeds)
    if out and before:
        refuse_another(before, recipe, out)

    temperature = 1.0
    if config.calibration == "temperature":
        temperature = nested.temperature_for_all(classifier, config.inner_folds, problem, len(seeds))
    fitted = [
        classifier.fit(classifier.new(seed), X, y, problem.subjects)
        for seed in track(seeds, f"Fitting {classifier.name}")
    ]
    if classifier.is_foreign:
        fitted = [estimators.FittedForeign(one, len(labels)) for one in fitted]
    else:
        recipe = recipe.model_copy(update={"classifier_settings": [one.state()[1] for one in fitted]})
    return Bundle(recipe.model_copy(update={"temperature": temperature}), fitted)


def train(
    prepared: str | Path | Sequence[str | Path], config: CvConfig | None = None, out: str | Path | None = None
) -> Bundle:
    """Fit the configured classifier on every clip of prepared folders, and save the bundle.

    Parameters
    ----------
    prepared : path or sequence of paths
        Prepared folders whose flow has been estimated.
    config : CvConfig or None
        None: the default settings.
    out : path or None
        Folder to save the bundle in; None: it is returned only.

    Raises
    ------
    BadInput
        As `fit`.

    Examples
    --------
    >>> import mer
    >>> bundle = mer.train("prepared", mer.CvConfig(classifier="logistic"), "bundle")  # doctest: +SKIP
    >>> mer.score("clip.mp4", "bundle")  # doctest: +SKIP
    """
    paths = [prepared] if isinstance(prepared, (str, Path)) else prepared
    bundle = fit(paths, config or CvConfig(), out)
    if out is not None:
        save(bundle, out)
    return bundle


def _refuse_search(config: CvConfig) -> None:
    if config.search:
        raise BadInput(
            f"{', '.join(config.search)} is still to be searched, which mer cv does inside the folds. To fit "
            "on every clip, write a value into classifier_settings (RUN/choices.json says what the folds "
            "chose) and take `search` out."
        )


def _check_trainable(problem: estimators.Problem, protocol: Protocol) -> None:
    """Raise `Untrainable` for clips that cannot work."""
    missing = [label for i, label in enumerate(protocol.labels) if i not in problem.y]
    if missing:
        raise Untrainable(
            f"No clip is labelled {', '.join(missing)}, so that a bundle could never name it (protocol "
            f"{protocol.name}). Add clips of that label, or choose a --protocol that these clips fit."
        )
    n_subjects = len(set(problem.subjects))
    if n_subjects < MIN_SUBJECTS:
        raise Untrainable(
            f"The clips show {n_subjects} subject(s); what is learned from fewer than {MIN_SUBJECTS} is "
            "about those people. Add clips of others."
        )


def _plan(given: Inputs, config: CvConfig, classifier: ClassifierSpec, seeds: Sequence[int]) -> Recipe:
    """Return the recipe of a bundle that is still to be fitted, with the settings that are known by then."""
    prepare = [read_json(folder.path / SETTINGS_FILE) for folder in given.folders]
    flow, table = given.flow, given.table
    if named := flow["options"].get("weights"):
        raise BadInput(
            f"The flow was estimated with {named}, which a bundle does not hold, so no clip could be scored "
            "with it. Estimate it with a method that needs no --weights."
        )
    counted, method = set(table["clip_id"]), config.input_names.method
    clips = (
        (prepared_flow.read(folder, method, clip_id), folder.landmarks(clip_id)[0])
        for folder in given.folders
        for clip_id in folder.clips["clip_id"]
        if clip_id in counted
    )
    return Recipe(
        mer=mer_core.__version__,
        face_size=prepare[0]["size"],
        method=method,
        method_options=flow["options"],
        flow_weights=flow.get("weights"),
        match_exposure=flow["match_exposure"],
        feature=config.feature,
        feature_settings=config.feature_settings,
        classifier=config.model_dump()["classifier"],
        classifier_settings=[
            {"random_state": seed} if classifier.is_foreign else classifier.new(seed).stored_params()
            for seed in seeds
        ],
        stored_as="skops" if classifier.is_foreign else "tensors",
        labels=given.protocol.labels,
        protocol=given.protocol.name,
        clips={label: int((table["label"] == label).sum()) for label in given.protocol.labels},
        subjects=len(set(splits.subject_ids(table))),
        datasets=sorted(set(table["dataset"])),
        synthetic=all(settings["synthetic"] for settings in prepare),
        measured={"motion of the face": range_of_motion(clips)},
    )
