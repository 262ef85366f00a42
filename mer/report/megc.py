"""Spotted expressions as the micro-expression grand challenges (MEGC) take them: one CSV of many videos.

No scores here: benchmarks/spotting_challenge.py computes STRS, by which the challenges rank.

References
----------
Columns of the spotting task: files `cas_pred.csv` and `samm_pred.csv` of MEGC 2022 entries, type `me` for a
micro- and `mae` for a macro-expression. The spot-then-recognise task (X. Fan et al., MEGC2025,
arXiv 2506.15298) adds the emotion.
"""

from pathlib import Path

import pandas as pd

from mer.inference.spotting import Interval
from mer_core.errors import UnreadableFile
from mer_core.io import atomic_replace
from mer_core.locks import hold_lock

COLUMNS = ["vid", "pred_onset", "pred_offset", "type", "emotion"]
TYPES = {"micro": "me", "macro": "mae"}


def submission_rows(found: list[Interval], video_id: str) -> pd.DataFrame:
    """Return the expressions of one video under `COLUMNS`, by onset; frame numbers are the video's own.

    `emotion` is empty where the bundle gives no label.
    """
    rows = [
        (video_id, interval.onset, interval.offset, TYPES[interval.kind], interval.label)
        for interval in sorted(found, key=lambda interval: interval.onset)
        if interval.kind in TYPES
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def read_submission(path: Path) -> pd.DataFrame:
    """Read a submission; raise `BadInput` where its columns are others."""
    try:
        table = pd.read_csv(path, dtype={"vid": str, "type": str, "emotion": str}, keep_default_na=False)
    except (ValueError, OverflowError, OSError) as error:  # of pandas
        raise UnreadableFile(f"{path} cannot be read as a CSV ({str(error).splitlines()[0]}).") from error
    if list(table.columns) != COLUMNS:
        raise UnreadableFile(
            f"{path} is no MEGC submission: its columns are {', '.join(map(str, table.columns))}, not "
            f"{', '.join(COLUMNS)}. Choose another file."
        )
    return table


def add_to_submission(found: list[Interval], video_id: str, path: Path) -> None:
    """Write the expressions of one video into a submission, in place of what that holds of the video.

    Parameters
    ----------
    found : list of Interval
        All intervals of the video; blinks and moves of the head are left out.
    video_id : str
        Name of the video in the challenge.
    path : Path
        `samm_pred.csv`, for example; made where it does not exist.

    Raises
    ------
    BadInput
        If the file is there and no submission.
    InUse
        If another process is writing it.
    """
    with hold_lock(path.parent, f".{path.name}.lock"):
        before = read_submission(path) if path.is_file() else pd.DataFrame(columns=COLUMNS)
        table = pd.concat([before[before["vid"] != video_id], submission_rows(found, video_id)])
        with atomic_replace(path) as temporary:
            table.to_csv(temporary, index=False)
