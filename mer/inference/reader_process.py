"""Pairs of frames read by a process beside this one, which loads the bundle while the clip is tracked.

Nothing heavy is imported at the top, so that process starts before this one loads its own models.
"""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mer_core import parallel
from mer_core.device import n_cores
from mer_core.memory import drop_unchanged_pages
from mer_core.progress import count_steps

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
        yield lambda aligned: _in_two_steps(partial(_load_here, bundle), partial(_read, bundle, aligned))
        return
    with parallel.companion(partial(_load, bundle, device), n_cores()) as call:
        yield lambda aligned: _in_two_steps(
            partial(call, _wait), partial(call, partial(_read, bundle, aligned))
        )


def _in_two_steps(load: Callable[[], None], read: Callable[[], "PairReading"]) -> "PairReading":
    """Load and read, with a progress bar."""
    with count_steps("Reading", 2) as advance:
        load()
        advance()
        reading = read()
        advance()
    return reading


def _saves_time() -> bool:
    return "torch" not in sys.modules and n_cores() > 1


def _load_here(bundle: str | Path | None) -> None:
    from mer.inference import models

    recipe = models.get_bundle(_path(bundle)).recipe
    models.get_method(recipe.clip_input.method, recipe.method_options)


def _wait() -> None:
    """Return as soon as `_load` has ended, because calls wait for it."""


def _load(bundle: str | Path | None, device: str) -> None:
    gc.disable()  # what is imported stays: to look for garbage in it takes a sixth of the time
    from mer.inference import models
    from mer.inference.pair_reading import warm_up

    models.use_device(device)
    fitted = models.get_bundle(_path(bundle))
    drop_unchanged_pages()
    warm_up(fitted)


def _read(bundle: str | Path | None, aligned: "AlignedPair") -> "PairReading":
    from mer.inference import models
    from mer.inference.pair_reading import read_pair

    return read_pair(models.get_bundle(_path(bundle)), aligned)


def _path(bundle: str | Path | None) -> str:
    from mer.bundle import default_path

    return str(bundle or default_path())
