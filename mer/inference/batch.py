"""Many clips -> one CSV: a row per clip, with a reason where it failed; what is in the CSV already is not done again."""

import signal
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import pandas as pd

from data_prep.recordings import find_recordings
from mer_core.device import cores
from mer_core.errors import BadInput, MerError
from mer_core.io import printable, replacing
from mer_core.progress import say, track

COLUMNS = [
    "clip",
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
) -> pd.DataFrame:
    """Score every clip below `folder` into the CSV `out`, which is written after each clip; returns its
    table.

    The clip's name in the table is its path below `folder`, or its own name where that is the one clip. Clips
    that failed are tried again; those that were scored are not, unless with another bundle, other weights of
    the flow network or other options.
    """
    if out.is_dir():
        raise BadInput(f"{out} is a folder. Choose another --out, a CSV file.")
    clips = {
        printable(path.name if path == folder else path.relative_to(folder)): path
        for path in clips_below(folder)
    }
    if others := _no_clips(folder, {out, *clips.values()}):
        say(f"{others} file(s) in {folder} are no clips and are passed over.")
    rows = _done(out, bundle, fps, face)
    todo = [name for name in clips if name not in rows]
    pool = ProcessPoolExecutor(jobs or cores(), mp_context=get_context("spawn"), initializer=_start)
    try:
        futures = {pool.submit(score_row, name, clips[name], bundle, fps, face): name for name in todo}
        for future in track(as_completed(futures), "Scoring", len(todo)):
            rows[futures[future]] = future.result()
            _write(rows, clips, out)
    except BrokenProcessPool as error:
        advice = "Run the same command again to go on, with fewer --jobs."
        raise MerError(f"A worker process was killed, perhaps for lack of memory. {advice}") from error
    finally:  # also when interrupted: what has not begun never will
        pool.shutdown(cancel_futures=True)
    return _write(rows, clips, out)


def _no_clips(folder: Path, clips: set[Path]) -> int:
    """Files that are neither videos nor in a clip's folder; hidden ones are not counted."""
    files = [
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    return sum(path not in clips and path.parent not in clips for path in files)


def score_row(name: str, clip: Path, bundle: Path | None, fps: float | None, face: int) -> dict:
    """The row of one clip; what goes wrong becomes its outcome."""
    from mer.inference.predict import score
    from mer_core import progress

    progress.set_verbosity(quiet=True)
    try:
        found = score(clip, bundle, fps=fps, face=face)
    except MerError as error:
        return {
            "clip": name,
            "outcome": "failed",
            "reason": printable(str(error)).replace("\n", " "),
            "bundle": _name(bundle),
        }
    except Exception as error:  # one clip must not end the batch
        return {
            "clip": name,
            "outcome": "failed",
            "reason": printable(f"{type(error).__name__}: {error}"),
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
    """What decides a row beside its clip: the contents of the bundle and of the flow network's weights, and the options."""
    from flow.estimate import content
    from mer import bundle as bundles
    from mer.inference import models

    path = bundle or bundles.shipped()
    recipe = models.bundle(str(path)).recipe
    flow = models.method(recipe.method, recipe.method_options).weights or recipe.method
    parts = [content(path / bundles.JSON_FILE)[:8], content(path / bundles.WEIGHTS_FILE)[:8], flow[:8]]
    return " ".join(parts + ([f"fps {fps:g}"] if fps else []) + ([f"face {face}"] if face != 1 else []))


def _done(out: Path, bundle: Path | None, fps: float | None, face: int) -> dict[str, dict]:
    """Rows of an earlier run made by the same that need not be done again, by clip."""
    if not out.is_file():
        return {}
    try:
        table = pd.read_csv(out, dtype={"clip": str, "bundle": str}, keep_default_na=False)
        kept = table[(table["outcome"] != "failed") & (table["made_by"] == _made_by(bundle, fps, face))]
    except (KeyError, ValueError) as error:
        raise BadInput(
            f"{out} is there and is no table of scores ({error}). Choose another --out."
        ) from error
    return {row["clip"]: row for row in kept.to_dict("records")}


def _write(rows: dict[str, dict], clips: dict[str, Path], out: Path) -> pd.DataFrame:
    table = pd.DataFrame([rows[name] for name in clips if name in rows])
    table = table.reindex(columns=[*COLUMNS, *(column for column in table if column not in COLUMNS)])
    with replacing(out) as temporary:
        table.to_csv(temporary, index=False)
    return table


def _start() -> None:
    """A process to each core leaves no core to a second thread; Ctrl-C is the parent's to handle."""
    import cv2
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
