"""The recipe of a bundle: how a clip becomes an input, and what the classifier was fitted on."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from mer_core import claims
from mer_core.errors import BadInput
from mer_core.text import format_count

# Two bundles that differ only in these fields are the same bundle.
NOT_IDENTITY = {
    "mer",
    "temperature",
    "min_motion",
    "min_confidence",
    "validated_ranges",
    "evidence",
    "validation",
}


class NoClipInput(BadInput):
    """A clip for a bundle that was fitted on arrays."""

    code = "no-clip-input"


class ClipInput(NamedTuple):
    """How a clip becomes an input, for a bundle that knows it."""

    face_size: int
    method: str
    match_exposure: bool
    feature: str


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


class Validation(BaseModel):
    """How the lower end of the motion's range and the least probability of a label were set.

    With films of people outside the training, read through camera, codec, tracker, spotter and flow.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    n_films: int
    # Labels are given from the motion on at which this fraction of the expressions is found.
    detection_rate: float
    # That motion as shown, % of the inter-ocular distance; the range has it as measured.
    detection_limit: float
    # The least probability has the lowest cost: 1 for a wrong label, this for an expression without one.
    abstention_cost: float
    # Of the films inside the ranges: with a label, and with a wrong one.
    n_inside: int
    n_labelled: int
    n_wrong: int
    # First digits of the SHA-256 of the weights of bundle and flow network.
    weights: str
    flow_weights: str


def evidence_words(evidence: Evidence | None) -> str:
    """Return what is known of the labels' quality, in words."""
    return str(evidence) if evidence else "none; this bundle was not measured on people outside its training"


class Recipe(BaseModel):
    """How a clip becomes an input, and what the classifier was fitted on: the contents of bundle.json.

    `face_size`, `method`, `match_exposure` and `feature` are null in a bundle that was fitted on arrays.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    mer: str  # version of mer that wrote the bundle
    face_size: int | None  # side of the aligned face, px
    method: str | None  # of flow
    method_options: dict[str, Any]
    # First digits of the SHA-256 of the flow network's weights; None if the classifier saw no such flow.
    flow_weights: str | None = None
    # Match the brightness of the apex to the onset before the flow is estimated.
    match_exposure: bool | None
    # MediaPipe's release, and the hash of a model file, that found the landmarks (`describe_model`).
    face_model: str | None = None
    feature: str | None
    feature_settings: dict[str, Any]
    # Of one input, if the bundle was fitted on arrays.
    input_shape: tuple[int, ...] | None = None
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
    validation: Validation | None = None

    @property
    def clip_input(self) -> ClipInput:
        """How a clip becomes an input; raises `NoClipInput` for a bundle that was fitted on arrays."""
        values = self.face_size, self.method, self.match_exposure, self.feature
        if None in values:
            raise NoClipInput(
                "The bundle was fitted on arrays and does not know how a clip becomes one. Give it arrays "
                "(mer.load_bundle(DIR).predict_proba), or fit a bundle on prepared folders."
            )
        return ClipInput(*values)  # type: ignore[arg-type]


def model_card(recipe: Recipe) -> str:
    """Return the bundle's README: training data, inputs and outputs, limits."""
    counts = ", ".join(f"{n} {label}" for label, n in recipe.clips_per_label.items())
    seeds = format_count(len(recipe.classifier_settings), "seed")
    calibrated = f"calibrated on held-out subjects (temperature {recipe.temperature:.2f})"
    calibration = "uncalibrated" if recipe.temperature == 1 else calibrated
    motion = ""
    if limits := recipe.validated_ranges.get("motion of the face"):
        motion = (
            f"\n- **Validated range**: facial motion of {limits[0]:g} to {limits[1]:g} % of the inter-ocular "
            "distance.\n  `mer score` gives no label where a clip moves less or more."
        )
    source, use, faces, input_lines = _of_arrays(recipe) if recipe.input_shape else _of_clips(recipe)
    return f"""# Bundle: {recipe.classifier.split("(")[0]} on {source}

Written by mer {recipe.mer}. {use}

- **Fitted on** {sum(recipe.clips_per_label.values())} clips of {recipe.n_subjects} subjects
  ({", ".join(recipe.datasets)}; protocol {recipe.protocol}): {counts}.{faces}
- **Input**: {input_lines}
- **Output**: probabilities of {", ".join(recipe.labels)}; mean over {seeds}, {calibration}.{motion}
- **Score**: unknown, because every clip was used for fitting. `mer cv` with the same settings estimates it.
- **Limits**: the bundle names the class that the motion between two frames resembles. It does not know what
  a person feels, it is not a lie detector, and no decision about a person should rest on it.
- **Terms**: weights fitted on licensed datasets fall under those datasets' terms. Check them before you
  pass this folder on.
"""


def _of_clips(recipe: Recipe) -> tuple[str, str, str, str]:
    """Return source, use, faces and input of a bundle that scores clips, for its card."""
    faces = "**synthetic: no real person was seen**" if recipe.synthetic else "recordings of real people"
    landmarks = f" by landmarks of MediaPipe {recipe.face_model}" if recipe.face_model else ""
    face_size, name, match_exposure, feature = recipe.clip_input
    method = _with_settings(name, recipe.method_options)
    return (
        f"{feature} of {name} flow",
        "Score a clip with `mer score CLIP --bundle THIS_FOLDER`.",
        f" The faces are {faces}.",
        f"an onset and an apex frame, aligned to {face_size} px{landmarks},\n"
        f"  brightness {'matched' if match_exposure else 'not matched'}; flow by {method}; "
        f"feature {_with_settings(feature, recipe.feature_settings)}.",
    )


def _of_arrays(recipe: Recipe) -> tuple[str, str, str, str]:
    """Return the same of a bundle that was fitted on arrays."""
    shape = " x ".join(map(str, recipe.input_shape or ()))
    return (
        "arrays",
        "Predict with `mer.load_bundle(THIS_FOLDER).predict_proba(X)`.",
        "",
        f"arrays of {shape} values, made as those that it was fitted on. The bundle does not know how a\n"
        "  clip becomes one, so `mer score` refuses it.",
    )


def _with_settings(name: str, settings: dict[str, Any]) -> str:
    return f"`{name}` {settings}" if settings else f"`{name}`"


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
