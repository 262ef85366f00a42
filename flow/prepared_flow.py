"""Flow of a whole prepared folder, kept beside its faces so that `mer cv` need not estimate it again.

    PREPARED/flow/<method>/flow.json               the settings that made it
    PREPARED/flow/<method>/<subject>/<clip>.npz    key `flow`, (H, W, 2) float32 px, from onset to apex
    PREPARED/flow/<method>.apex-offset/...         the same from apex to offset, where that was asked for

A folder holds flow of one setting of a method, one weights file and one precision only; another is refused, never mixed in.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import mer_core
from data_prep.prepared import Prepared
from flow import io
from flow.estimate import Method, estimate_batch, load_method
from mer_core import claims, cluster
from mer_core.errors import BadInput
from mer_core.io import read_json
from mer_core.progress import track

BATCH = 16  # pairs given to a network at once


def estimate_prepared(
    prepared: Prepared,
    method: str | Method,
    *,
    match_exposure: bool = True,
    jobs: int | None = None,
    device: str | None = None,
    scheduler: str | None = None,
    **options: Any,
) -> int:
    """Estimate the flow of every clip of `prepared` that has none yet; returns how many clips have flow then.

    jobs      : threads, each with one clip, or on a network one batch, at a time; all cores by default
    device    : torch device of networks; a GPU is given one batch at a time
    scheduler : address of a Dask cluster to work on instead; its machines must see the prepared folder, and any weights
    options   : settings of the method

    Raises `BadInput` if the folder holds flow of other settings, naming the one that changed.
    """
    if isinstance(method, str):
        method = load_method(method, device, **options)
    _claim(prepared, method, match_exposure)
    clip_ids = list(prepared.clips["clip_id"])
    size = BATCH if method.network else 1
    batches = [clip_ids[start : start + size] for start in range(0, len(clip_ids), size)]
    # A batch that lacks one is estimated anew as a whole: a network's last digits depend on who shares the batch.
    to_do = [
        batch
        for batch in batches
        if not all(flow_file(prepared, method.name, clip_id).is_file() for clip_id in batch)
    ]
    title = f"{method.name} flow"
    if scheduler:
        asked = {"name": method.name, "device": device, "options": method.options, "weights": method.weights}
        asked |= {"precision": method.precision, "match_exposure": match_exposure}
        done = cluster.each(scheduler, _in_cluster, to_do, folder=prepared.path.absolute(), **asked)
        for _ in track(done, title, len(to_do)):
            pass
        return len(clip_ids)

    # OpenCV and torch let go of Python's lock while they work, so threads are enough; a GPU is one worker.
    workers = 1 if device and device != "cpu" else jobs or os.cpu_count()
    restore = _one_thread_each(method.network)
    try:
        with ThreadPoolExecutor(workers) as pool:
            for _ in track(
                pool.map(lambda batch: _estimate_batch(batch, prepared, method, match_exposure), to_do),
                title,
                len(to_do),
            ):
                pass
    finally:
        restore()
    return len(clip_ids)


def _estimate_batch(clip_ids: list[str], prepared: Prepared, method: Method, match_exposure: bool) -> None:
    firsts, seconds = (np.stack(frames) for frames in zip(*(prepared.faces(clip_id) for clip_id in clip_ids)))
    for clip_id, flow in zip(
        clip_ids, estimate_batch(method, firsts, seconds, match_exposure=match_exposure)
    ):
        io.write(flow_file(prepared, method.name, clip_id), flow)


_thread = threading.local()


def _in_cluster(
    clip_ids: list[str],
    folder: Path,
    name: str,
    device: str | None,
    options: dict,
    weights: str | None,
    precision: str,
    match_exposure: bool,
) -> None:
    """The same in a thread of a Dask worker, which opens folder and method for itself once: what they hold should not travel.

    Raises `BadInput` if the worker's weights or precision are not those of the machine that asked.
    """
    wanted = (folder, name, device, *options.items())
    if getattr(_thread, "wanted", None) != wanted:
        method = load_method(name, device, **options)
        if method.weights != weights:
            raise BadInput(
                f"A machine of the cluster has other weights of {name}: {method.weights}, not {weights}. Install the same mer there."
            )
        if method.precision != precision:
            raise BadInput(
                f"A machine of the cluster estimates {name} in {method.precision}, not in {precision}. Name the same device for all."
            )
        _one_thread_each(method.network)
        _thread.wanted, _thread.opened = wanted, (Prepared(folder), method)
    _estimate_batch(clip_ids, *_thread.opened, match_exposure)


def _one_thread_each(network: bool) -> Callable[[], None]:
    """From now on one thread works on a batch, not several: how they share a sum shows in its last digits. Returns the undo."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    if not network:
        return lambda: cv2.setNumThreads(before)
    import torch

    torch_before = torch.get_num_threads()
    torch.set_num_threads(1)
    return lambda: (cv2.setNumThreads(before), torch.set_num_threads(torch_before))


def read(prepared: Prepared, method: str, clip_id: str) -> np.ndarray:
    """Flow of one clip, (H, W, 2) float32 px; raises `BadInput` if it has not been estimated."""
    path = flow_file(prepared, method, clip_id)
    if not path.is_file():
        raise BadInput(f"{clip_id} has {none_by(method)}. {_command(prepared, method)}")
    return io.read(path)


def settings(prepared: Prepared, method: str) -> dict[str, Any]:
    """What made the flow of `method` in this folder: method, options, weights, precision, match_exposure, version."""
    path = _folder(prepared, method) / "flow.json"
    if not path.is_file():
        raise BadInput(f"{prepared.path} has {none_by(method)}. {_command(prepared, method)}")
    return read_json(path)


def flow_file(prepared: Prepared, method: str, clip_id: str) -> Path:
    """Where the flow of one clip is kept."""
    _, subject, clip = clip_id.split("/")
    return _folder(prepared, method) / subject / f"{clip}.npz"


def none_by(method: str) -> str:
    """What a message says of a clip or folder without flow."""
    return f"no flow by {method}"


def _command(prepared: Prepared, method: str) -> str:
    return f"Make it with: mer flow estimate {prepared.path} --method {method}"


def _folder(prepared: Prepared, method: str) -> Path:
    return prepared.path / "flow" / method


def _claim(prepared: Prepared, method: Method, match_exposure: bool) -> None:
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
    folder = _folder(prepared, method.name)
    claims.claim(folder, "flow.json", wanted, "flow", advice=advice)
