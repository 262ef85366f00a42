"""Everything before the evaluation, one call each: dataset or recordings -> faces -> flow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from data_prep.annotations import read_clips
from data_prep.own_recordings.recordings_in_memory import write_recordings
from data_prep.prepare import PrepareOptions
from data_prep.prepare import prepare as prepare_clips
from data_prep.prepared import RECORDINGS_FOLDER, SETTINGS_FILE, open_prepared
from flow.estimate import Method
from flow.prepared_flow import estimate_prepared, flow_file
from mer.inference.table_spotting import spot_missing
from mer_core.claims import check_claim
from mer_core.errors import BadSetting
from mer_core.locks import hold_lock
from mer_core.parallel import Workers


def prepare(
    name: str,
    root: str | Path | pd.DataFrame,
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

    Onsets and apexes that a table of recordings lacks are spotted.

    Parameters
    ----------
    name : str
        Name of the dataset; "table" for own recordings.
    root : path or pandas.DataFrame
        Folder of the dataset as downloaded, or the table of own recordings. The column `file` of a DataFrame
        may also hold frames, (N, H, W, 3) uint8 RGB or (N, H, W) uint8 grey, numbered from 0; its paths are
        relative to the working directory.
    out : path
        Output folder. An interrupted preparation with the same settings continues. Arrays are stored there.
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

    Examples
    --------
    >>> import mer
    >>> outcome = mer.prepare("smic", "datasets/SMIC", "prepared/smic")
    >>> outcome["outcome"].value_counts().to_dict()
    {'ok': 12}
    >>> import numpy as np, pandas as pd
    >>> from skimage.io import imread_collection
    >>> frames = np.stack(list(imread_collection("recordings/clip/*.png")))
    >>> table = pd.DataFrame({"file": [frames], "subject": "anna", "label": "happiness", "fps": 100})
    >>> mer.prepare("table", table, "prepared/mine").loc[0, ["clip_id", "outcome", "apex_source"]].tolist()
    ['table/anna/0', 'ok', 'spotted']
    """
    if isinstance(root, pd.DataFrame):
        root = _write_table(name, root, Path(out))
    annotations = spot_missing(read_clips(name, Path(root)), root) if name == "table" else None
    options = PrepareOptions(size, apex, corrections, skip_missing)
    return prepare_clips(name, root, out, options, workers=Workers(jobs, scheduler), annotations=annotations)


def _write_table(name: str, table: pd.DataFrame, out: Path) -> Path:
    """Write a table of recordings and its arrays to `out`, unless `out` holds something else."""
    if name != "table":
        raise BadSetting(f"A table of recordings in memory is prepared as 'table', not {name!r}.")
    with hold_lock(out):
        check_claim(out, SETTINGS_FILE, {"dataset": name}, "prepared faces", besides=(RECORDINGS_FOLDER,))
        return write_recordings(table, out / RECORDINGS_FOLDER)


def estimate_prepared_flow(
    prepared: str | Path | Sequence[str | Path],
    method: str | Method = "srflownet",
    *,
    match_exposure: bool = True,
    jobs: int | None = None,
    device: str = "auto",
    scheduler: str | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Estimate the flow of every clip of prepared folders, and store it beside the faces.

    Clips that have flow of these settings and of their current faces are not estimated again.

    Parameters
    ----------
    prepared : path or sequence of paths
        Prepared folders, or folders that hold some.
    method : str or Method
        Name of a flow method, or a loaded one.
    match_exposure : bool
        Match the brightness of each apex to its onset first.
    jobs : int or None
        Number of threads; None uses all cores.
    device : str
        `auto`, `cpu`, `cuda` or `mps`, for a network given by name.
    scheduler : str or None
        Address of a Dask scheduler to use instead; its workers must see the folders.
    **options
        Options of a method given by name.

    Returns
    -------
    pandas.DataFrame
        One row per clip: `clip_id, file`, where `numpy.load(file)["flow"]` is (H, W, 2) float32 px.

    Raises
    ------
    BadInput
        If a folder is not prepared, or holds flow of other settings.
    InUse
        If another process is estimating there.

    Examples
    --------
    >>> import mer, numpy as np
    >>> flows = mer.estimate_prepared_flow("prepared/smic", "dis")
    >>> np.load(flows["file"][0])["flow"].shape
    (224, 224, 2)
    """
    rows = []
    for folder in open_prepared([prepared] if isinstance(prepared, (str, Path)) else prepared):
        name = method if isinstance(method, str) else method.name
        estimate_prepared(
            folder,
            method,
            match_exposure=match_exposure,
            jobs=jobs,
            device=device,
            scheduler=scheduler,
            **options,
        )
        rows += [(clip_id, flow_file(folder, name, clip_id)) for clip_id in folder.clips["clip_id"]]
    return pd.DataFrame(rows, columns=["clip_id", "file"])
