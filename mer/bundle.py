"""A bundle: a fitted classifier with everything needed to score a new clip.

A bundle is a folder that holds no code: `bundle.json` (how a clip becomes an input, what the classifier was
fitted on), `weights.safetensors` and `README.md` (the model card).
"""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from mer import stored_estimators
from mer.evaluation import calibration
from mer_core import claims, registry
from mer_core.errors import BadInput, OccupiedOutput, UnreadableFile
from mer_core.io import atomic_replace, read_json, visible_names, write_json, write_text
from mer_core.settings import describe_errors
from mer_core.text import format_count

SHIPPED = "synthetic"  # folder in mer/bundles
JSON_FILE, WEIGHTS_FILE, CARD_FILE = "bundle.json", "weights.safetensors", "README.md"
SKOPS_FILE = "classifiers.skops"  # in place of the weights, for scikit-learn classifiers that are not ours
# Two bundles that differ only in these fields are the same bundle.
NOT_IDENTITY = {"mer", "temperature", "min_motion", "min_confidence", "validated_ranges", "evidence"}


class Evidence(BaseModel):
    """A score of exactly these weights, shown beside every label."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # What was scored, such as "real micro-expressions".
    data: str
    n_clips: int
    n_subjects: int
    uf1: float
    calibration_error: float
    # First digits of the SHA-256 of the bundle's weights.
    weights: str
    # What a reader must know of the score, such as that the data was seen while the bundle was designed.
    remark: str = ""

    def __str__(self) -> str:
        remark = f" ({self.remark})" if self.remark else ""
        return (
            f"UF1 {self.uf1:.2f} and calibration error {self.calibration_error:.2f} on {self.n_clips} "
            f"{self.data} of {self.n_subjects} subjects{remark}; bundle weights {self.weights}"
        )


def evidence_words(evidence: Evidence | None) -> str:
    """Return what is known of the labels' quality, in words."""
    return str(evidence) if evidence else "none; this bundle was not measured on people outside its training"


