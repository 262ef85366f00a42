"""The settings of one cross-validation, read from a YAML file and the command line, saved with the run."""

import inspect
import re
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_serializer, field_validator

from mer_core.errors import BadSetting
from mer_core.io import write_text
from mer_core.settings import describe_errors
from mer_core.yaml_files import read_yaml

Value = int | float | bool | str
# Names under which other tools choose a training length, or a network, by the score that they then report.
TEST_SELECTION_WORDS = (
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
    """Settings of `mer cv`.

    `protocol`, `method`, `feature` and `feature_settings` are null in a run on ready-made maps.

    Examples
    --------
    >>> import mer
    >>> mer.CvConfig(protocol="smic-3", classifier="logistic").seeds
    3
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Which clips are included and how annotations become labels: a name, or your own YAML file.
    protocol: str | None = "composite-3"
    # Flow method whose flow is read from the prepared folders.
    method: str | None = "srflownet"
    # What the classifier reads, made from flow and landmarks, and its options, such as size: 28.
    feature: str | None = "flow_image"
    feature_settings: dict[str, Value] | None = Field(default_factory=dict)
    # A name or, from Python, any scikit-learn classifier with predict_proba; and options, such as epochs: 40.
    classifier: Any = "mer_net"
    classifier_settings: dict[str, Value] = Field(default_factory=dict)
    # Values to choose among inside the training subjects of each fold, such as C: [0.001, 0.01].
    search: dict[str, Annotated[list[Value], Field(min_length=1)]] | None = None
    # "temperature" fits one inside the training subjects of each fold; takes six times as long.
    calibration: Literal["none", "temperature"] = "none"
    # Number of parts that `search` and `calibration` split the training subjects into.
    inner_folds: int = Field(5, ge=2)
    # How often every fold is fitted, with seeds 0, 1, ...; scores are means over seeds.
    seeds: int = Field(3, ge=1)
    # Device of classifiers that are networks.
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"

    @field_validator("classifier")
    @classmethod
    def _is_classifier(cls, value: Any) -> Any:
        missing = [name for name in ("fit", "get_params", "predict_proba") if not hasattr(value, name)]
        if isinstance(value, str) or not missing:
            return value
        advice = " Wrap it in CalibratedClassifierCV." if missing == ["predict_proba"] else ""
        raise ValueError(
            f"a name or a scikit-learn classifier is needed, and this has no {missing[0]}.{advice}"
        )

    @field_serializer("classifier")
    def _classifier_text(self, value: Any) -> str:
        """Return the name, or the repr of a scikit-learn classifier, which identifies a run."""
        if isinstance(value, str):
            return value
        takes_length = "N_CHAR_MAX" in inspect.signature(type(value).__repr__).parameters
        text = value.__repr__(N_CHAR_MAX=10**6) if takes_length else repr(value)
        return re.sub(r" at 0x[0-9a-f]+", "", " ".join(text.split()))

    @property
    def input_names(self) -> InputNames:
        """Protocol, method and feature; raises `BadInput` if one is null, as on ready-made maps."""
        if self.protocol is None or self.method is None or self.feature is None:
            missing = [name for name in InputNames._fields if getattr(self, name) is None]
            raise BadSetting(
                f"The setting {missing[0]} is null, which suits ready-made maps (--maps) only. Give a name."
            )
        return InputNames(self.protocol, self.method, self.feature)

    @property
    def chooses(self) -> bool:
        """Is anything chosen inside the training subjects?"""
        return bool(self.search) or self.calibration != "none"


def is_object_text(classifier: str) -> bool:
    """Return whether a stored `classifier` is the text of a scikit-learn object, not a name."""
    return "(" in classifier


def load_config(path: str | Path | None = None, overrides: dict[str, Any] | None = None) -> CvConfig:
    """Return the settings of a YAML file, or the defaults, updated with `overrides`.

    Raises
    ------
    BadInput
        Naming every unknown key with the nearest setting.
    """
    where = "The configuration"
    values: dict[str, Any] = {}
    if path is not None:
        where = f"The configuration {path}"
        values = read_yaml(path) or {}
        if not isinstance(values, dict):
            raise BadSetting(
                f"{where} is not a YAML mapping. Known keys: {', '.join(CvConfig.model_fields)}."
            )
    values = {**values, **(overrides or {})}
    _refuse_selection_on_test(values, where)
    try:
        return CvConfig(**values)
    except ValidationError as error:
        raise BadSetting(f"{where} {describe_errors(error, CvConfig)}") from error


def _refuse_selection_on_test(values: dict[str, Any], where: str) -> None:
    """Refuse settings such as early stopping with the reason; leakage.py measures what they are worth."""
    settings = values.get("classifier_settings")
    keys = [str(key) for key in (*values, *(settings if isinstance(settings, dict) else ()))]
    found = [
        key for key in keys if any(word in key.lower().replace("_", "") for word in TEST_SELECTION_WORDS)
    ]
    if found:
        raise BadSetting(
            f"{where} has {', '.join(found)}. mer cv never chooses a training length or a network by its "
            "score on the test subject: that adds .06 to .20 UF1 and is not a result. Fix the number of "
            "epochs (classifier_settings: {epochs: 40}), or choose it inside the training subjects "
            "(search: {epochs: [20, 40, 80]}). mer audit RUN shows what the leak would be worth."
        )


def save_config(config: BaseModel, path: str | Path) -> None:
    """Write the final settings as YAML, whole or not at all."""
    write_text(path, yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True))
