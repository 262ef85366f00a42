"""Pairs of frames read by a process beside this one, which loads the bundle while the clip is tracked.

Nothing heavy is imported at the top, so that process starts before this one loads its own models.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mer_core import parallel
from mer_core.device import n_cores
from mer_core.memory import drop_unchanged_pages

if TYPE_CHECKING:
    from mer.inference.motion import AlignedPair
    from mer.inference.pair_reading import PairReading, Reader


@contextmanager
def reader_beside(bundle: str | Path | None, device: str) -> "Iterator[Reader]":
    """Load bundle and flow network in a process beside this one, and yield a reader that asks it.

    For one clip of a command: loading takes as long as tracking some seconds of video. Where torch is loaded
    already, or there is one core only, the reader asks this process.
    """
    if not _saves_time():
        yield partial(_read, bundle)
        return
    with parallel.companion(partial(_load, bundle, device), n_cores()) as call:
        yield lambda aligned: call(partial(_read, bundle, aligned))


def _saves_time() -> bool:
    return "torch" not in sys.modules and n_cores() > 1


def _load(bundle: str | Path | None, device: str) -> None:
    gc.disable()  # what is imported stays: to look for garbage in it takes a sixth of the time
    from mer.inference import models
    from mer.inference.pair_reading import warm_up

    models.use_device(device)
    fitted = models.get_bundle(_path(bundle))
    drop_unchanged_pages()
    warm_up(fitted)
    drop_unchanged_pages()


def _read(bundle: str | Path | None, aligned: "AlignedPair") -> "PairReading":
    from mer.inference import models
    from mer.inference.pair_reading import read_pair

    return read_pair(models.get_bundle(_path(bundle)), aligned)


def _path(bundle: str | Path | None) -> str:
    from mer.bundle import default_path

    return str(bundle or default_path())
