"""Files of a run folder that `cross_validation` writes while it works; run.py lists the whole folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

import mer_core
from mer.evaluation.config import CvConfig, save_config
from mer_core import claims, yaml_files
from mer_core.errors import OccupiedOutput, UnreadableFile
from mer_core.io import atomic_replace, read_json, visible_names, write_json

# Read as text: subject 006 is not the number 6.
TEXT_COLUMNS = dict.fromkeys(("clip_id", "dataset", "subject", "fold", "label", "prediction"), str)


def claim_run(out: Path, config: CvConfig, data: dict[str, Any]) -> None:
    """Make `out` the folder of this run, or check that it already is: same settings, data and version.

    Folds of two different runs must never be pooled.

    Raises
    ------
    ChangedSettings
        If `out` holds another run; the message names every key that changed.
    BadInput
        If `out` holds anything else.
    """
    now = {**config.model_dump(), **data, "version": mer_core.__version__}
    file, settings = out / "input.json", out / "config.yaml"
    if file.is_file() and settings.is_file():
        defaults = CvConfig().model_dump()  # of settings that the earlier run did not have yet
        before = {**defaults, **read_settings(settings), **read_json(file)}
        claims.check_unchanged(out, before, now, "a run")
    elif visible_names(out) - {file.name}:
        raise OccupiedOutput(f"{out} is not empty and holds no run to continue. Choose another --out.")
    else:
        # input.json first: if interrupted here, a config.yaml alone could be the user's own file.
        write_json(file, {**data, "version": mer_core.__version__})
        save_config(config, settings)


def predictions_file(out: Path, seed: int, fold: str) -> Path:
    """Return the file of one fold's predictions; quoting keeps a subject's name inside the folder."""
    return out / "predictions" / f"seed-{seed}" / f"{quote(fold, safe='')}.csv"


def choice_file(out: Path, seed: int, fold: str) -> Path:
    """Return the file of what was chosen inside the training subjects of one fold."""
    return out / "choices" / f"seed-{seed}" / f"{quote(fold, safe='')}.json"


def read_settings(path: Path) -> dict[str, Any]:
    """Return the settings in a run's config.yaml; raise `BadInput` if it cannot be read."""
    try:
        return dict(yaml_files.read_yaml(path))
    except (ValueError, TypeError) as error:
        raise UnreadableFile(f"{path} cannot be read: {error}") from error


def read_predictions(path: str | Path) -> pd.DataFrame:
    """Return a table of predictions; floats are read back to the last bit, ids stay text."""
    columns = ["dataset", "subject", "seed", "label", "prediction"]
    return read_table(path, columns, dtype=TEXT_COLUMNS, float_precision="round_trip")


def read_table(path: str | Path, columns: Sequence[str], **csv_options: Any) -> pd.DataFrame:
    """Return a table of a run; raise `BadInput` if it cannot be read or lacks one of `columns`."""
    try:
        table = pd.read_csv(path, keep_default_na=False, **csv_options)
        if missing := [name for name in columns if name not in table]:
            raise ValueError(f"it has no column {', '.join(missing)}")
    except (OSError, OverflowError, ValueError) as error:
        raise UnreadableFile(
            f"{path} cannot be read: {error}. Delete it and run the same mer cv again."
        ) from error
    return table


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, whole or not at all."""
    with atomic_replace(path) as temporary:
        table.to_csv(temporary, index=False)
