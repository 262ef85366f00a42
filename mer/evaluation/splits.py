"""Splits: which clips a classifier is fitted on and which it is tested on. They see the table only, never the
features.
"""

import numpy as np
import pandas as pd

from data_prep.identity import dataset_key, refuse_spellings
from mer_core.errors import BadInput

Fold = tuple[str, np.ndarray, np.ndarray]  # name, positions to fit on, positions to test on

# Datasets that show the people of another one, under the same names: other cameras, or the videos that its
# clips were cut from.
SAME_PEOPLE = {"smic_nir": "smic", "smic_vis": "smic", "samm_lv": "samm"}


def loso(table: pd.DataFrame) -> list[Fold]:
    """Leave one subject out: one fold per `dataset/subject`, because subject ids repeat between datasets.

    table : clip table (N rows) with `dataset` and `subject`
    returns folds sorted by name, each with positions in 0..N-1; every clip is tested exactly once
    Raises `BadInput` if there are fewer than two subjects.
    """
    subjects = subject_ids(table)
    folds = [
        (name, np.flatnonzero(subjects != name), np.flatnonzero(subjects == name))
        for name in sorted(set(subjects))
    ]
    if len(folds) < 2:
        raise BadInput(
            f"Leaving one subject out needs clips of at least two subjects; there are {len(folds)}: {[f[0] for f in folds]}."
        )
    for fold in folds:
        check_disjoint(table, fold)
    return folds


def lodo(table: pd.DataFrame) -> list[Fold]:
    """Leave one dataset out: one fold per dataset, fitted on all others; with two datasets, a holdout of each
    in turn.

    Datasets of the same people (`SAME_PEOPLE`) are left out together.

    table : clip table (N rows) with `dataset` and `subject`
    returns folds sorted by name, each with positions in 0..N-1; every clip is tested exactly once
    Raises `BadInput` if there are fewer than two datasets.
    """
    datasets = _people(table).to_numpy(dtype=str)
    folds = [
        (name, np.flatnonzero(datasets != name), np.flatnonzero(datasets == name))
        for name in sorted(set(datasets))
    ]
    if len(folds) < 2:
        raise BadInput(
            f"Leaving one dataset out needs clips of at least two datasets; there are {len(folds)}: {[f[0] for f in folds]}."
        )
    for fold in folds:
        check_disjoint(table, fold)
    return folds


def subject_ids(table: pd.DataFrame) -> np.ndarray:
    """Return `dataset/subject` for each row, (N,) str: one name for a person, also where several datasets
    show them.

    Raises `SubjectSpelling` if two of the names are one person in two spellings.
    """
    ids = (_people(table) + "/" + table["subject"].astype(str)).to_numpy(dtype=object)
    refuse_spellings(ids)
    return ids


def _people(table: pd.DataFrame) -> pd.Series:
    """The dataset of each row, or the one whose people it shows (`SAME_PEOPLE`)."""
    datasets = table["dataset"].astype(str)
    shown = {dataset_key(name): other for name, other in SAME_PEOPLE.items()}
    datasets = datasets.map({name: shown.get(dataset_key(name), name) for name in datasets.unique()})
    refuse_spellings(datasets + "/")
    return datasets


def check_disjoint(table: pd.DataFrame, fold: Fold) -> None:
    """Raise `AssertionError` if a subject is on both sides of `fold`, which would be a leak by construction."""
    name, train, test = fold
    subjects = subject_ids(table)
    both = set(subjects[train]) & set(subjects[test])
    if both:
        raise AssertionError(f"Fold {name} fits on and tests on the same subject(s): {sorted(both)}.")
