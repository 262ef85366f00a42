"""Flow of a whole prepared folder, kept beside its faces so that `mer cv` need not estimate it again.

    PREPARED/flow/<method>/flow.json               the settings that made it
    PREPARED/flow/<method>/<subject>/<clip>.npz    `flow`: (H, W, 2) float32 px, from onset to apex
                                                   `faces`: the content of the two faces, as returned by
                                                   `PreparedDataset.faces_id`

A folder holds flow of one setting of a method, one weights file and one precision only; another is refused,
never mixed in.
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
from mer_core.errors import BadInput
from mer_core.io import read_json, write_npz
from mer_core.locks import hold_lock
from mer_core.progress import track

BATCH_SIZES = {"cpu": 16, "mps": 64, "cuda": 256}  # pairs given to a network at once


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
    """Estimate the flow of every clip of `prepared` that has none of its present faces; returns how many have
    then.

    jobs      : threads, each with one clip, or on a network one batch, at a time; all cores by default
    device    : auto, cpu, cuda or mps, for a network given by name; a GPU is given one batch at a time
    scheduler : address of a Dask cluster to work on instead; its machines must see the prepared folder, and
        any weights
    options   : settings of the method

    Raises `BadInput` if the folder holds flow of other settings, naming the one that changed, and `InUse` if
    another run writes there.
    """
    if isinstance(method, str):
        method = load_method(method, device, **options)
    folder = _folder(prepared, method.name)
    with hold_lock(folder):
        _claim(folder, method, match_exposure)
        clip_ids = list(prepared.clips["clip_id"])
        size = BATCH_SIZES[method.device] if method.network else 1
        batches = [clip_ids[start : start + size] for start in range(0, len(clip_ids), size)]
        # A batch that lacks one is estimated anew as a whole: a network's last digits depend on who shares
        # it.
        to_do = [
            batch
            for batch in batches
            if not all(is_current(prepared, method.name, clip_id) for clip_id in batch)
        ]
        if scheduler:
            work = _estimate_on_cluster(scheduler, to_do, prepared, method, match_exposure, device)
        else:
            # A GPU is one worker.
            jobs = jobs if method.device == "cpu" else 1
            work = _estimate_in_threads(to_do, prepared, method, match_exposure, jobs)
        for _ in track(work, f"{method.name} flow", len(to_do)):
            pass
    return len(clip_ids)


def _estimate_on_cluster(
    scheduler: str,
    batches: list[list[str]],
    prepared: PreparedDataset,
    method: Method,
    match_exposure: bool,
    device: str,
) -> Iterator[None]:
    asked: dict[str, Any] = {
        "name": method.name,
        "device": device,
        "options": method.options,
        "weights": method.weights,
    }
    asked |= {"precision": method.precision, "match_exposure": match_exposure}
    yield from cluster.map_items(scheduler, _cluster_task, batches, folder=prepared.path.absolute(), **asked)


def _estimate_in_threads(
    batches: list[list[str]],
    prepared: PreparedDataset,
    method: Method,
    match_exposure: bool,
    jobs: int | None,
) -> Iterator[None]:
    """Threads are enough, since OpenCV and torch release the GIL while they work."""
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
    ids = [
        prepared.faces_id(clip_id) for clip_id in clip_ids
    ]  # before they are read: what changes then is seen
    firsts, seconds = (np.stack(frames) for frames in zip(*(prepared.faces(clip_id) for clip_id in clip_ids)))
    points = [_onset_landmarks(prepared, clip_id) for clip_id in clip_ids] if method.landmarks else None
    flows = estimate_batch(method, firsts, seconds, points, match_exposure=match_exposure)
    for clip_id, faces, flow in zip(clip_ids, ids, flows):
        write_npz(flow_file(prepared, method.name, clip_id), flow=flow, faces=np.array(faces))


def _onset_landmarks(prepared: PreparedDataset, clip_id: str) -> np.ndarray | None:
    """The landmarks of a clip's onset; None where the folder holds none, and the method finds them itself."""
    stored = (prepared.folder(clip_id) / "landmarks.npz").is_file()
    return prepared.landmarks(clip_id)[0] if stored else None


