"""Flow of a whole prepared folder, stored beside its faces so that `mer cv` does not estimate it again.

    PREPARED/flow/<method>/flow.json               the settings of the estimate
    PREPARED/flow/<method>/<subject>/<clip>.npz    `flow`, (H, W, 2) float32 px from onset to apex, and
                                                   `faces`, the content of both (`PreparedDataset.faces_id`)

A folder holds flow of one setting of a method, one weights file and one precision; others are refused.
"""

import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import mer_core
from data_prep.prepared import PreparedDataset
from flow import io
from flow.estimate import Method, estimate_batch, load_method
from mer_core import claims, cluster
from mer_core.errors import ChangedSettings, Incompatible, NotFound
from mer_core.io import read_json, write_npz
from mer_core.locks import hold_lock
from mer_core.progress import detail, track

# Pairs given to a network at once. A CPU takes a quarter less time for single pairs.
BATCH_SIZES = {"cpu": 1, "mps": 64, "cuda": 256}


def estimate_prepared(
    prepared: PreparedDataset,
    method: str | Method,
    *,
    match_exposure: bool = True,
    jobs: int | None = None,
    device: str = "auto",
    scheduler: str | None = None,
    **options: Any,
) -> int:
    """Estimate the flow of every clip of `prepared` that has none for its current faces.

    Parameters
    ----------
    method : str or Method
        Name, or the result of `load_method`.
    match_exposure : bool
        As in `flow.estimate.estimate`.
    jobs : int or None
        Threads, each with one clip, or one batch of a network, at a time; all cores by default. A GPU
        processes one batch at a time.
    device : str
        `auto`, `cpu`, `cuda` or `mps`, for a network given by name.
    scheduler : str or None
        Address of a Dask cluster; its machines must see the prepared folder and any weights.
    options : options of the method, if given by name

    Returns
    -------
    int
        Number of clips of the folder; all of them have flow now.

    Raises
    ------
    BadInput
        If the folder holds flow of other settings.
    InUse
        If another run is writing there.
    """
    if isinstance(method, str):
        method = load_method(method, device, **options)
    folder = _folder(prepared, method.name)
    with hold_lock(folder):
        _claim(folder, method, match_exposure)
        to_do = _missing_batches(prepared, method)
        if scheduler:
            work = _estimate_on_cluster(scheduler, to_do, prepared, method, match_exposure, device)
        else:
            jobs = jobs if method.device == "cpu" else 1
            work = _estimate_in_threads(to_do, prepared, method, match_exposure, jobs)
        for _ in track(work, f"{method.name} flow", len(to_do)):
            pass
    return len(prepared.clips)


def _missing_batches(prepared: PreparedDataset, method: Method) -> list[list[str]]:
    """Return the clips in batches for `method`, without the batches that have all of their flow.

    An incomplete batch is estimated again as a whole: a network's last digits depend on the batch.
    """
    clip_ids = list(prepared.clips["clip_id"])
    size = BATCH_SIZES[method.device] if method.network else 1
    batches = [clip_ids[start : start + size] for start in range(0, len(clip_ids), size)]
    return [
        batch for batch in batches if not all(is_current(prepared, method.name, clip_id) for clip_id in batch)
    ]


def _estimate_on_cluster(
    scheduler: str,
    batches: list[list[str]],
    prepared: PreparedDataset,
    method: Method,
    match_exposure: bool,
    device: str,
) -> Iterator[None]:
    """Yield once per batch estimated by the workers of a Dask cluster."""
    settings: dict[str, Any] = {
        "name": method.name,
        "device": device,
        "options": method.options,
        "weights": method.weights,
    }
    settings |= {"precision": method.precision, "match_exposure": match_exposure}
    yield from cluster.map_items(
        scheduler, _cluster_task, batches, folder=prepared.path.absolute(), **settings
    )


def _estimate_in_threads(
    batches: list[list[str]],
    prepared: PreparedDataset,
    method: Method,
    match_exposure: bool,
    jobs: int | None,
) -> Iterator[None]:
    """Yield once per batch; threads suffice, since OpenCV and torch release the GIL."""
    restore = _use_single_threads(method.network)
    try:
        with ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
            yield from pool.map(
                lambda batch: _estimate_batch(batch, prepared, method, match_exposure), batches
            )
    finally:
        restore()


def _estimate_batch(
    clip_ids: list[str], prepared: PreparedDataset, method: Method, match_exposure: bool
) -> None:
    """Estimate and write the flow of some clips."""
    # Identify the faces before reading them, so that a change in between is noticed.
    ids = [prepared.faces_id(clip_id) for clip_id in clip_ids]
    firsts, seconds = (np.stack(frames) for frames in zip(*(prepared.faces(clip_id) for clip_id in clip_ids)))
    points = [_onset_landmarks(prepared, clip_id) for clip_id in clip_ids] if method.landmarks else None
    flows = estimate_batch(method, firsts, seconds, points, match_exposure=match_exposure)
    for clip_id, faces, flow in zip(clip_ids, ids, flows):
        write_npz(flow_file(prepared, method.name, clip_id), flow=flow, faces=np.array(faces))
        detail(f"{clip_id}: at most {np.linalg.norm(flow, axis=-1).max():.2f} px")


