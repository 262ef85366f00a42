"""The settings of one cross-validation: one flat object, read from a YAML file and the command line, saved
with the run.
"""

import inspect
import re
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_serializer, field_validator

from mer_core.errors import BadInput
from mer_core.settings import describe_errors
from mer_core.yaml_files import read_yaml

Value = int | float | bool | str
# Words by which other tools choose a training length, or a network, by the score on the clips they then
# report.
CHOOSING_ON_TEST = (
    "earlystop",
    "bestepoch",
    "bestmodel",
    "bestcheckpoint",
    "keepbest",
    "patience",
    "monitor",
    "selecton",
)


class InputNames(NamedTuple):
    """What a run on prepared folders reads."""

    protocol: str
    method: str
    feature: str


class CvConfig(BaseModel):
    """Settings of `mer cv`. `protocol`, `method`, `feature` and `feature_settings` are null in a run on
    ready-made maps.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: str | None = (
        "composite-3"  # which clips count and how emotions become labels: a name, or a YAML file of your own
    )
    method: str | None = "srflownet"  # flow method whose flow is read from the prepared folders
    feature: str | None = "flow_image"  # what the classifier reads, made from flow and landmarks
    feature_settings: dict[str, Value] | None = Field(
        default_factory=dict
    )  # options of the feature, such as size: 28
    # What predicts the label: a name, or any scikit-learn classifier with predict_proba (from Python only).
    classifier: Any = "mer_net"
    classifier_settings: dict[str, Value] = Field(
        default_factory=dict
    )  # options of the classifier, such as epochs: 40
    search: dict[str, Annotated[list[Value], Field(min_length=1)]] | None = (
        None  # settings to choose inside the training subjects of each fold, such as C: [0.001, 0.01]
    )
    calibration: Literal["none", "temperature"] = (
        "none"  # soften or sharpen probabilities by what is found there; six times the work
    )
    inner_folds: int = Field(
        5, ge=2
    )  # parts the training subjects are split into for `search` and `calibration`
    seeds: int = Field(
        3, ge=1
    )  # how often every fold is fitted, with seeds 0, 1, ...; scores are means with their spread
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"  # for classifiers that are networks

    @field_validator("classifier")
    @classmethod
    def _is_classifier(cls, value: Any) -> Any:
        lacking = [name for name in ("fit", "get_params", "predict_proba") if not hasattr(value, name)]
        if isinstance(value, str) or not lacking:
            return value
        advice = "Wrap it in CalibratedClassifierCV."
        raise ValueError(
            f"a name or a scikit-learn classifier is needed, and this has no {lacking[0]}. {advice}"
        )

    @field_serializer("classifier")
    def _classifier_text(self, value: Any) -> str:
        """Return the name, or what a scikit-learn classifier prints of itself; it identifies a run and
        rebuilds nothing.
        """
        if isinstance(value, str):
            return value
        text = (
            value.__repr__(N_CHAR_MAX=10**6)
            if "N_CHAR_MAX" in inspect.signature(type(value).__repr__).parameters
            else repr(value)
        )
        return re.sub(r" at 0x[0-9a-f]+", "", " ".join(text.split()))

    @property
    def input_names(self) -> InputNames:
        """Protocol, method and feature; raises `BadInput` where one is null, as on ready-made maps."""
        if self.protocol is None or self.method is None or self.feature is None:
            lacking = [name for name in InputNames._fields if getattr(self, name) is None]
            raise BadInput(
                f"The setting {lacking[0]} is null, which only suits ready-made maps (--maps). Name one."
            )
        return InputNames(self.protocol, self.method, self.feature)

    @property
    def chooses(self) -> bool:
        """Is anything chosen inside the training subjects?"""
        return bool(self.search) or self.calibration != "none"


def load_config(path: str | Path | None = None, overrides: dict[str, Any] | None = None) -> CvConfig:
    """Return the settings of the YAML file `path` (the defaults where there is none), with `overrides` put
    over them.

    Raises `BadInput` naming every key that is not a setting, with the nearest one that is.
    """
    values: dict[str, Any] = {}
    where = "The configuration"
    if path is not None:
        where = f"The configuration {path}"
        values = read_yaml(path) or {}
        if not isinstance(values, dict):
            raise BadInput(f"{where} is not a table of settings. Known: {', '.join(CvConfig.model_fields)}.")
    _refuse_choosing_on_test({**values, **(overrides or {})}, where)
    try:
        return CvConfig(**{**values, **(overrides or {})})
    except ValidationError as error:
        raise BadInput(f"{where} {describe_errors(error, CvConfig)}") from error


def _refuse_choosing_on_test(values: dict[str, Any], where: str) -> None:
    """There is no such setting, and whoever looks for it should know why; see mer/evaluation/leakage.py for
    what it would be worth.
    """
    inside = values.get("classifier_settings")
    keys = [*values, *(inside if isinstance(inside, dict) else ())]
    tempting = [
        key for key in keys if any(word in str(key).lower().replace("_", "") for word in CHOOSING_ON_TEST)
    ]
    if tempting:
        raise BadInput(
            f"{where} has {', '.join(tempting)}: mer cv never chooses a training length or a network by its "
            "score on the test subject, "
            "which is worth .06 to .20 UF1 and is no result. Fix the number of epochs beforehand "
            "(classifier_settings: {epochs: 40}), or "
            "choose it inside the training subjects (search: {epochs: [20, 40, 80]}). What the leak would be "
            "worth: mer audit RUN."
        )


def save_config(config: BaseModel, path: str | Path) -> None:
    """Write the final values of `config` as YAML, whole or not at all."""
    from mer_core.io import write_text

    write_text(path, yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True))
