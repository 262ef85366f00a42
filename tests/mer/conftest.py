"""A small made-up experiment that every test of this folder may use."""

import numpy as np
import pandas as pd
import pytest

LABELS = ["negative", "positive", "surprise"]


@pytest.fixture
def small():
    """Table and maps of 24 clips, 4 subjects in 2 datasets that share subject ids, 3 labels with a motion of their own."""
    rng = np.random.default_rng(0)
    rows, maps = [], []
    for dataset in ("a", "b"):
        for subject in ("01", "02"):
            for i in range(6):
                label = i % 3
                x = rng.normal(0, 0.5, (3, 12, 12)).astype(np.float32)
                x[:, 4 * label : 4 * label + 4] += 1
                rows.append({"clip_id": f"{dataset}/{subject}/c{i}", "dataset": dataset, "subject": subject, "clip": f"c{i}", "label": LABELS[label]})
                maps.append(x)
    return pd.DataFrame(rows), np.stack(maps)
