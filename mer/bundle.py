"""A bundle: a fitted classifier with everything needed to score a new clip, as a folder that holds no code.

bundle.json (how a clip becomes an input, what the classifier was fitted on), weights.safetensors, README.md
(the model card)
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from mer import stored_estimators
from mer.evaluation import nested
from mer.evaluation.estimators import FittedForeign
from mer_core import claims, registry
from mer_core.errors import BadInput
from mer_core.io import read_json, replacing, visible, write_json, write_text
from mer_core.settings import explain

SHIPPED = "synthetic"  # folder in mer/bundles
JSON_FILE, WEIGHTS_FILE, CARD_FILE = "bundle.json", "weights.safetensors", "README.md"
SKOPS_FILE = "classifiers.skops"  # instead of the weights, where the classifier is not ours
# What training or measuring finds out, or that another version wrote it, makes no other bundle.
MEASURED = {"mer", "temperature", "least_motion", "least_confidence", "measured"}


class Recipe(BaseModel):
    """How a clip becomes an input, and what the classifier was fitted on: the contents of bundle.json."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    mer: str  # version that wrote the bundle
    face_size: int  # px, side of the aligned face
    method: str  # flow method
    method_options: dict[str, Any]
    flow_weights: str | None = (
        None  # start of the SHA-256 of the flow network's weights; None: none, or none it was fitted on
    )
    match_exposure: bool
    feature: str
    feature_settings: dict[str, Any]
    classifier: str
    classifier_settings: list[dict[str, Any]] = Field(
        min_length=1
    )  # one per seed; probabilities are their mean
    stored_as: Literal["tensors", "skops"] = "tensors"  # skops: a scikit-learn classifier that is not ours
    labels: list[str]  # in the order of the probabilities
    no_label: list[
        str
    ] = []  # those of `labels` that say that no emotion shows: as the likeliest, none is given
    protocol: str
    clips: dict[str, int]  # label -> clips fitted on
    subjects: int
    datasets: list[str]
    synthetic: bool  # True: no real face among them
    own_motion: bool = False  # the head's motion is taken off the flow first (mer/inference/head_motion.py)
    # by which log probabilities are divided; fitted on held-out people (`calibration`), 1 where it was not
    temperature: float = 1.0
    least_motion: float = 0.5  # per cent of the inter-ocular distance; below it no label is given
    least_confidence: float = 0.0  # below it no label is given
    measured: dict[
        str, tuple[float, float]
    ] = {}  # what it was fitted or measured on: name (mer/inference/reliability.py) -> range