class Recipe(BaseModel):
    """How a clip becomes an input, and what the classifier was fitted on: the contents of bundle.json."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    mer: str  # version of mer that wrote the bundle
    face_size: int  # side of the aligned face, px
    method: str  # of flow
    method_options: dict[str, Any]
    # First digits of the SHA-256 of the flow network's weights; None if the classifier saw no such flow.
    flow_weights: str | None = None
    # Match the brightness of the apex to the onset before the flow is estimated.
    match_exposure: bool
    # MediaPipe's release, and the hash of a model file, that found the landmarks (`describe_model`).
    face_model: str | None = None
    feature: str
    feature_settings: dict[str, Any]
    classifier: str
    # One entry per seed; probabilities are the mean over seeds.
    classifier_settings: list[dict[str, Any]] = Field(min_length=1)
    # "skops" for a scikit-learn classifier that is not ours.
    stored_as: Literal["tensors", "skops"] = "tensors"
    labels: list[str]  # in the order of the probabilities
    # Those of `labels` that mean "no emotion": if one of them is the most probable, no label is given.
    no_emotion_labels: list[str] = []
    protocol: str
    clips_per_label: dict[str, int]
    n_subjects: int
    datasets: list[str]
    synthetic: bool  # whether no clip showed a real face
    # Subtract the head's motion from the flow first (mer/inference/head_motion.py).
    remove_head_motion: bool = False
    # Log probabilities are divided by it; fitted on held-out subjects, 1 if uncalibrated.
    temperature: float = 1.0
    # No label below this motion, % of the inter-ocular distance, or below this probability.
    min_motion: float = 0.5
    min_confidence: float = 0.0
    # Name of a condition (mer/inference/reliability.py) -> range in which the bundle was fitted or validated.
    validated_ranges: dict[str, tuple[float, float]] = {}
    # Measured quality of the labels; None if nothing was measured on held-out data.
    evidence: Evidence | None = None


@dataclass(frozen=True)
class Bundle:
    """A recipe and its fitted classifiers, one per seed."""

    recipe: Recipe
    classifiers: list[Any]

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities, (N, n_labels) float64, the mean over seeds, for X (N, ...)."""
        p = np.mean([classifier.predict_proba(X) for classifier in self.classifiers], axis=0)
        return calibration.apply_temperature(p, self.recipe.temperature)

    def extract(self, flow: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Return the classifiers' input for flow (H, W, 2) px and landmarks (478, 2) px."""
        feature = registry.load("mer.features", self.recipe.feature)
        return feature.extract(flow, landmarks, **self.recipe.feature_settings)

    def __str__(self) -> str:
        return model_card(self.recipe)

    def __repr__(self) -> str:
        recipe = self.recipe
        return f"Bundle({recipe.classifier} on {recipe.feature} of {recipe.method} flow)"

    def _repr_html_(self) -> str:
        fields = self.recipe.model_dump(exclude={"classifier_settings"})
        rows = [f"<tr><th>{name}</th><td>{escape(str(value))}</td></tr>" for name, value in fields.items()]
        return f"<table>{''.join(rows)}</table>"


def default_path() -> Path:
    """Return the folder of the bundle that ships with mer."""
    return Path(__file__).parent / "bundles" / SHIPPED


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
    if bundle.recipe.stored_as == "skops":
        stored_estimators.save([fitted.estimator for fitted in bundle.classifiers], out / SKOPS_FILE)
    else:
        tensors = {
            f"{seed}.{name}": np.ascontiguousarray(value)
            for seed, classifier in enumerate(bundle.classifiers)
            for name, value in classifier.state()[0].items()
        }
        with atomic_replace(out / WEIGHTS_FILE) as temporary:
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
    if recipe.stored_as == "skops":
        from mer.evaluation.estimators import FittedForeign

        return [FittedForeign(one, len(recipe.labels)) for one in stored_estimators.load(path / SKOPS_FILE)]
    Classifier = registry.load("mer.classifiers", recipe.classifier).Classifier
    by_seed: list[dict[str, np.ndarray]] = [{} for _ in recipe.classifier_settings]
    for key, value in load_file(path / WEIGHTS_FILE).items():
        seed, name = key.split(".", 1)
        by_seed[int(seed)][name] = value
    return [
        Classifier.from_state(tensors, settings)
        for tensors, settings in zip(by_seed, recipe.classifier_settings)
    ]


def model_card(recipe: Recipe) -> str:
    """Return the bundle's README: training data, inputs and outputs, limits."""
    counts = ", ".join(f"{n} {label}" for label, n in recipe.clips_per_label.items())
    faces = "**synthetic: no real person was seen**" if recipe.synthetic else "recordings of real people"
    seeds = format_count(len(recipe.classifier_settings), "seed")
    calibrated = f"calibrated on held-out subjects (temperature {recipe.temperature:.2f})"
    calibration = "uncalibrated" if recipe.temperature == 1 else calibrated
    motion = ""
    if limits := recipe.validated_ranges.get("motion of the face"):
        motion = (
            f"\n- **Validated range**: facial motion of {limits[0]:g} to {limits[1]:g} % of the inter-ocular "
            "distance.\n  `mer score` gives no label where a clip moves less or more."
        )
    landmarks = f" by landmarks of MediaPipe {recipe.face_model}" if recipe.face_model else ""
    method = _with_settings(recipe.method, recipe.method_options)
    feature = _with_settings(recipe.feature, recipe.feature_settings)
    return f"""# Bundle: {recipe.classifier.split("(")[0]} on {recipe.feature} of {recipe.method} flow

Written by mer {recipe.mer}. Score a clip with `mer score CLIP --bundle THIS_FOLDER`.

- **Fitted on** {sum(recipe.clips_per_label.values())} clips of {recipe.n_subjects} subjects
  ({", ".join(recipe.datasets)}; protocol {recipe.protocol}): {counts}. The faces are {faces}.
- **Input**: an onset and an apex frame, aligned to {recipe.face_size} px{landmarks},
  brightness {"matched" if recipe.match_exposure else "not matched"}; flow by {method}; feature {feature}.
- **Output**: probabilities of {", ".join(recipe.labels)}; mean over {seeds}, {calibration}.{motion}
- **Score**: unknown, because every clip was used for fitting. `mer cv` with the same settings estimates it.
- **Limits**: the bundle names the class that the motion between two frames resembles. It does not know what
  a person feels, it is not a lie detector, and no decision about a person should rest on it.
- **Terms**: weights fitted on licensed datasets fall under those datasets' terms. Check them before you
  pass this folder on.
"""


def _with_settings(name: str, settings: dict[str, Any]) -> str:
    return f"`{name}` {settings}" if settings else f"`{name}`"


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


def check_same_recipe(earlier: Recipe, recipe: Recipe, out: Path) -> None:
    """Raise `ChangedSettings` naming each field in which the bundle in `out` differs from the new one."""
    before, now = _identity(earlier), _identity(recipe)
    claims.check_unchanged(out, before, {name: now[name] for name in now if name in before}, "a bundle")


def _identity(recipe: Recipe) -> dict[str, Any]:
    """Return what makes a bundle this one: its fields but `NOT_IDENTITY`, classifier settings one by one."""
    fields = recipe.model_dump(mode="json", exclude=NOT_IDENTITY)
    by_seed = fields.pop("classifier_settings")
    settings = {
        f"{recipe.classifier}.{name}": value
        for name, value in by_seed[0].items()
        if name not in ("random_state", "classes")
    }
    return fields | {"seeds": len(by_seed)} | settings
