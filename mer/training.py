"""Fit a bundle: the configured classifier on every clip of the prepared folders, once per seed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import mer_core
from data_prep.prepared import SETTINGS_FILE
from flow import prepared_flow
from mer.bundle import Bundle, read_existing, save
from mer.evaluation import cross_validation, estimators, inputs, nested, splits
from mer.evaluation.config import CvConfig
from mer.evaluation.estimators import ClassifierSpec
from mer.evaluation.inputs import Arrays, Inputs, are_arrays
from mer.evaluation.protocols import Protocol
from mer.inference.motion import strength_range
from mer.recipe import Recipe, check_same_recipe
from mer_core.errors import BadInput, BadSetting
from mer_core.io import read_json
from mer_core.locks import hold_lock
from mer_core.progress import track
from mer_core.text import format_count

MIN_SUBJECTS = 3


class Untrainable(BadInput):
    """The clips cannot make a bundle that works for another person."""

    code = "untrainable"


def train(
    prepared: str | Path | Sequence[str | Path] | Arrays,
    config: CvConfig | None = None,
    out: str | Path | None = None,
) -> Bundle:
    """Fit the configured classifier on every clip of prepared folders or arrays, and save the bundle.

    Parameters
    ----------
    prepared : path, sequence of paths, or (table, X)
        Prepared folders whose flow has been estimated; or a table and its features as `cross_validate` takes
        them. A bundle of arrays predicts arrays: it does not know how a clip becomes one.
    config : CvConfig or None
        None: the default settings.
    out : path or None
        Folder to save the bundle in; None: return it only.

    Returns
    -------
    Bundle

    Raises
    ------
    Untrainable
        If a label has no clip, or there are fewer than three subjects.
    BadInput
        If the folders, the settings or `out` cannot be used.
    InUse
        If another training is writing to `out`.

    Examples
    --------
    >>> import mer
    >>> config = mer.CvConfig(protocol="smic-3", method="dis", classifier="logistic")
    >>> bundle = mer.train("prepared/smic", config, "bundles/smic")
    >>> bundle.recipe.labels
    ['negative', 'positive', 'surprise']

    >>> import numpy as np, pandas as pd
    >>> table = pd.DataFrame({"dataset": "mine", "subject": list("aabbcc"), "clip": range(6),
    ...                       "label": ["calm", "moved"] * 3})
    >>> X = np.array([[0.1, 0.0], [2.1, 1.9]] * 3)
    >>> of_arrays = mer.train((table, X), mer.CvConfig(classifier="logistic"))
    >>> of_arrays.predict_proba(X).argmax(axis=1).tolist()
    [0, 1, 0, 1, 0, 1]
    """
    if out is None:
        return fit(prepared, config or CvConfig())
    out = Path(out)
    with hold_lock(out.parent, f".{out.name}.lock"):
        bundle = fit(prepared, config or CvConfig(), out)
        save(bundle, out)
    return bundle


def fit(
    prepared: str | Path | Sequence[str | Path] | Arrays, config: CvConfig, out: str | Path | None = None
) -> Bundle:
    """Fit the configured classifier on every clip, once per seed; save nothing.

    `out` is where the bundle will be saved: a folder that `save` would refuse is refused before the fit.
    Parameters and exceptions are those of `train`.
    """
    out = None if out is None else Path(out)
    earlier = read_existing(out) if out else None
    _refuse_search(config)
    if are_arrays(prepared):
        found, config = inputs.read_arrays(*prepared), inputs.for_given_features(config)
    else:
        found = inputs.read_inputs(inputs.as_paths(prepared), config)
    labels = found.protocol.labels
    # Sort by clip_id, so that the order of the folders does not change what is fitted.
    table, X = cross_validation.sort_clips(found.table, found.X, labels)
    y = np.array([labels.index(label) for label in table["label"]])
    problem = estimators.Problem(X, y, splits.subject_ids(table), [], len(labels))
    _check_trainable(problem, found.protocol)
    classifier = estimators.resolve_classifier(config, len(labels))
    seeds = range(classifier.n_seeds(config.seeds))
    recipe = _build_recipe(found, config, classifier, seeds)
    if out and earlier:
        check_same_recipe(earlier, recipe, out)

    updates: dict[str, Any] = {}
    if config.calibration == "temperature":
        updates["temperature"] = nested.temperature_for_all(
            classifier, config.inner_folds, problem, len(seeds)
        )
    fitted = [
        classifier.fit(classifier.new(seed), X, y, problem.subjects)
        for seed in track(seeds, f"Fitting {classifier.name}")
    ]
    if classifier.is_foreign:
        fitted = [estimators.FittedForeign(estimator, len(labels)) for estimator in fitted]
    else:
        updates["classifier_settings"] = [estimator.state()[1] for estimator in fitted]
    return Bundle(recipe.model_copy(update=updates), fitted)


def _refuse_search(config: CvConfig) -> None:
    if config.search:
        raise BadSetting(
            f"`search` lists values of {', '.join(config.search)}, which only mer cv can choose among. "
            "For a bundle, write one value into classifier_settings (RUN/choices.json lists what the folds "
            "chose) and remove `search`."
        )


def _check_trainable(problem: estimators.Problem, protocol: Protocol) -> None:
    """Raise `Untrainable` if a label has no clip or there are too few subjects."""
    missing = [label for i, label in enumerate(protocol.labels) if i not in problem.y]
    if missing:
        raise Untrainable(
            f"No clip is labelled {', '.join(missing)}, so the bundle could never predict it (protocol "
            f"{protocol.name}). Add clips with that label, or choose a --protocol that fits these clips."
        )
    n_subjects = len(set(problem.subjects))
    if n_subjects < MIN_SUBJECTS:
        raise Untrainable(
            f"The clips show {format_count(n_subjects, 'subject')}; at least {MIN_SUBJECTS} are needed, or "
            "the bundle would know these people only. Add clips of other subjects."
        )


def _build_recipe(found: Inputs, config: CvConfig, classifier: ClassifierSpec, seeds: range) -> Recipe:
    """Return the recipe of the bundle as far as it is known before the fit."""
    table, labels = found.table, found.protocol.labels
    return Recipe(
        mer=mer_core.__version__,
        **(_describe_clip_input(found, config) if found.folders else _describe_arrays(found)),
        classifier=config.model_dump()["classifier"],
        classifier_settings=[
            {"random_state": seed} if classifier.is_foreign else classifier.new(seed).stored_params()
            for seed in seeds
        ],
        stored_as="skops" if classifier.is_foreign else "tensors",
        labels=labels,
        protocol=found.protocol.name,
        clips_per_label={label: int((table["label"] == label).sum()) for label in labels},
        n_subjects=len(set(splits.subject_ids(table))),
        datasets=sorted(set(table["dataset"])),
    )


def _describe_clip_input(found: Inputs, config: CvConfig) -> dict[str, Any]:
    """Return the fields of the recipe that say how a clip becomes an input, and what the clips were."""
    flow = found.flow
    if weights := flow["options"].get("weights"):
        raise BadSetting(
            f"The flow was estimated with {weights}. A bundle does not hold those weights, so it could not "
            "score a clip. Estimate the flow with a method that needs no --weights."
        )
    prepare_settings = [read_json(folder.path / SETTINGS_FILE) for folder in found.folders]
    return {
        "face_size": prepare_settings[0]["size"],
        "method": config.input_names.method,
        "method_options": flow["options"],
        "flow_weights": flow.get("weights"),
        "match_exposure": flow["match_exposure"],
        "face_model": prepare_settings[0].get("mediapipe"),
        "feature": config.input_names.feature,
        "feature_settings": config.feature_settings or {},
        "synthetic": all(settings["synthetic"] for settings in prepare_settings),
        "validated_ranges": {"motion of the face": strength_range(_flows(found, config))},
    }


def _describe_arrays(found: Inputs) -> dict[str, Any]:
    """Return the same fields for features that were given."""
    unknown = dict.fromkeys(("face_size", "method", "match_exposure", "feature"))
    shape = found.X.shape[1:]
    return {**unknown, "method_options": {}, "feature_settings": {}, "input_shape": shape, "synthetic": False}


def _flows(found: Inputs, config: CvConfig):
    """Yield flow and onset landmarks of each clip that is fitted on."""
    clip_ids, method = set(found.table["clip_id"]), config.input_names.method
    for folder in found.folders:
        for clip_id in folder.clips["clip_id"]:
            if clip_id in clip_ids:
                yield prepared_flow.read(folder, method, clip_id), folder.landmarks(clip_id)[0]
