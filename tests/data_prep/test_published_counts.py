"""Replicas of full size: what is read has the published counts, and each protocol picks the published clips
of it.

Where a list of clips is public (the MEGC 2019 composite), its own names are used; elsewhere the published
number of clips of each emotion. The images are 8 px small and never decoded.
"""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_prep import dataset_files
from data_prep.action_units import OBJECTIVE_CLASSES
from data_prep.annotations import read_clips
from data_prep.clip_search import locate_clips
from data_prep.dataset_check import check_dataset
from data_prep.layouts import ReplicaClip
from mer.evaluation import protocols
from mer_core import registry

GREY = np.full((8, 8, 3), 90, np.uint8)
WORDS = {"casme2": {"negative": "disgust", "positive": "happiness", "surprise": "surprise"}}
WORDS["samm"] = {"negative": "Anger", "positive": "Happiness", "surprise": "Surprise"}
WORDS["smic"] = {word: word for word in ("negative", "positive", "surprise")}
COUNTED = [
    name for name in registry.list_names("data_prep.datasets") if name not in ("dfme", "table")
]  # whose counts per emotion are published


def clip(subject: int, index: int, emotion: str, name: str = "") -> ReplicaClip:
    onset = 10 * index
    return ReplicaClip(subject, index, emotion, "4+7", onset, onset + 1, onset + 1, lambda i: GREY, name)


