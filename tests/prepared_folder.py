"""Prepared folders as `mer prepare` leaves them, written by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data_prep import clip_table
from data_prep.frames import write_image


def write_prepared(
    root: Path,
    rows: list[dict[str, Any]],
    draw_faces: Callable[[int], tuple[np.ndarray, np.ndarray]],
    refused: dict[str, tuple[str, str]] | None = None,
) -> pd.DataFrame:
    """Write the tables and the faces of clips, and return the clip table.

    `draw_faces(i)` gives onset and apex of clip i, (H, W, 3) uint8; `refused` gives outcome and reason of the
    clips that are not "ok".
    """
    table = clip_table.clip_table(rows)
    clip_table.write(table, root / "clips.parquet")
    outcomes = [(refused or {}).get(clip_id, ("ok", "")) for clip_id in table["clip_id"]]
    outcome = pd.DataFrame(outcomes, columns=["outcome", "reason"]).assign(
        clip_id=table["clip_id"], onset=1, apex=2, apex_source="annotated"
    )
    outcome.to_csv(root / "outcome.csv", index=False)
    for i, row in enumerate(table.itertuples()):
        for name, face in zip(("onset", "apex"), draw_faces(i)):
            file = root / "faces" / row.subject / row.clip / f"{name}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            write_image(file, face)
    return table
