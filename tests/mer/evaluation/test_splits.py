"""Leave one subject out."""

import numpy as np
import pandas as pd
import pytest

from data_prep.identity import SubjectSpelling
from mer.evaluation import splits
from mer_core.errors import TooFewClips

TABLE = pd.DataFrame({"dataset": ["a", "a", "b", "b", "a"], "subject": ["1", "2", "1", "1", "1"]})


def test_subjects_of_the_same_name_in_two_datasets_are_two_people():
    folds = splits.loso(TABLE)
    assert [(name, test.tolist()) for name, _, test in folds] == [
        ("a/1", [0, 4]),
        ("a/2", [1]),
        ("b/1", [2, 3]),
    ]


def test_a_person_before_several_cameras_is_one_person():
    table = pd.DataFrame(
        {
            "dataset": ["smic", "smic_vis", "smic_nir", "samm", "samm_lv"],
            "subject": ["s11", "s11", "s12", "s11", "s11"],
        }
    )
    folds = splits.loso(table)
    assert [(name, test.tolist()) for name, _, test in folds] == [
        ("samm/s11", [3, 4]),
        ("smic/s11", [0, 1]),
        ("smic/s12", [2]),
    ]
    assert [(name, test.tolist()) for name, _, test in splits.lodo(table)] == [
        ("samm", [3, 4]),
        ("smic", [0, 1, 2]),
    ]


def test_every_clip_is_tested_once_and_never_fitted_on_there():
    folds = splits.loso(TABLE)
    assert sorted(np.concatenate([test for _, _, test in folds])) == list(range(5))
    assert all(
        set(train) | set(test) == set(range(5)) and not set(train) & set(test) for _, train, test in folds
    )


def test_a_subject_on_both_sides_is_found():
    with pytest.raises(AssertionError, match="a/1"):
        splits.check_disjoint(splits.subject_ids(TABLE), ("broken", np.array([0, 1]), np.array([4])))


def test_one_subject_cannot_be_left_out():
    with pytest.raises(TooFewClips, match="subject"):
        splits.loso(TABLE.iloc[2:4])


def test_a_dataset_is_left_out_with_all_its_subjects():
    folds = splits.lodo(TABLE)
    assert [(name, train.tolist(), test.tolist()) for name, train, test in folds] == [
        ("a", [2, 3], [0, 1, 4]),
        ("b", [0, 1, 4], [2, 3]),
    ]


def test_one_dataset_cannot_be_left_out():
    with pytest.raises(TooFewClips, match="dataset"):
        splits.lodo(TABLE.iloc[2:4])


@pytest.mark.parametrize(
    "dataset, subject", [("a", "Sub01"), ("a", "sub1"), ("a", "sub01 "), ("A", "sub01"), ("a", "ｓｕｂ０１")]
)
def test_two_spellings_of_one_person_are_refused(dataset, subject):
    table = pd.DataFrame({"dataset": ["a", "a", dataset], "subject": ["sub01", "sub02", subject]})
    for split in (splits.loso, splits.lodo) if dataset == "A" else (splits.loso,):
        with pytest.raises(SubjectSpelling) as caught:
            split(table)
        assert caught.value.code == "subject-spelling"


def test_the_same_people_of_another_camera_may_pad_their_names_otherwise_and_are_then_refused():
    table = pd.DataFrame({"dataset": ["smic", "SMIC-NIR"], "subject": ["s1", "s01"]})
    with pytest.raises(SubjectSpelling):
        splits.loso(table)