@dataclass(frozen=True)
class Bundle:
    """A recipe and its fitted classifiers, one per seed."""

    recipe: Recipe
    classifiers: list[Any]

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Mean probabilities over the seeds at the bundle's temperature, (N, labels) float64, for features X
        (N, ...).
        """
        p = np.mean([classifier.predict_proba(X) for classifier in self.classifiers], axis=0)
        return nested.apply_temperature(p, self.recipe.temperature)

    def __str__(self) -> str:
        return model_card(self.recipe)

    def _repr_html_(self) -> str:
        facts = {
            name: str(value)
            for name, value in self.recipe.model_dump().items()
            if name != "classifier_settings"
        }
        return pd.Series(facts, name="bundle").to_frame().to_html()

    def extract(self, flow: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """The feature of one flow (H, W, 2) px and its landmarks (478, 2) px, as the classifiers take it."""
        feature = registry.load("mer.features", self.recipe.feature)
        return feature.extract(flow, landmarks, **self.recipe.feature_settings)


def shipped() -> Path:
    """The bundle that comes with the package."""
    return Path(__file__).parent / "bundles" / SHIPPED


def save(bundle: Bundle, out: str | Path, replace: bool = False) -> None:
    """Write the bundle folder; a bundle of the same recipe is replaced, with `replace` any bundle; what else
    is not empty is refused.
    """
    out = Path(out)
    before = existing(out)
    if before and not replace:
        refuse_another(before, bundle.recipe, out)
    if bundle.recipe.stored_as == "skops":
        stored_estimators.save([one.estimator for one in bundle.classifiers], out / SKOPS_FILE)
    else:
        tensors = {
            f"{seed}.{name}": np.ascontiguousarray(value)
            for seed, classifier in enumerate(bundle.classifiers)
            for name, value in classifier.state()[0].items()
        }
        with replacing(out / WEIGHTS_FILE) as temporary:
            save_file(tensors, temporary)
    write_json(out / JSON_FILE, bundle.recipe.model_dump())
    write_text(out / CARD_FILE, model_card(bundle.recipe))


def load(path: str | Path | None = None) -> Bundle:
    """Read a bundle folder, by default the one that comes with mer; nothing in it is executed.

    Raises `BadInput` if it is not a bundle or is damaged.
    """
    path = shipped() if path is None else Path(path)
    if not (path / JSON_FILE).is_file():
        raise BadInput(
            f"{path} is no bundle: it has no {JSON_FILE}. Make one with: mer train PREPARED --out {path}"
        )
    try:
        recipe = Recipe(**read_json(path / JSON_FILE))
        classifiers = _load_classifiers(path, recipe)
    except ValidationError as error:
        raise BadInput(f"The bundle {path} {explain(error, Recipe)}") from error
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BadInput(f"The bundle {path} is damaged ({error}). Write it again with mer train.") from error
    return Bundle(recipe, classifiers)


def _load_classifiers(path: Path, recipe: Recipe) -> list[Any]:
    """Return the fitted classifiers, one per seed."""
    if recipe.stored_as == "skops":
        estimators = stored_estimators.load(path / SKOPS_FILE)
        return [FittedForeign(estimator, len(recipe.labels)) for estimator in estimators]
    tensors = load_file(path / WEIGHTS_FILE)
    Classifier = registry.load("mer.classifiers", recipe.classifier).Classifier
    classifiers = []
    for seed, settings in enumerate(recipe.classifier_settings):
        own = {
            name.split(".", 1)[1]: value
            for name, value in tensors.items()
            if name.split(".", 1)[0] == str(seed)
        }
        classifiers.append(Classifier.from_state(own, settings))
    return classifiers


def model_card(recipe: Recipe) -> str:
    """The bundle's README: what it was fitted on, what goes in and comes out, and what it cannot do."""
    counts = ", ".join(f"{count} {label}" for label, count in recipe.clips.items())
    kind = (
        "synthetic faces; it has seen no real person and its labels are a demonstration"
        if recipe.synthetic
        else "recorded faces"
    )
    sure = (
        "as they come"
        if recipe.temperature == 1
        else f"at temperature {recipe.temperature:.2f}, fitted on subjects that were left out in turn"
    )
    seeds = f"the mean of {n} seeds" if (n := len(recipe.classifier_settings)) > 1 else "of one seed"
    low, high = recipe.measured.get("motion of the face", (0, 0))
    moved = (
        f" Those faces move by {low:g} to {high:g} % of the inter-ocular distance, and `mer score` says "
        "where a clip moves less or more."
        if high
        else ""
    )
    method, feature = (
        f"`{name}`" + (f" {options}" if options else "")
        for name, options in (
            (recipe.method, recipe.method_options),
            (recipe.feature, recipe.feature_settings),
        )
    )
    return f"""# Bundle: {recipe.classifier.split("(")[0]} on {recipe.feature} of {recipe.method} flow

Written by mer {recipe.mer}. Score a clip with `mer score CLIP --bundle THIS_FOLDER`.

- **Fitted on** {sum(recipe.clips.values())} clips of {recipe.subjects} subjects
  ({", ".join(recipe.datasets)}; protocol {recipe.protocol}): {counts}. These are {kind}.
- **In**: an onset and an apex frame, aligned to {recipe.face_size} px,
  brightness {"matched" if recipe.match_exposure else "not matched"}; flow by {method}; feature {feature}.
- **Out**: probabilities of {", ".join(recipe.labels)}; {seeds}, {sure}.{moved}
- **Score**: none is stated here, because every clip above was used for fitting. For an honest
  estimate run `mer cv` with the same settings.
- **Cannot**: read minds. It measures facial motion between two frames and names the class that such
  motion resembles. It is no lie detector and no ground for a decision about a person.
- **Terms**: weights fitted on licensed datasets fall under those datasets' terms; check them before you
  pass this folder on.
"""


def existing(out: Path) -> Recipe | None:
    """The recipe of the bundle that `out` holds, None if it is free to be written to. Raises `BadInput` if it
    holds something else.
    """
    if not (out / JSON_FILE).is_file():
        if visible(out) - {WEIGHTS_FILE, SKOPS_FILE}:  # weights alone were left by a `save` that was stopped
            raise BadInput(f"{out} is not empty and holds no bundle. Choose another --out.")
        return None
    try:
        return Recipe(**read_json(out / JSON_FILE))
    except ValidationError as error:
        raise BadInput(
            f"{out} holds a bundle of another kind: it {explain(error, Recipe)} Choose another --out, or "
            "remove that folder."
        ) from error
    except BadInput as error:
        raise BadInput(
            f"{out} holds a damaged bundle: {error} Choose another --out, or remove that folder."
        ) from error


def refuse_another(before: Recipe, now: Recipe, out: Path) -> None:
    """Raise `ChangedSettings` naming all in which the bundle in `out` differs from the new one; measurements
    may.
    """
    old, new = _asked(before), _asked(now)
    claims.check_unchanged(out, old, {name: new[name] for name in new if name in old}, "a bundle")


def _asked(recipe: Recipe) -> dict[str, Any]:
    """What a bundle was asked to be, by name: the recipe without what was found out, and the classifier's
    settings one by one.
    """
    asked = recipe.model_dump(mode="json", exclude=MEASURED)
    settings = asked.pop("classifier_settings")
    own = {
        f"{recipe.classifier}.{name}": value
        for name, value in settings[0].items()
        if name not in ("random_state", "classes")
    }
    return asked | {"seeds": len(settings)} | own
