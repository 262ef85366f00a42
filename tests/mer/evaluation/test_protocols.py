"""Which clips count, under which label, and why the others do not."""

from types import SimpleNamespace

import pandas as pd
import pytest

from data_prep.clip_table import clip_table
from mer.evaluation import protocols
from mer_core.errors import BadSetting, UnknownName, UnreadableFile


def clips(*rows):
    return clip_table([dict(zip(("dataset", "subject", "clip", "emotion"), row)) for row in rows])


def test_composite_3_is_the_published_composition():
    listed = protocols.load("composite-3").clips
    counts = pd.crosstab(listed["dataset"], listed["label"])
    counts = counts.loc[["smic", "casme2", "samm"], ["negative", "positive", "surprise"]]
    assert counts.to_numpy().tolist() == [
        [70, 51, 43], [88, 32, 25], [92, 26, 15],
    ]  # fmt: skip
    assert (listed["dataset"] + "/" + listed["subject"]).nunique() == 68 and len(listed) == 442
    assert not listed["clip_id"].isin(["casme2/sub04/EP12_01f", "casme2/sub05/EP09_05f"]).any()


def test_an_explicit_list_gives_the_label_and_says_what_is_absent():
    protocol = protocols.load("composite-3")
    table = clips(("casme2", "sub01", "EP02_01f", "happiness"), ("casme2", "sub01", "EP99_99f", "happiness"))
    assert protocols.label_clips(protocol, table)[["clip_id", "label"]].values.tolist() == [
        ["casme2/sub01/EP02_01f", "positive"]
    ]
    assert protocols.list_excluded(protocol, table).values.tolist() == [
        ["casme2/sub01/EP99_99f", "not in the clip list of composite-3"]
    ]
    absent = protocols.missing_clips(protocol, table["clip_id"])
    assert len(absent) == 441 and "casme2/sub01/EP02_01f" not in absent


@pytest.mark.parametrize(
    "name, row, label",
    [
        ("casme2-3", ("casme2", "sub01", "c", "repression"), "negative"),
        ("casme2-3", ("casme2", "sub01", "c", "others"), None),
        ("casme2-3", ("casme2", "sub01", "c", "fear"), None),
        ("samm-3", ("samm", "006", "c", "fear"), "negative"),
        ("samm-3", ("casme2", "sub01", "c", "happiness"), None),
        ("smic-3", ("smic", "s01", "c", "positive"), "positive"),
        ("casme2-5", ("casme2", "sub01", "c", "others"), "others"),
        ("samm-5", ("samm", "006", "c", "others"), "other"),
        ("casme3-3", ("casme3", "spNO.1", "c", "sad"), "negative"),
        ("casme3-3", ("casme3", "spNO.1", "c", "others"), None),
        ("casme3-4", ("casme3", "spNO.1", "c", "others"), "others"),
        ("casme3-7", ("casme3", "spNO.1", "c", "happy"), "happiness"),
        ("mmew-6", ("mmew", "S01", "c", "others"), None),
        ("mmew-6", ("mmew", "S01", "c", "fear"), "fear"),
        ("dfme-7", ("dfme", "s", "c", "contempt"), "contempt"),
        ("dfme-7", ("dfme", "s", "c", ""), None),
        ("synthetic-3", ("smic", "s01", "c", "surprise"), "surprise"),
    ],
)
def test_emotions_become_labels(name, row, label):
    protocol, table = protocols.load(name), clips(row)
    assert protocols.label_clips(protocol, table)["label"].tolist() == ([] if label is None else [label])
    assert len(protocols.list_excluded(protocol, table)) == (label is None)


def test_every_protocol_of_the_folder_loads():
    assert {protocols.load(name).name for name in protocols.names()} == set(protocols.names())


def test_the_reason_names_the_emotion():
    reason = protocols.list_excluded(protocols.load("casme2-3"), clips(("casme2", "sub01", "c", "sadness")))[
        "reason"
    ][0]
    assert reason == "casme2-3 gives no label to casme2 sadness"


def test_a_wrong_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="composite-3"):
        protocols.load("composit-3")


def own(folder, text):
    path = folder / "mine.yaml"
    path.write_text(text)
    return str(path)


