"""Many clips -> one CSV: a row per clip, with a reason where it failed; nothing is scored twice."""

import platform
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pandas as pd

from data_prep.face_model_file import VARIABLE, model_file
from data_prep.recordings import find_recordings
from mer.inference import models
from mer.inference.score_table import ScoreTable
from mer_core import cluster
from mer_core.content import content_id
from mer_core.device import n_cores
from mer_core.errors import BadInput, MerError
from mer_core.io import printable_path
from mer_core.locks import hold_lock
from mer_core.parallel import exit_with_parent
from mer_core.progress import say, track


def clips_below(folder: Path) -> list[Path]:
    """Videos and folders of numbered images below `folder`, sorted; raises `BadInput` if there are none.

    A folder counts by what it holds, whatever its name; a link that leads nowhere counts by its own name.
    """
    return list(find_recordings(folder).clips.values())


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

    A clip's name is its path below `folder`. One that was scored before is kept where its content, the
    bundle, the flow network's weights and the options are the same; one that failed is tried again. Rows of
    other folders, and of clips that are gone, stay.

    scheduler : address of a Dask scheduler; its workers must see `folder` and `bundle` under the same paths.

    Returns
    -------
    The rows of the clips of `folder`.

    Raises
    ------
    BadInput : `folder` holds no clips, or `out` is not a table of scores.
    InUse : another run writes to `out`.
    """
    if out.is_dir():
        raise BadInput(f"{out} is a folder. Choose another --out, a CSV file.")
    models.use_device(device)
    if scheduler:  # workers have other working directories
        folder, bundle = folder.absolute(), bundle and bundle.absolute()
    recordings = find_recordings(folder, ignore=out)
    if skipped := recordings.sentence():
        say(skipped)
    with hold_lock(out.parent, f".{out.name}.lock"):
        made_by = _made_by(bundle, fps, face)
        table = ScoreTable(out, recordings, made_by, _labels(bundle))
        todo = table.missing()
        arguments = (bundle, fps, face, device)
        if scheduler:
            rows = cluster.map_items(
                scheduler, _score_on_cluster, todo.items(), arguments=arguments, made_by=made_by
            )
        else:
            rows = _score_in_processes(todo, jobs, arguments)
        with closing(table):
            for row in track(rows, "Scoring", len(todo)):
                table.add(row)
        return table.finish()


def _score_in_processes(todo: dict[str, Path], jobs: int | None, arguments: tuple) -> Iterator[dict]:
    pool = ProcessPoolExecutor(jobs or n_cores(), mp_context=get_context("spawn"), initializer=_start)
    try:
        futures = [pool.submit(score_row, name, clip, *arguments) for name, clip in todo.items()]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        advice = "Run the same command again to go on, with fewer --jobs."
        raise MerError(f"A worker process was killed, perhaps for lack of memory. {advice}") from error
    finally:  # also when interrupted: what has not begun never will
        pool.shutdown(cancel_futures=True)


_turn = threading.Lock()  # the models serve one thread at a time, and Dask workers have several


def _score_on_cluster(item: tuple[str, Path], arguments: tuple, made_by: str) -> dict:
    bundle, fps, face, device = arguments
    with _turn:
        here = _made_by(bundle, fps, face)
        if here != made_by:
            raise BadInput(
                f"The Dask worker on {platform.node()} has another bundle, flow network or face model than "
                f"this machine ({here}; {made_by}). Install the same mer there, and start workers and this "
                f"command with the same {VARIABLE}."
            )
        models.use_device(device)
        return score_row(*item, *arguments)


def score_row(name: str, clip: Path, bundle: Path | None, fps: float | None, face: int, device: str) -> dict:
    """The row of one clip; what goes wrong becomes its outcome."""
    from mer.inference.predict import score
    from mer_core import progress

    progress.set_verbosity(quiet=True)
    try:
        found = score(clip, bundle, fps=fps, face=face, device=device)
    except MerError as error:
        return {
            "clip": name,
            "outcome": "failed",
            "reason": printable_path(str(error)).replace("\n", " "),
            "bundle": _name(bundle),
        }
    except Exception as error:  # one clip must not end the batch
        return {
            "clip": name,
            "outcome": "failed",
            "reason": printable_path(f"{type(error).__name__}: {error}"),
            "bundle": _name(bundle),
        }
    row = {
        "clip": name,
        "outcome": "ok" if found.label else "no label",
        "reason": found.reason or "",
        "label": found.label or "",
        "onset": found.onset,
        "apex": found.apex,
        "onset_s": found.onset_s,
        "apex_s": found.apex_s,
        "motion": round(found.motion, 4),
        "interval": found.interval.kind if found.interval else "",
        "n_expressions": sum(interval.is_expression for interval in found.intervals),
        "region": found.regions[0].name,
        "units": " ".join(f"{u.unit}{u.side[0].upper() if u.side != 'both' else ''}" for u in found.units),
        "warnings": " ".join(found.warnings),
        "bundle": _name(bundle),
        "made_by": _made_by(bundle, fps, face),
    }
    return row | {f"p_{label}": round(p, 6) for label, p in found.probabilities.items()}


def _name(bundle: Path | None) -> str:
    return str(bundle) if bundle else "synthetic"


def _labels(bundle: Path | None) -> list[str]:
    from mer import bundle as bundles

    return models.bundle(str(bundle or bundles.default_path())).recipe.labels


def _made_by(bundle: Path | None, fps: float | None, face: int) -> str:
    """What decides a row beside its clip: contents of bundle, flow weights and face model, and options."""
    from flow.estimate import file_digest
    from mer import bundle as bundles

    path = bundle or bundles.default_path()
    recipe = models.recipe(str(path))
    flow = models.method(recipe.method, recipe.method_options).weights or recipe.method
    parts = [
        file_digest(path / bundles.JSON_FILE)[:8],
        file_digest(path / bundles.WEIGHTS_FILE)[:8],
        flow[:8],
    ]
    if file := model_file():
        parts.append(f"face model {content_id(file)}")
    return " ".join(parts + ([f"fps {fps:g}"] if fps else []) + ([f"face {face}"] if face != 1 else []))


def _start() -> None:
    """A process to each core leaves no core to a second thread; Ctrl-C is the parent's to handle."""
    import cv2
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    exit_with_parent()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
