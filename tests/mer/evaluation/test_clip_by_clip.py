"""What a classifier reads of a clip depends on that clip alone: not on other clips, and not on anybody's
label.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data_prep import clip_table
from mer.evaluation import inputs
from mer.evaluation.config import CvConfig
from mer.evaluation.flow_maps import read_maps
from mer_core import registry
from mer_core.io import write_npz


def read(prepared, feature):
    given = inputs.read_inputs([prepared], CvConfig(protocol="casme2-3", feature=feature))
    return dict(zip(given.table["clip_id"], given.X))


def others_change(prepared, feature):
    """Clips whose features change when one clip moves a thousand times as far and all swap their emotions."""
    before = read(prepared, feature)
    table = clip_table.read(prepared / "clips.parquet")
    swapped = table["emotion"].replace({"happiness": "disgust", "disgust": "happiness"})
    clip_table.write(table.assign(emotion=swapped), prepared / "clips.parquet")
    blown_up = prepared / "flow" / "srflownet" / "sub04" / "c2.npz"
    with np.load(blown_up) as stored:
        write_npz(blown_up, flow=-1000 * stored["flow"], faces=stored["faces"])
    after = read(prepared, feature)
    assert before.keys() == after.keys() and not np.array_equal(
        before["casme2/sub04/c2"], after["casme2/sub04/c2"]
    )
    return [
        name for name in before if name != "casme2/sub04/c2" and not np.array_equal(before[name], after[name])
    ]


@pytest.mark.parametrize("feature", registry.list_names("mer.features"))
def test_features_of_a_clip_are_its_own(prepared, feature):
    assert others_change(prepared, feature) == []


def test_features_scaled_by_all_clips_are_found(prepared, monkeypatch):
    read_inputs = inputs.read_inputs

    def leaking(*given):
        honest = read_inputs(*given)
        return replace(honest, X=honest.X / honest.X.std())

    monkeypatch.setattr(inputs, "read_inputs", leaking)
    assert len(others_change(prepared, "flow_image")) == 9


def test_a_ready_made_map_is_read_by_itself(tmp_path):
    rng = np.random.default_rng(0)
    index = pd.DataFrame(
        [(f"{i}.npy", "d", f"s{i % 2}", f"c{i}", "ab"[i % 2]) for i in range(4)],
        columns=["file", "dataset", "subject", "clip", "label"],
    )
    maps = rng.normal(0, 1, (4, 3, 12, 12)).astype(np.float32)
    for name, one in zip(index["file"], maps):
        np.save(tmp_path / name, one)
    index.to_csv(tmp_path / "index.csv", index=False)
    assert np.array_equal(read_maps(tmp_path, tmp_path / "index.csv")[1], maps)
