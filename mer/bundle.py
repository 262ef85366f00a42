"""A bundle: a fitted classifier with everything needed to score a new clip.

A bundle is a folder that holds no code: `bundle.json` (how a clip becomes an input, what the classifier was
fitted on), `weights.safetensors` and `README.md` (the model card).
"""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from mer import stored_estimators
from mer.evaluation import calibration
from mer.recipe import Recipe, check_same_recipe, model_card
from mer_core import registry
from mer_core.errors import BadArray, BadInput, OccupiedOutput, UnreadableFile
from mer_core.io import atomic_replace, read_json, visible_names, write_json, write_text
from mer_core.settings import describe_errors

SHIPPED = "synthetic"  # folder in mer/bundles
JSON_FILE, WEIGHTS_FILE, CARD_FILE = "bundle.json", "weights.safetensors", "README.md"
SKOPS_FILE = "classifiers.skops"  # in place of the weights, for scikit-learn classifiers that are not ours


@dataclass(frozen=True)
class Bundle:
    """A recipe and its fitted classifiers, one per seed."""

    recipe: Recipe
    classifiers: list[Any]

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Predict calibrated probabilities, the mean over seeds.

        Parameters
        ----------
        X : (N, ...) float32
            Features, from `extract`, or made as those that the bundle was fitted on.

        Returns
        -------
        (N, n_labels) float64

        Raises
        ------
        BadArray
            If the bundle was fitted on arrays of another shape, or a value is not finite.
        """
        shape = self.recipe.input_shape
        if shape and (np.shape(X)[1:] != shape or not np.isfinite(X).all()):
            raise BadArray(
                f"Features must be finite and of shape (N, {', '.join(map(str, shape))}), not {np.shape(X)}."
            )
        p = np.mean([classifier.predict_proba(X) for classifier in self.classifiers], axis=0)
        return calibration.apply_temperature(p, self.recipe.temperature)

    def extract(self, flow: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Extract the features that the classifiers were fitted on.

        Parameters
        ----------
        flow : (H, W, 2) float32 px
            From onset to apex of the aligned face.
        landmarks : (478, 2) float px
            Of the aligned onset.

        Returns
        -------
        ndarray

        Raises
        ------
        NoClipInput
            If the bundle was fitted on arrays.
        """
        feature = registry.load("mer.features", self.recipe.clip_input.feature)
        return feature.extract(flow, landmarks, **self.recipe.feature_settings)

    def __str__(self) -> str:
        return model_card(self.recipe)

    def __repr__(self) -> str:
        recipe = self.recipe
        source = "arrays" if recipe.input_shape else f"{recipe.feature} of {recipe.method} flow"
        return f"Bundle({recipe.classifier} on {source})"

    def _repr_html_(self) -> str:
        fields = self.recipe.model_dump(exclude={"classifier_settings"})
        rows = [f"<tr><th>{name}</th><td>{escape(str(value))}</td></tr>" for name, value in fields.items()]
        return f"<table>{''.join(rows)}</table>"


def default_path() -> Path:
    """Return the folder of the bundle that ships with mer."""
    return Path(__file__).parent / "bundles" / SHIPPED


def classifiers_file(folder: Path, recipe: Recipe) -> Path:
    """Return the file of a bundle's folder that holds its fitted classifiers."""
    return folder / (SKOPS_FILE if recipe.stored_as == "skops" else WEIGHTS_FILE)


