"""A small made-up experiment that every test of this folder may use."""

import numpy as np
import pandas as pd
import pytest

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
    import json

    import cv2

    from data_prep import clip_table
    from mer_core.content import content_id
    from mer_core.io import write_npz

    root = tmp_path / "prepared" / "casme2"
    emotions = ("happiness", "disgust", "happiness", "others")
    rows = [
        {"dataset": "casme2", "subject": f"sub0{s}", "clip": f"c{c}", "emotion": emotions[c]}
        for s in range(1, 5)
        for c in range(4)
    ]
    table = clip_table.clip_table(rows)
    clip_table.write(table, root / "clips.parquet")
    outcome = pd.DataFrame(
        {
            "clip_id": table["clip_id"],
            "outcome": "ok",
            "reason": "",
            "onset": 1,
            "apex": 2,
            "apex_source": "annotated",
        }
    )
    outcome.loc[0, ["outcome", "reason"]] = ["no face", "onset, frame 1"]
    outcome.to_csv(root / "outcome.csv", index=False)
    (root / "prepare.json").write_text(
        json.dumps({"dataset": "casme2", "size": 64, "synthetic": True, "corrections_applied": []})
    )
    (root / "flow" / "srflownet").mkdir(parents=True)
    made_by = {
        "method": "srflownet",
        "options": {},
        "weights": "0123456789abcdef",
        "match_exposure": True,
        "version": "x",
    }
    (root / "flow" / "srflownet" / "flow.json").write_text(json.dumps(made_by))
    rng = np.random.default_rng(0)
    landmarks = rng.uniform(20, 44, (478, 2)).astype(np.float32)
    for point, place in {
        33: (10, 20),
        133: (20, 20),
        362: (42, 20),
        263: (52, 20),
    }.items():  # eye centres 32 px apart
        landmarks[point] = place
    for row in table.itertuples():
        folder = root / "faces" / row.subject / row.clip
        folder.mkdir(parents=True)
        for name in ("onset", "apex"):
            cv2.imwrite(str(folder / f"{name}.png"), rng.integers(0, 255, (64, 64, 3), dtype=np.uint8))
        np.savez(folder / "landmarks.npz", onset=landmarks, apex=landmarks)
        motion = {"happiness": (1, 0), "disgust": (0, 1), "others": (0, 0)}[row.emotion]
        if row.clip_id != "casme2/sub01/c1":
            flow = np.full((64, 64, 2), motion) + rng.normal(0, 0.1, (64, 64, 2))
            faces = content_id([folder / "onset.png", folder / "apex.png"])
            file = root / "flow" / "srflownet" / row.subject / f"{row.clip}.npz"
            write_npz(file, flow=flow.astype(np.float32), faces=np.array(faces))
    return root


@pytest.fixture
def two_labels(tmp_path):
    """A protocol, as a file, of the two labels that the clips of `prepared` show."""
    path = tmp_path / "two-labels.yaml"
    path.write_text(
        "title: two labels\nsource: made up\nlabels: [negative, positive]\n"
        "emotions: {casme2: {happiness: positive, disgust: negative}}\n"
    )
    return str(path)