_worker = threading.local()


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
    """The same in a thread of a Dask worker, which opens folder and method for itself once: what they hold
    should not travel.

    Raises `BadInput` if the worker's weights or precision are not those of the machine that asked.
    """
    wanted = (folder, name, device, *options.items())
    if getattr(_worker, "wanted", None) != wanted:
        method = load_method(name, device, **options)
        if method.weights != weights:
            raise BadInput(
                f"A machine of the cluster has other weights of {name}: {method.weights}, not {weights}. "
                "Install the same mer there."
            )
        if method.precision != precision:
            raise BadInput(
                f"A machine of the cluster estimates {name} in {method.precision}, not in {precision}. "
                "Name the same device for all."
            )
        _use_single_threads(method.network)
        _worker.wanted, _worker.opened = wanted, (PreparedDataset(folder), method)
    opened, method = _worker.opened
    # A cluster repeats a batch whose worker died, perhaps after the batch was finished.
    if not all(is_current(opened, name, clip_id) for clip_id in clip_ids):
        _estimate_batch(clip_ids, opened, method, match_exposure)


def _use_single_threads(network: bool) -> Callable[[], None]:
    """From now on one thread works on a batch, not several: how they share a sum shows in its last digits.
    Returns the undo.
    """
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
    """Flow of one clip, (H, W, 2) float32 px; raises `BadInput` if it has not been estimated."""
    path = flow_file(prepared, method, clip_id)
    if not path.is_file():
        raise BadInput(f"{clip_id} has {missing_flow_text(method)}. {_command(prepared, method)}")
    flow = io.read(path)
    if not is_current(prepared, method, clip_id):
        raise BadInput(
            f"{path} is the flow of other faces than {clip_id} has now. {_command(prepared, method)}"
        )
    return flow


def is_current(prepared: PreparedDataset, method: str, clip_id: str) -> bool:
    """Whether a clip has flow that was estimated on the very faces it has now."""
    try:
        with np.load(flow_file(prepared, method, clip_id), allow_pickle=False) as stored:
            return str(stored["faces"]) == prepared.faces_id(clip_id)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return False


def stored_settings(prepared: PreparedDataset, method: str) -> dict[str, Any]:
    """What made the flow of `method` in this folder: method, options, weights, precision, match_exposure,
    version.
    """
    path = _folder(prepared, method) / "flow.json"
    if not path.is_file():
        raise BadInput(f"{prepared.path} has {missing_flow_text(method)}. {_command(prepared, method)}")
    return read_json(path)


def flow_file(prepared: PreparedDataset, method: str, clip_id: str) -> Path:
    """Where the flow of one clip is kept."""
    _, subject, clip = clip_id.split("/")
    return _folder(prepared, method) / subject / f"{clip}.npz"


def missing_flow_text(method: str) -> str:
    """What a message says of a clip or folder without flow."""
    return f"no flow by {method}"


def _command(prepared: PreparedDataset, method: str) -> str:
    return f"Make it with: mer flow estimate {prepared.path} --method {method}"


def _folder(prepared: PreparedDataset, method: str) -> Path:
    return prepared.path / "flow" / method


def _claim(folder: Path, method: Method, match_exposure: bool) -> None:
    """Write the settings of a new cache, or raise `BadInput` if the one there was made with others."""
    wanted = {
        "method": method.name,
        # by name, because a file's folder makes no flow
        "options": {
            key: Path(value).name if key == "weights" and value else value
            for key, value in method.options.items()
        },
        "weights": method.weights,
        "precision": method.precision,
        "match_exposure": match_exposure,
        "version": mer_core.__version__,
    }
    advice = "Delete that folder to estimate again, or ask for the settings it has."
    claims.claim_folder(folder, "flow.json", wanted, "flow", advice=advice)