def save(bundle: Bundle, out: str | Path, replace: bool = False) -> None:
    """Write a bundle folder.

    Parameters
    ----------
    bundle : Bundle
    out : path
        A new or empty folder, or one that holds a bundle of the same recipe, which is replaced.
    replace : bool
        Replace a bundle of any recipe.

    Raises
    ------
    ChangedSettings
        If `out` holds a bundle of another recipe.
    BadInput
        If `out` holds anything else.
    """
    out = Path(out)
    earlier = read_existing(out)
    if earlier and not replace:
        check_same_recipe(earlier, bundle.recipe, out)
    (out / JSON_FILE).unlink(missing_ok=True)  # an interrupted replacement is no bundle
    file = classifiers_file(out, bundle.recipe)
    if bundle.recipe.stored_as == "skops":
        stored_estimators.save([fitted.estimator for fitted in bundle.classifiers], file)
    else:
        tensors = {
            f"{seed}.{name}": np.ascontiguousarray(value)
            for seed, classifier in enumerate(bundle.classifiers)
            for name, value in classifier.state()[0].items()
        }
        with atomic_replace(file) as temporary:
            save_file(tensors, temporary)
    write_json(out / JSON_FILE, bundle.recipe.model_dump())
    write_text(out / CARD_FILE, model_card(bundle.recipe))


def load(path: str | Path | None = None) -> Bundle:
    """Read a bundle folder; nothing in it is executed.

    Parameters
    ----------
    path : path or None
        None: the bundle that ships with mer.

    Raises
    ------
    BadInput
        If the folder is not a bundle or is damaged.

    Examples
    --------
    >>> import mer
    >>> mer.load_bundle("bundles/smic").recipe.method
    'dis'
    """
    path = default_path() if path is None else Path(path)
    recipe = read_recipe(path)
    try:
        classifiers = _load_classifiers(path, recipe)
    except (OSError, SafetensorError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise UnreadableFile(
            f"The bundle {path} is damaged ({error}). Write it again with mer train."
        ) from error
    return Bundle(recipe, classifiers)


def read_recipe(path: Path) -> Recipe:
    """Read the recipe of a bundle folder without its classifiers; raises `BadInput` as `load` does."""
    if not (path / JSON_FILE).is_file():
        raise UnreadableFile(
            f"{path} is not a bundle: it has no {JSON_FILE}. Make one: mer train PREPARED --out DIR"
        )
    try:
        return Recipe(**read_json(path / JSON_FILE))
    except ValidationError as error:
        raise UnreadableFile(f"The bundle {path} {describe_errors(error, Recipe)}") from error


def _load_classifiers(path: Path, recipe: Recipe) -> list[Any]:
    """Return the fitted classifiers, one per seed."""
    file = classifiers_file(path, recipe)
    if recipe.stored_as == "skops":
        from mer.evaluation.estimators import FittedForeign

        return [FittedForeign(one, len(recipe.labels)) for one in stored_estimators.load(file)]
    module = registry.load("mer.classifiers", recipe.classifier)
    # Classifiers may have a part that predicts and is imported faster, because it cannot be fitted.
    Restored = getattr(module, "Predictor", None) or module.Classifier
    by_seed: list[dict[str, np.ndarray]] = [{} for _ in recipe.classifier_settings]
    for key, value in load_file(file).items():
        seed, name = key.split(".", 1)
        by_seed[int(seed)][name] = value
    return [
        Restored.from_state(tensors, settings)
        for tensors, settings in zip(by_seed, recipe.classifier_settings)
    ]


def read_existing(out: Path) -> Recipe | None:
    """Return the recipe of the bundle in `out`, or None if a bundle can be written there.

    Raises
    ------
    BadInput
        If `out` holds anything else.
    """
    if not (out / JSON_FILE).is_file():
        if visible_names(out) - {WEIGHTS_FILE, SKOPS_FILE, CARD_FILE}:  # left by an interrupted `save`
            raise OccupiedOutput(f"{out} is not empty and holds no bundle. Choose another --out.")
        return None
    advice = "Choose another --out, or remove that folder."
    try:
        return Recipe(**read_json(out / JSON_FILE))
    except ValidationError as error:
        problems = describe_errors(error, Recipe)
        raise OccupiedOutput(f"{out} holds a bundle of another version: it {problems} {advice}") from error
    except BadInput as error:
        raise OccupiedOutput(f"{out} holds a damaged bundle: {error} {advice}") from error
