"""Cross-validate prepared folders or arrays, and write the run with its report, in one call."""

from collections.abc import Sequence
from pathlib import Path

from mer.evaluation import au_detection, run
from mer.evaluation.au_detection import UnitScores
from mer.evaluation.config import CvConfig
from mer.evaluation.finished_run import Run, open_run
from mer.evaluation.inputs import Arrays, are_arrays, as_paths
from mer.report.run_report import write_report
from mer_core.parallel import Workers


def cross_validate(
    prepared: str | Path | Sequence[str | Path] | Arrays,
    config: CvConfig | None = None,
    out: str | Path = "run",
    jobs: int = 1,
    scheduler: str | None = None,
) -> Run | UnitScores:
    """Cross-validate, leaving one subject or dataset out, and write the run with its report.

    Nothing is fitted or chosen on held-out clips.

    Parameters
    ----------
    prepared : path, sequence of paths, or (table, X)
        Prepared folders whose flow has been estimated; or a table with `dataset, subject, clip, label`, one
        row per clip, and its features X, (N, ...) float.
    config : CvConfig or None
        None: the default settings. `CvConfig(classifier=...)` takes a name or any scikit-learn classifier.
    out : path
        Folder of the run. An interrupted run with the same settings and data continues.
    jobs, scheduler
        Number of processes, or address of a Dask scheduler, for classifiers that fit folds one by one.

    Returns
    -------
    Run or UnitScores
        `UnitScores` under a protocol that detects action units.

    Raises
    ------
    BadInput
        If the folders, arrays or settings cannot be used, or `out` holds another run.
    InUse
        If another process is making a run in `out`.

    Examples
    --------
    >>> import mer, numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame({"dataset": "mine", "subject": [f"s{i // 4}" for i in range(24)],
    ...                       "clip": [str(i) for i in range(24)], "label": ["calm", "moved"] * 12})
    >>> X = rng.normal(size=(24, 5)) + np.tile([[0.0], [2.0]], (12, 1))
    >>> run = mer.cross_validate((table, X), mer.CvConfig(classifier="logistic"), "runs/arrays")
    >>> run.metrics["subjects"], len(run.predictions)
    (6, 24)
    >>> config = mer.CvConfig(protocol="smic-3", method="dis", classifier="logistic")
    >>> run = mer.cross_validate("prepared/smic", config, "runs/logistic")
    >>> list(run.scores.columns)
    ['value', 'low', 'high', 'majority class']
    """
    config, workers = config or CvConfig(), Workers(jobs, scheduler)
    if are_arrays(prepared):
        run.cross_validate_arrays(*prepared, config, out, workers=workers)
        return finish_run(out)
    return _cross_validate_folders(as_paths(prepared), config, out, workers)


def _cross_validate_folders(
    paths: Sequence[str | Path], config: CvConfig, out: str | Path, workers: Workers
) -> Run | UnitScores:
    if au_detection.detects_units(config):
        scores = au_detection.cross_validate_units(paths, config, out, workers)
        write_report(out)
        return UnitScores(Path(out), scores)
    run.cross_validate_prepared(paths, config, out, workers)
    return finish_run(out)


def finish_run(out: str | Path) -> Run:
    """Write the report of the run in `out` and open it."""
    write_report(out)
    return open_run(out)
