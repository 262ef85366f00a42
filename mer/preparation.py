"""Prepare a dataset or own recordings in one call, spotting the onsets and apexes that recordings lack."""

from pathlib import Path

import pandas as pd

from data_prep.annotations import read_clips
from data_prep.prepare import PrepareOptions
from data_prep.prepare import prepare as prepare_clips
from mer.inference.table_spotting import spot_missing
from mer_core.parallel import Workers


def prepare(
    name: str,
    root: str | Path,
    out: str | Path,
    *,
    size: int = 224,
    jobs: int | None = None,
    apex: str = "midpoint",
    corrections: bool = True,
    skip_missing: bool = False,
    scheduler: str | None = None,
) -> pd.DataFrame:
    """Prepare the dataset `name` in `root` into aligned faces in `out`.

    Parameters
    ----------
    name : str
        Name of the dataset; "table" for own recordings.
    root : path
        Folder of the dataset as downloaded, or the table of own recordings.
    out : path
        Output folder. An interrupted preparation with the same settings continues.
    size : int
        Side of the aligned faces, px.
    jobs : int or None
        Number of processes; None uses all cores, or fewer if starting them would take longer than the work.
    apex, corrections, skip_missing
        See `data_prep.prepare.PrepareOptions`.
    scheduler : str or None
        Address of a Dask scheduler to use instead; its workers must see `root` and `out`.

    Returns
    -------
    pandas.DataFrame
        One row per clip: `clip_id, outcome, reason, onset, apex, apex_source, onset_source`.

    Raises
    ------
    BadInput
        If `root` is not the dataset, too many clips lack frames, or `out` holds something else.
    """
    annotations = spot_missing(read_clips(name, Path(root)), root) if name == "table" else None
    options = PrepareOptions(size, apex, corrections, skip_missing)
    return prepare_clips(name, root, out, options, workers=Workers(jobs, scheduler), annotations=annotations)
