"""Score many clips into one CSV: a row per clip, with the reason if it failed; no clip is scored twice."""

import functools
import platform
import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from data_prep.face_model_file import VARIABLE, describe_model
from data_prep.own_recordings.recordings import find_recordings
from mer.inference import models
from mer.inference.score import Score
from mer.inference.score_table import ScoreTable
from mer_core import __version__, parallel, progress
from mer_core.errors import Incompatible, MerError, OccupiedOutput
from mer_core.io import printable_path
from mer_core.jit import say_what_numba_saves
from mer_core.locks import hold_lock
from mer_core.parallel import Workers


@dataclass(frozen=True)
class ScoreJob:
    """What is the same for every clip of a folder."""

    bundle: Path | None = None
    fps: float | None = None
    face: int = 1
    device: str = "auto"

    @property
    def bundle_name(self) -> str:
        """The bundle as rows name it."""
        return str(self.bundle) if self.bundle else "synthetic"

    @property
    def bundle_path(self) -> Path:
        """Path of the bundle."""
        from mer.bundle import default_path

        return self.bundle or default_path()


def score_all(
    folder: Path,
    out: Path,
    bundle: Path | None = None,
    fps: float | None = None,
    face: int = 1,
    jobs: int | None = None,
    device: str = "auto",
    scheduler: str | None = None,
) -> pd.DataFrame:
    """Score every clip below `folder` into the CSV `out`, each row as soon as it is known.

    A clip is named by its path below `folder`. Its earlier row is kept if content, bundle, weights of the
    flow network and options are the same; a clip that failed is tried again. Rows of other folders, and of
    clips that are gone, stay.

    Parameters
    ----------
    folder, out : Path
    bundle, fps, face, device
        As in `predict.score`.
    jobs, scheduler
        As in `mer_core.parallel.map_items`; Dask workers must see `folder` and `bundle` under the same paths.

    Returns
    -------
    pandas.DataFrame
        The rows of the clips of `folder`.

    Raises
    ------
    BadInput
        If `folder` holds no clips, or `out` is not a table of scores.
    InUse
        If another run writes to `out`.
    """
    if out.is_dir():
        raise OccupiedOutput(f"{out} is a folder. Choose another --out, a CSV file.")
    models.use_device(device)
    if scheduler:  # workers have other working directories
        folder, bundle = folder.absolute(), bundle and bundle.absolute()
    recordings = find_recordings(folder, ignore=out)
    if skipped := recordings.sentence():
        progress.say(skipped)
    say_what_numba_saves()
    job = ScoreJob(bundle, fps, face, device)
    with hold_lock(out.parent, f".{out.name}.lock"):
        table = ScoreTable(out, recordings, _identify_pipeline(job), _labels(job))
        _score_missing(table, job, Workers(jobs, scheduler))
        return table.finish()


def _score_missing(table: ScoreTable, job: ScoreJob, workers: Workers) -> None:
    """Score the clips without a row, and write each row as soon as it is known."""
    rows = parallel.map_items(
        functools.partial(_score_item, job=job, pipeline_id=table.pipeline_id),
        table.missing().items(),
        "Scoring",
        jobs=workers.jobs,
        setup=_import_threaded,
        isolated=True,
        scheduler=workers.scheduler,
    )
    with closing(table):
        for row in rows:
            table.add(row)
            progress.detail(f"{row['clip']}: {row['outcome']} {row.get('label') or row['reason']}")


def _import_threaded() -> None:
    """Import the libraries whose threads `parallel` limits."""
    import cv2  # noqa: F401
    import torch  # noqa: F401


_turn = threading.Lock()  # the models serve one thread at a time, and Dask workers have several


def _score_item(item: tuple[str, Path], job: ScoreJob, pipeline_id: str) -> dict[str, Any]:
    """Score one clip, (name, path), in a worker, which must use the same models as this process."""
    with _turn:
        models.use_device(job.device)
        if (own_id := _identify_pipeline(job)) != pipeline_id:
            raise Incompatible(
                f"The Dask worker on {platform.node()} has another bundle, flow network or face model than "
                f"this machine ({own_id}; {pipeline_id}). Install the same mer there, and start workers and "
                f"this command with the same {VARIABLE}."
            )
        progress.set_verbosity(quiet=True)
        return score_row(*item, job)


def score_row(name: str, clip: Path, job: ScoreJob) -> dict[str, Any]:
    """Return the row of one clip; an error becomes its outcome."""
    from mer.inference.predict import score

    row = {"clip": name, "bundle": job.bundle_name}
    try:
        result = score(clip, job.bundle, fps=job.fps, face=job.face, device=job.device)
    except MerError as error:
        reason = printable_path(str(error)).replace("\n", " ")
        return row | {"outcome": "failed", "reason": reason, "reason_code": error.code}
    except Exception as error:  # one clip must not end the batch
        reason = printable_path(f"{type(error).__name__}: {error}")
        return row | {"outcome": "failed", "reason": reason, "reason_code": "internal"}
    return row | _result_columns(result) | {"pipeline_id": _identify_pipeline(job)}


def _result_columns(score: Score) -> dict[str, Any]:
    units = (f"{unit.unit}{unit.side[0].upper() if unit.side != 'both' else ''}" for unit in score.units)
    columns = {
        "outcome": "ok" if score.label else "no label",
        "reason": score.reason or "",
        "reason_code": score.reason_code or "",
        "label": score.label or "",
        "onset": score.onset,
        "apex": score.apex,
        "onset_s": score.onset_s,
        "apex_s": score.apex_s,
        "motion": "" if score.motion is None else round(score.motion, 4),
        "interval": score.interval.kind if score.interval else "",
        "n_expressions": sum(interval.is_expression for interval in score.intervals),
        "region": score.regions[0].name if score.regions else "",
        "units": " ".join(units),
        "warnings": " ".join(score.warnings),
    }
    return columns | {f"p_{label}": round(p, 6) for label, p in score.probabilities.items()}


def _labels(job: ScoreJob) -> list[str]:
    return models.get_recipe(str(job.bundle_path)).labels


def _identify_pipeline(job: ScoreJob) -> str:
    """Describe what decides a row besides its clip: bundle, flow weights, versions, face model, options."""
    from flow.estimate import file_digest
    from mer import bundle as bundles

    recipe = models.get_recipe(str(job.bundle_path))
    method = recipe.clip_input.method
    flow = models.get_method(method, recipe.method_options).weights or method
    parts = [
        file_digest(job.bundle_path / bundles.JSON_FILE)[:8],
        file_digest(bundles.classifiers_file(job.bundle_path, recipe))[:8],
        flow[:8],
        f"mer {__version__}",
        f"MediaPipe {describe_model()}",
    ]
    if job.fps:
        parts.append(f"fps {job.fps:g}")
    if job.face != 1:
        parts.append(f"face {job.face}")
    return " ".join(parts)
