"""A small made-up experiment that every test of this folder may use."""

import numpy as np
import pandas as pd
import pytest

from mer_core.content import content_id
from mer_core.io import write_json, write_npz
from tests.prepared_folder import write_prepared

LABELS = ["negative", "positive", "surprise"]


@pytest.fixture
def small():
    """Table and maps of 24 clips, 4 subjects in 2 datasets that share subject ids, 3 labels with a motion of
    their own.
    """
    rng = np.random.default_rng(0)
    rows, maps = [], []
    for dataset in ("a", "b"):
        for subject in ("01", "02"):
            for i in range(6):
                label = i % 3
                x = rng.normal(0, 0.5, (3, 12, 12)).astype(np.float32)
                x[:, 4 * label : 4 * label + 4] += 1
                rows.append(
                    {
                        "clip_id": f"{dataset}/{subject}/c{i}",
                        "dataset": dataset,
                        "subject": subject,
                        "clip": f"c{i}",
                        "label": LABELS[label],
                    }
                )
                maps.append(x)
    return pd.DataFrame(rows), np.stack(maps)


@pytest.fixture
def prepared(tmp_path):
    """A prepared folder of CASME II as `mer prepare` and `mer flow estimate` leave it: 4 subjects x 4 clips,
    srflownet flow.

    sub01/c0 had no face, sub01/c1 has no flow, and each subject's c3 has an emotion without a label. In the
    others happiness moves right and disgust moves down, so the labels can be learned.
    """
    rng = np.random.default_rng(0)
    root = tmp_path / "prepared" / "casme2"
    emotions = ("happiness", "disgust", "happiness", "others")
    rows = [
        {"dataset": "casme2", "subject": f"sub0{s}", "clip": f"c{c}", "emotion": emotions[c]}
        for s in range(1, 5)
        for c in range(4)
    ]

    def draw_faces(_):
        return rng.integers(0, 255, (2, 64, 64, 3), dtype=np.uint8)

    refused = {"casme2/sub01/c0": ("no face", "onset, frame 1")}
    table = write_prepared(root, rows, draw_faces, refused)
    settings = {"dataset": "casme2", "size": 64, "synthetic": True, "corrections_applied": []}
    write_json(root / "prepare.json", settings)
    _write_landmarks(root, rng)
    _write_flow(root, table, rng)
    return root


def _write_landmarks(root, rng):
    """Write the same landmarks of every clip, whose eye centres are 32 px apart."""
    landmarks = rng.uniform(20, 44, (478, 2)).astype(np.float32)
    landmarks[[33, 133, 362, 263]] = (10, 20), (20, 20), (42, 20), (52, 20)
    for folder in root.glob("faces/*/*"):
        np.savez(folder / "landmarks.npz", onset=landmarks, apex=landmarks)


def _write_flow(root, table, rng):
    """Write flow that depends on the emotion, with noise, of all clips but sub01/c1."""
    flows = root / "flow" / "srflownet"
    settings = {"method": "srflownet", "options": {}, "weights": "0123456789abcdef"}
    write_json(flows / "flow.json", {**settings, "match_exposure": True, "version": "x"})
    motions = {"happiness": (1, 0), "disgust": (0, 1), "others": (0, 0)}
    for row in table[table["clip_id"] != "casme2/sub01/c1"].itertuples():
        flow = np.full((64, 64, 2), motions[row.emotion]) + rng.normal(0, 0.1, (64, 64, 2))
        faces = root / "faces" / row.subject / row.clip
        identity = content_id([faces / "onset.png", faces / "apex.png"])
        file = flows / row.subject / f"{row.clip}.npz"
        write_npz(file, flow=flow.astype(np.float32), faces=np.array(identity))


@pytest.fixture
def two_labels(tmp_path):
    """A protocol, as a file, of the two labels that the clips of `prepared` show."""
    path = tmp_path / "two-labels.yaml"
    path.write_text(
        "title: two labels\nsource: made up\nlabels: [negative, positive]\n"
        "emotions: {casme2: {happiness: positive, disgust: negative}}\n"
    )
    return str(path)
