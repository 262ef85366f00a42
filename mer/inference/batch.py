"""Many clips -> one CSV: a row per clip, with a reason where it failed; nothing is scored twice."""

import platform
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import pandas as pd

from data_prep.face_model_file import VARIABLE, model_file
from data_prep.recordings import Recordings, find_recordings, recording_id
from mer.inference import models
from mer_core import cluster
from mer_core.content import content_id
from mer_core.device import n_cores
from mer_core.errors import BadInput, MerError
from mer_core.io import atomic_replace, printable_path
from mer_core.locks import hold_lock
from mer_core.progress import say, track

COLUMNS = [
    "clip",
    "folder",
    "content",
    "outcome",
    "reason",
    "label",
    "onset",
    "apex",
    "onset_s",
    "apex_s",
    "motion",
    "interval",
    "n_expressions",
    "region",
    "units",
    "warnings",
    "bundle",
    "made_by",
]


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
    """Score every clip below `folder` into the CSV `out`, which is written after each clip.

    A clip's name is its path below `folder`. One that was scored before is kept where its content, the
    bundle, the flow network's weights and the options are the same; one that failed is tried again. Rows of
    other folders, and of clips that are gone, stay.

    scheduler : address of a Dask scheduler; its workers must see `folder` and `bundle` under the same paths.

    Returns
    -------
    The rows of the clips of `folder`.

    Raises
    ------
    BadInput : `folder` holds no clips, or `out` is no table of scores.
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
        results = _Results(out, recordings, _made_by(bundle, fps, face))
        todo = {name: clip for name, clip in recordings.clips.items() if name not in results.rows}
        arguments = (bundle, fps, face, device)
        if scheduler:
            rows = cluster.map_items(
                scheduler, _score_on_cluster, todo.items(), arguments=arguments, made_by=results.made_by
            )
        else:
            rows = _score_in_processes(todo, jobs, arguments)
        for row in track(rows, "Scoring", len(todo)):
            results.add(row["clip"], row)
        return results.write()


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


class _Results:
    """The table `out`: rows of these recordings by clip, and the rows that others left there."""

    def __init__(self, out: Path, recordings: Recordings, made_by: str):
        self.out, self.clips, self.made_by = out, recordings.clips, made_by
        self.folder = printable_path(recordings.folder.absolute())
        self.content = {name: _content(clip) for name, clip in self.clips.items()}
        self.rows: dict[str, dict] = {}
        self.others: list[dict] = []
        for row in _read(out):
            is_here = row["folder"] == self.folder and row["clip"] in self.clips
            if not is_here:
                self.others.append(row)
            elif (row["made_by"], row["content"]) == (made_by, self.content[row["clip"]]) and row[
                "outcome"
            ] != "failed":
                self.rows[row["clip"]] = row

    def add(self, name: str, row: dict) -> None:
        """Take in the row of a clip, and write the table."""
        self.rows[name] = row | {"folder": self.folder, "content": self.content[name]}
        self.write()

    def write(self) -> pd.DataFrame:
        """Write all rows; returns those of these recordings."""
        own = [self.rows[name] for name in self.clips if name in self.rows]
        table = pd.DataFrame([*self.others, *own])
        table = table.reindex(columns=[*COLUMNS, *(column for column in table if column not in COLUMNS)])
        with atomic_replace(self.out) as temporary:
            table.to_csv(temporary, index=False)
        return table.iloc[len(self.others) :].reset_index(drop=True)


def _content(clip: Path) -> str:
    """Content of a clip; empty where it cannot be read, which its row will say."""
    try:
        return recording_id(clip)
    except (BadInput, OSError):
        return ""


def _read(out: Path) -> list[dict]:
    """Rows of an earlier run. Raises `BadInput` for a file that is something else."""
    if not out.is_file():
        return []
    texts = ("clip", "folder", "content", "bundle", "made_by", "outcome")
    try:
        table = pd.read_csv(out, dtype=dict.fromkeys(texts, str), keep_default_na=False)
        table[list(texts)]  # a KeyError where one is missing
    except (KeyError, ValueError) as error:
        raise BadInput(
            f"{out} is there and is no table of scores ({error}). Choose another --out."
        ) from error
    return table.to_dict("records")


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


def _made_by(bundle: Path | None, fps: float | None, face: int) -> str:
    """What decides a row beside its clip: contents of bundle, flow weights and face model, and options."""
    from flow.estimate import file_digest
    from mer import bundle as bundles

    path = bundle or bundles.default_path()
    recipe = models.bundle(str(path)).recipe
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
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