def test_an_own_protocol_by_its_path(tmp_path):
    protocol = protocols.load(
        own(tmp_path, "title: t\nsource: s\nlabels: [up, down]\nemotions:\n  d: {joy: up, Grief: down}\n")
    )
    assert protocols.label_clips(protocol, clips(("d", "1", "c", "grief")))["label"].tolist() == ["down"]


@pytest.mark.parametrize(
    "text, error, fact",
    [
        ("title: t\nsource: s\nlabels: [a]\nemotion:\n  d: {x: a}\n", BadSetting, "'emotion'.*emotions"),
        ("title: t\nsource: s\nlabels: [a, b]\nemotions:\n  d: {x: a}\n", BadSetting, "a.*b"),
        ("title: t\nsource: s\nlabels: [a]\n", BadSetting, "`emotions`"),
        ("title: !!python/object/apply:os.getcwd []\n", UnreadableFile, "mine.yaml"),
        ("title: t\nsource: s\nlabels: [a]\nclips: nowhere.csv\n", UnreadableFile, "nowhere.csv"),
    ],
)
def test_a_file_that_is_no_protocol_is_refused(tmp_path, text, error, fact):
    with pytest.raises(error, match=fact):
        protocols.load(own(tmp_path, text))


def with_units(*rows):
    return clip_table([dict(zip(("dataset", "subject", "clip", "action_units"), row)) for row in rows])


def test_objective_classes_become_labels():
    protocol = protocols.load("megc2018-cde")
    table = with_units(
        ("casme2", "s", "a", "R12"),
        ("samm", "s", "b", "4+14"),
        ("samm", "s", "c", "?"),
        ("smic", "s", "d", "12"),
    )
    assert protocols.label_clips(protocol, table)["label"].tolist() == ["I"]
    assert protocols.list_excluded(protocol, table)["reason"].tolist() == [
        "megc2018-cde gives no label to samm objective class VII",
        "megc2018-cde gives no label to samm objective class unknown",
        "megc2018-cde has no dataset smic",
    ]


def test_an_action_unit_is_present_or_absent():
    table = with_units(
        ("casme2", "s", "a", "4+7"),
        ("mmew", "s", "b", "12"),
        ("samm", "s", "c", "?"),
        ("smic", "s", "d", "4"),
    )
    protocol = protocols.load("cd6me-au4")
    assert protocols.label_clips(protocol, table)["label"].tolist() == ["present", "absent"]
    assert protocols.list_excluded(protocol, table)["reason"].tolist() == [
        "samm prints no action unit that can be read", "cd6me-au4 has no dataset smic",
    ]  # fmt: skip
    assert protocols.listed_units(protocols.load("cd6me")) == [1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17]
    with pytest.raises(BadSetting, match="cd6me-au1"):
        protocols.label_clips(protocols.load("cd6me"), table)
    with pytest.raises(BadSetting, match="45"):
        protocols.load("cd6me-au45")
    with pytest.raises(BadSetting, match="none"):
        protocols.load("composite-3-au4")


@pytest.mark.parametrize(
    "name, split",
    [
        ("composite-3", "loso"),
        ("composite-3-lodo", "lodo"),
        ("megc2018-cde", "loso"),
        ("megc2018-hde", "lodo"),
        ("cd6me-au1", "lodo"),
    ],
)
def test_how_a_protocol_splits(name, split):
    assert protocols.load(name).split == split


def test_the_two_ways_of_splitting_the_composite_hold_the_same_clips():
    assert protocols.load("composite-3-lodo").clips.equals(protocols.load("composite-3").clips)


def test_labels_can_be_left_as_the_table_has_them():
    table = clips(("table", "a", "1", "Happy"), ("table", "b", "2", "sad"), ("table", "b", "3", ""))
    protocol = protocols.load_for("labels", [SimpleNamespace(clips=table)])
    assert protocol.labels == ["Happy", "sad"]
    assert list(protocols.label_clips(protocol, table)["label"]) == ["Happy", "sad"]
    assert protocols.list_excluded(protocol, table).values.tolist() == [
        ["table/b/3", "the table gives no label"]
    ]
    assert protocols.load_for("casme2-3", []).labels == ["negative", "positive", "surprise"]