def write(name: str, root: Path, clips: list[ReplicaClip]) -> Path:
    registry.load("data_prep.layouts", name).write(root / name, clips)
    dataset_files.clear_caches()
    return root / name


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """`full(name)`: root of a replica with the published number of clips, subjects, and clips of each
    emotion.
    """
    roots = {}

    def make(name: str) -> Path:
        if name not in roots:
            facts = registry.load("data_prep.datasets", name).FACTS
            spelling = {word.lower(): word for word in registry.load("data_prep.layouts", name).EMOTIONS}
            words = [spelling[word] for word, count in facts.emotions.items() for _ in range(count)]
            people = facts.subjects or 22
            clips = [clip(i % people + 1, i // people + 1, word) for i, word in enumerate(words)]
            roots[name] = write(name, tmp_path_factory.mktemp("full"), clips)
        return roots[name]

    return make


@pytest.fixture(scope="module")
def table(full):
    """`table(name)`: the clip table of such a replica, read once."""
    return lru_cache(lambda name: read_clips(name, full(name)).table)


@pytest.mark.parametrize("name", COUNTED)
def test_a_full_dataset_is_as_published(name, full):
    check = check_dataset(name, full(name))
    facts = registry.load("data_prep.datasets", name).FACTS
    first = next(i for i, line in enumerate(check.lines) if line.split()[:1] == ["clips"])
    counts = check.lines[first : first + 2 + len(facts.emotions)]
    assert (
        check.usable
        and [line for line in counts if not line.endswith((", as published", "no count is published"))] == []
    )
    assert check.lines[-1] == f"{facts.clips} of {facts.clips} clips can be prepared."


@pytest.mark.parametrize(
    "protocol, dataset, published",
    [
        (
            "casme2-5",
            "casme2",
            {"others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25},
        ),
        ("casme2-3", "casme2", {"negative": 90, "positive": 32, "surprise": 25}),
        ("samm-5", "samm", {"anger": 57, "other": 26, "happiness": 26, "surprise": 15, "contempt": 12}),
        ("samm-3", "samm", {"negative": 92, "positive": 26, "surprise": 15}),
        ("smic-3", "smic", {"negative": 70, "positive": 51, "surprise": 43}),
        ("casme3-3", "casme3", {"negative": 457, "surprise": 187, "positive": 55}),
        ("casme3-4", "casme3", {"negative": 457, "surprise": 187, "others": 161, "positive": 55}),
        (
            "casme3-7",
            "casme3",
            {
                "disgust": 250,
                "surprise": 187,
                "others": 161,
                "fear": 86,
                "anger": 64,
                "sadness": 57,
                "happiness": 55,
            },
        ),
        (
            "mmew-6",
            "mmew",
            {"surprise": 89, "disgust": 72, "happiness": 36, "fear": 16, "sadness": 13, "anger": 8},
        ),
    ],
)
def test_a_protocol_picks_the_published_number_of_clips(protocol, dataset, published, table):
    loaded = protocols.load(protocol)
    labels = protocols.label_clips(loaded, table(dataset))["label"]
    assert labels.value_counts().to_dict() == published
    assert set(loaded.labels) == set(published)


def test_cd6me_takes_every_clip_of_its_six_datasets(table):
    """Its authors count 2,031: they read a later spreadsheet of CASME II, which has 256 rows."""
    names = ("casme", "casme2", "samm", "fourdme", "mmew", "casme3")
    everything = pd.concat([table(name) for name in names], ignore_index=True)
    counts = (
        protocols.label_clips(protocols.load("cd6me-au4"), everything)["dataset"].value_counts().to_dict()
    )
    assert counts == {"casme": 189, "casme2": 255, "samm": 159, "fourdme": 267, "mmew": 300, "casme3": 860}


@pytest.fixture(scope="module")
def composite(tmp_path_factory) -> pd.DataFrame:
    """Clip tables of replicas that hold the 442 clips of the composite under their own names, and two that it
    dropped.
    """
    listed = protocols.load("composite-3").clips
    root, tables = tmp_path_factory.mktemp("composite"), []
    for name, rows in listed.groupby("dataset"):
        clips = [
            clip(int(row.subject.strip("sub")), i, WORDS[name][row.label], row.clip)
            for i, row in enumerate(rows.itertuples(), start=1)
        ]
        if name == "casme2":
            clips += [clip(4, 901, "disgust", "EP12_01f"), clip(5, 902, "repression", "EP09_05f")]
        annotations = read_clips(name, write(name, root, clips))
        located = locate_clips(name, root / name, annotations, "midpoint")
        assert [found.reason for found in located if found.outcome] == []
        tables.append(annotations.table)
    return pd.concat(tables, ignore_index=True)


@pytest.mark.parametrize("name", ["composite-3", "composite-3-lodo"])
def test_the_composite_is_found_by_its_names_with_its_published_counts(name, composite):
    protocol = protocols.load(name)
    table = protocols.label_clips(protocol, composite)
    assert protocols.missing_clips(protocol, table["clip_id"]) == []
    assert len(table) == 442 and (table["dataset"] + "/" + table["subject"]).nunique() == 68
    assert table["label"].value_counts().to_dict() == {"negative": 250, "positive": 109, "surprise": 83}
    counts = pd.crosstab(table["dataset"], table["label"])
    assert counts.loc["smic"].tolist() == [70, 51, 43]
    assert counts.loc["casme2"].tolist() == [88, 32, 25]
    assert counts.loc["samm"].tolist() == [92, 26, 15]
    dropped = protocols.list_excluded(protocol, composite)
    assert sorted(dropped["clip_id"]) == ["casme2/sub04/EP12_01f", "casme2/sub05/EP09_05f"]


# Clips of each objective class. CASME II: CASME2-ObjectiveClasses.xlsx of its release, as counted in public
# repositories; SAMM: Davison, Merghani and Yap, Journal of Imaging 4(10), 2018. Classes I to V are the 185
# and 68 clips of MEGC 2018.
OBJECTIVE = {
    "casme2": {"I": 25, "II": 15, "III": 99, "IV": 26, "V": 20, "VI": 1, "VII": 69},
    "samm": {"I": 24, "II": 13, "III": 20, "IV": 8, "V": 3, "VI": 7, "VII": 84},
}


@pytest.fixture(scope="module")
def objective(tmp_path_factory) -> pd.DataFrame:
    """Clip tables of replicas whose action units give the published count of each objective class."""
    tables = []
    for name, counts in OBJECTIVE.items():
        facts = registry.load("data_prep.datasets", name).FACTS
        word = registry.load("data_prep.layouts", name).EMOTIONS[0]
        cells = {
            kind: ["+".join(map(str, sorted(units))) for units, of in OBJECTIVE_CLASSES.items() if of == kind]
            for kind in counts
        }
        cells["VII"] = ["4+14", "17", "R12+L14"]  # what no other class names
        shown = [cells[kind][i % len(cells[kind])] for kind, count in counts.items() for i in range(count)]
        clips = [
            replace(clip(i % facts.subjects + 1, i // facts.subjects + 1, word), action_units=cell)
            for i, cell in enumerate(shown)
        ]
        tables.append(read_clips(name, write(name, tmp_path_factory.mktemp("objective"), clips)).table)
        assert len(tables[-1]) == facts.clips
    return pd.concat(tables, ignore_index=True)


@pytest.mark.parametrize("name", ["megc2018-cde", "megc2018-hde"])
def test_megc_2018_has_its_published_counts(name, objective):
    table = protocols.label_clips(protocols.load(name), objective)
    assert table["dataset"].value_counts().to_dict() == {"casme2": 185, "samm": 68}
    for dataset, counts in OBJECTIVE.items():
        here = table.loc[table["dataset"] == dataset, "label"].value_counts().to_dict()
        assert here == {kind: counts[kind] for kind in ("I", "II", "III", "IV", "V")}


def test_dfme_has_its_published_number_of_clips_and_its_test_sets_no_labels(tmp_path):
    """Its number of clips of each emotion is not published; the test sets are released without."""
    words = registry.load("data_prep.datasets", "dfme").WORDS
    for part, count in (("train", 1856), ("test_A", 474), ("test_B", 299)):
        rows = [
            (f"sub{i % 50}", f"{part}_{i}", 1, 2, 3, words[i % 7] if part == "train" else "", 200)
            for i in range(count)
        ]
        columns = ["Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Emotion", "Fps"]
        pd.DataFrame(rows, columns=columns).to_csv(tmp_path / f"{part}.csv", index=False)
    table = read_clips("dfme", tmp_path).table
    assert len(table) == registry.load("data_prep.datasets", "dfme").FACTS.clips == 2629
    labelled = protocols.label_clips(protocols.load("dfme-7"), table)
    assert len(labelled) == 1856 and set(labelled["label"]) == set(words)
