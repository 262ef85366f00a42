"""Ready-made maps: read as they are, refused in one clear sentence."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from data_prep.sheets.annotation_sheets import MissingColumns
from mer.evaluation import run
from mer.evaluation.config import CvConfig
from mer.evaluation.flow_maps import BadIndex, describe_maps, read_maps
from mer.evaluation.map_files import BadMap
from mer_core.errors import NotFound

SHARED = Path(os.environ.get("MER_SHARED_DATA", Path(__file__).parents[4] / "shared/data"))


@pytest.fixture
def maps(tmp_path):
    """Two maps and their index, as a folder and a table that a test may break before writing it."""
    folder = tmp_path / "maps"
    folder.mkdir()
    pixels = np.zeros((5, 4, 3), np.uint8)
    pixels[1, 2] = (255, 128, 51)
    Image.fromarray(pixels).save(folder / "one.png")
    np.save(folder / "two.npy", np.arange(60, dtype=np.float64).reshape(3, 5, 4) - 30)
    table = pd.DataFrame(
        {
            "file": ["one.png", "two.npy"],
            "dataset": "d",
            "subject": ["006", "7"],
            "clip": "c",
            "label": ["up", "down"],
        }
    )
    return folder, table


def read(folder, table):
    table.to_csv(folder.parent / "index.csv", index=False)
    return read_maps(folder, folder.parent / "index.csv")


def test_png_and_npy(maps):
    table, X = read(*maps)
    assert list(table.columns) == ["clip_id", "dataset", "subject", "clip", "label"]
    assert table["clip_id"].tolist() == ["d/006/c", "d/7/c"]
    assert X.shape == (2, 3, 5, 4) and X.dtype == np.float32
    assert X[0, :, 1, 2] == pytest.approx([1, 128 / 255, 0.2])  # red, green, blue; not stretched, not centred
    assert X[1].min() == -30 and X[1].max() == 29


@pytest.mark.parametrize(
    "change, error, fact",
    [
        (lambda f, t: t.assign(file=["one.png", "three.png"]), NotFound, "1 of 2 maps.*three.png"),
        (lambda f, t: t.assign(file=["one.png", "../index.csv"]), BadIndex, "../index.csv"),
        (lambda f, t: t.assign(file=["one.png", "/etc/hostname"]), BadIndex, "/etc/hostname"),
        (lambda f, t: t.drop(columns="subject"), MissingColumns, "subject.*file, dataset, clip, label"),
        (lambda f, t: t.assign(label=["up", ""]), BadIndex, "line 3"),
        (lambda f, t: t.assign(subject=["1", "casme2/1"]), BadIndex, "line 3"),
        (lambda f, t: t.assign(subject=["1", "\u3003"]), BadIndex, "line 3"),  # a ditto mark
        (lambda f, t: t.iloc[:0], BadIndex, "index.csv"),
        (
            lambda f, t: np.save(f / "two.npy", np.zeros((3, 9, 9))) or t,
            BadMap,
            r"1 of 2 maps.*two.npy \(3, 9, 9\)",
        ),
        (lambda f, t: t.assign(subject="006"), BadIndex, "1 clip_id.*d/006/c, line 3"),
        (lambda f, t: t.assign(file="one.png"), BadIndex, "1 file.*one.png, line 3"),
        (lambda f, t: t.assign(subject=["006", "6"]), BadIndex, "clip_id.*d/006/c"),
    ],
)
def test_what_cannot_be_read_is_refused(maps, change, error, fact):
    folder, table = maps
    with pytest.raises(error, match=fact):
        read(folder, change(folder, table))


def test_spellings_of_a_subject_a_dataset_and_a_label_are_one_and_said(maps, capsys):
    folder, table = maps
    for name in ("three", "four"):
        np.save(folder / f"{name}.npy", np.full((3, 5, 4), len(name)))
    table = pd.DataFrame(
        {
            "file": ["one.png", "two.npy", "three.npy", "four.npy"],
            "dataset": ["casme2", "casme2", "CASME II", "samm"],
            "subject": ["sub01", "sub01", "Sub1 ", "sub01"],
            "clip": list("abcd"),
            "label": ["up", "down", "Up", "down"],
        }
    )
    read_table, _ = read(folder, table)
    assert list(read_table["clip_id"]) == [
        "casme2/sub01/a",
        "casme2/sub01/b",
        "casme2/sub01/c",
        "samm/sub01/d",
    ]
    assert list(read_table["label"]) == ["up", "down", "up", "down"]
    said = capsys.readouterr().err
    for pair in ("'casme2' = 'CASME II'", "'sub01' = 'Sub1'", "'up' = 'Up'"):
        assert pair in said


def test_equal_maps_of_two_subjects_are_said(maps, capsys):
    folder, table = maps
    np.save(folder / "one.npy", np.load(folder / "two.npy"))
    read(folder, table.assign(file=["one.npy", "two.npy"]))
    assert "1 map equals one of another subject" in capsys.readouterr().err


@pytest.mark.parametrize("header", ["file dataset subject clip label", "File Dataset SUBJECT Clip Label"])
@pytest.mark.parametrize("form", [";", "\t", "utf-16", ".xlsx"])
def test_the_index_is_read_as_spreadsheets_are(maps, header, form):
    folder, table = maps
    table.columns = [f"{name} " for name in header.split()]
    index = folder.parent / f"index{form if form == '.xlsx' else '.csv'}"
    if form == ".xlsx":
        table.to_excel(index, index=False)
    else:
        table.to_csv(index, index=False, **({"encoding": form} if len(form) > 1 else {"sep": form}))
    assert list(read_maps(folder, index)[0]["clip_id"]) == ["d/006/c", "d/7/c"]


@pytest.mark.skipif(
    not (SHARED / "real_flow_dev").is_dir(),
    reason="the real motion maps are not in the repository; set MER_SHARED_DATA",
)
def test_logistic_regression_on_real_maps(tmp_path):
    """The first real number: 238 clips of real micro-expressions. 0.669 is known from a run with scikit-learn
    alone.
    """
    data = SHARED / "real_flow_dev"
    scores = run.cross_validate_maps(
        data / "maps", data / "index.csv", CvConfig(classifier="logistic", seeds=1), tmp_path / "run"
    )
    assert (scores["clips"], scores["subjects"]) == (238, 34)
    assert scores["uf1"] == pytest.approx(0.669, abs=0.002)


@pytest.mark.parametrize(
    "spoil, fact",
    [
        (lambda X: None, None),
        (
            lambda X: X.__setitem__(slice(0, 6), X[:6] / 224),
            "d1 are",
        ),  # one dataset in fractions of the image
        (lambda X: X.__setitem__(np.s_[:, 1], 0), "Channel 1"),
        (lambda X: X.__setitem__(np.s_[:, 2], X[:, 0]), "Channels 0 and 2"),
    ],
)
def test_what_maps_hold_is_said_and_what_they_cannot_mean(spoil, fact):
    X = np.random.default_rng(0).normal(size=(12, 3, 8, 8)).astype(np.float32)
    spoil(X)
    first, *others = describe_maps(pd.Series(["d0"] * 6 + ["d1"] * 6), X)
    assert "12 maps of 3 channels x 8 x 8" in first
    assert len(others) == (fact is not None) and (fact is None or fact in others[0])


def test_many_channels_are_asked_about():
    X = np.random.default_rng(0).normal(size=(2, 10, 28, 28)).astype(np.float32)
    assert any("10 channels" in sentence for sentence in describe_maps(pd.Series(["d", "d"]), X)[1:])