def _onset_landmarks(prepared: PreparedDataset, clip_id: str) -> np.ndarray | None:
    """Return the landmarks of a clip's onset, or None if the folder holds none."""
    stored = (prepared.folder(clip_id) / "landmarks.npz").is_file()
    return prepared.landmarks(clip_id)[0] if stored else None


_worker = threading.local()  # what each thread of a Dask worker keeps open


def _cluster_task(
    clip_ids: list[str],
    folder: Path,
    name: str,
    device: str,
    options: dict,
    weights: str | None,
    precision: str,
    match_exposure: bool,
) -> None:
    """Estimate a batch in a Dask worker, which loads a method once for all folders.

    Raises `BadInput` if the worker's weights or precision differ from those of the requesting machine.
    """
    wanted = (name, device, weights, precision, *options.items())
    if getattr(_worker, "wanted", None) != wanted:
        _worker.method = _load_as_wanted(name, device, options, weights, precision)
        _worker.wanted = wanted
    if getattr(_worker, "folder", None) != folder:
        _worker.prepared, _worker.folder = PreparedDataset(folder), folder
    # A cluster repeats a batch whose worker died, perhaps after the batch was finished.
    if not all(is_current(_worker.prepared, name, clip_id) for clip_id in clip_ids):
        _estimate_batch(clip_ids, _worker.prepared, _worker.method, match_exposure)


def _load_as_wanted(name: str, device: str, options: dict, weights: str | None, precision: str) -> Method:
    method = load_method(name, device, **options)
    if method.weights != weights:
        raise Incompatible(
            f"A machine of the cluster has other weights of {name}: {method.weights}, not {weights}. "
            "Install the same version of mer there."
        )
    if method.precision != precision:
        raise Incompatible(
            f"A machine of the cluster estimates {name} in {method.precision}, not in {precision}. "
            "Choose one --device for all machines."
        )
    _use_single_threads(method.network)
    return method


def _use_single_threads(network: bool) -> Callable[[], None]:
    """Give each batch one thread, since their number shows in the last digits; return the undo function."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    if not network:
        return lambda: cv2.setNumThreads(before)
    import torch

    torch_before = torch.get_num_threads()
    torch.set_num_threads(1)

    def undo() -> None:
        cv2.setNumThreads(before)
        torch.set_num_threads(torch_before)

    return undo


def read(prepared: PreparedDataset, method: str, clip_id: str) -> np.ndarray:
    """Read the flow of one clip.

    Returns
    -------
    (H, W, 2) float32 px

    Raises
    ------
    BadInput
        If there is no flow for the clip's current faces.
    """
    path = flow_file(prepared, method, clip_id)
    if not path.is_file():
        raise NotFound(f"{clip_id} has {missing_flow_text(method)}. {_command(prepared, method)}")
    flow = io.read(path)
    if not is_current(prepared, method, clip_id):
        raise ChangedSettings(
            f"The faces of {clip_id} have changed since {path} was estimated. {_command(prepared, method)}"
        )
    return flow


def is_current(prepared: PreparedDataset, method: str, clip_id: str) -> bool:
    """Return whether a clip has flow estimated from its current faces."""
    try:
        with np.load(flow_file(prepared, method, clip_id), allow_pickle=False) as stored:
            return str(stored["faces"]) == prepared.faces_id(clip_id)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return False


def stored_settings(prepared: PreparedDataset, method: str) -> dict[str, Any]:
    """Return method, options, weights, precision, match_exposure and version of the stored flow."""
    path = _folder(prepared, method) / "flow.json"
    if not path.is_file():
        raise NotFound(f"{prepared.path} has {missing_flow_text(method)}. {_command(prepared, method)}")
    return read_json(path)


def flow_file(prepared: PreparedDataset, method: str, clip_id: str) -> Path:
    """Return the path of one clip's flow."""
    _, subject, clip = clip_id.split("/")
    return _folder(prepared, method) / subject / f"{clip}.npz"


def missing_flow_text(method: str) -> str:
    """Return the words of a message about a clip or folder without flow."""
    return f"no flow by {method}"


def _command(prepared: PreparedDataset, method: str) -> str:
    return f"Run: mer flow estimate {prepared.path} --method {method}"


def _folder(prepared: PreparedDataset, method: str) -> Path:
    return prepared.path / "flow" / method


def _claim(folder: Path, method: Method, match_exposure: bool) -> None:
    """Write the settings of a new cache; raise `BadInput` if the existing cache has others."""
    wanted = {
        "method": method.name,
        # weights by file name: their folder does not change the flow
        "options": {
            key: Path(value).name if key == "weights" and value else value
            for key, value in method.options.items()
        },
        "weights": method.weights,
        "precision": method.precision,
        "match_exposure": match_exposure,
        "version": mer_core.__version__,
    }
    advice = "Delete that folder to estimate again, or use its settings."
    claims.claim_folder(folder, "flow.json", wanted, "flow", advice=advice)
