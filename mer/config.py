"""The settings of one cross-validation: one flat object, read from a YAML file and the command line, saved with the run."""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mer.errors import BadInput
from mer.settings import explain

Value = int | float | bool | str


class CvConfig(BaseModel):
    """Settings of `mer cv`. `protocol`, `method`, `feature` and `feature_settings` are null in a run on ready-made maps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: str | None = "composite-3"  # which clips count and how emotions become labels: a name, or a YAML file of your own
    method: str | None = "dis"  # flow method whose flow is read from the prepared folders
    feature: str | None = "flow_image"  # what the classifier reads, made from flow and landmarks
    feature_settings: dict[str, Value] | None = Field(default_factory=dict)  # options of the feature, such as size: 28
    classifier: str = "ststnet"  # what predicts the label
    classifier_settings: dict[str, Value] = Field(default_factory=dict)  # options of the classifier, such as epochs: 40
    seeds: int = Field(3, ge=1)  # how often every fold is fitted, with seeds 0, 1, ...; scores are means with their spread
    device: Literal["auto", "cpu", "cuda"] = "cpu"  # for classifiers that are networks; the small ones are no faster on a card


def load_config(path: str | Path | None = None, overrides: dict[str, Any] | None = None) -> CvConfig:
    """Return the settings of the YAML file `path` (the defaults where there is none), with `overrides` put over them.

    Raises `BadInput` naming every key that is not a setting, with the nearest one that is.
    """
    values: dict[str, Any] = {}
    where = "The configuration"
    if path is not None:
        where = f"The configuration {path}"
        try:
            values = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise BadInput(f"{where} cannot be read: {error}") from error
        if not isinstance(values, dict):
            raise BadInput(f"{where} is not a table of settings. Known: {', '.join(CvConfig.model_fields)}.")
    try:
        return CvConfig(**{**values, **(overrides or {})})
    except ValidationError as error:
        raise BadInput(f"{where} {explain(error, CvConfig)}") from error


def save_config(config: BaseModel, path: str | Path) -> None:
    """Write the final values of `config` as YAML, whole or not at all."""
    from mer.disk import write_text

    write_text(path, yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True))
