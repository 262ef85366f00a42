"""Splits: which clips a classifier is fitted on and which it is tested on.

They see the table only, never the features.

`LeaveOneSubjectOut` and `LeaveOneDatasetOut` are scikit-learn splitters and can be used with its tools; both
take as `groups` the subjects of the clips, `dataset/subject`, as `subject_ids` returns them.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator

from data_prep.identity import dataset_key, refuse_spellings
from mer_core.errors import BadInput

Fold = tuple[str, np.ndarray, np.ndarray]  # name, positions to fit on, positions to test on

# Datasets that show the people of another one, under the same names: other cameras, or the videos that its
# clips were cut from.
SAME_PEOPLE = {"smic_nir": "smic", "smic_vis": "smic", "samm_lv": "samm"}


class LeaveOneSubjectOut(BaseCrossValidator):
    """Leave one subject out: one fold per subject, sorted by name; every clip is tested exactly once.

    Subjects are `dataset/subject`, because the ids of subjects repeat between datasets.

    Raises
    ------
    BadInput
        From `split` and `get_n_splits`, if there are fewer than two subjects.

    Examples
    --------
    >>> import numpy as np
    >>> from mer import LeaveOneSubjectOut
    >>> subjects = np.array(["casme2/01", "casme2/01", "samm/01"])
    >>> [test.tolist() for _, test in LeaveOneSubjectOut().split(np.zeros((3, 2)), groups=subjects)]
    [[0, 1], [2]]
    """

    unit = "subject"

    def split(self, X=None, y=None, groups=None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield positions to fit on and positions to test on; `groups` : (N,) str, `dataset/subject` of each
        clip.
        """
        for _, train, test in self.folds(groups):
            yield train, test

    def folds(self, groups) -> list[Fold]:
        """Return the folds with their names; raise `AssertionError` if one would fit on and test on the same
        subject.
        """
        left_out = self._held_out_names(groups)
        names = sorted(set(left_out))
        if len(names) < 2:
            raise BadInput(
                f"Leaving one {self.unit} out needs clips of at least two {self.unit}s; there are "
                f"{len(names)}: {names}."
            )
        found = [(name, np.flatnonzero(left_out != name), np.flatnonzero(left_out == name)) for name in names]
        for fold in found:
            check_disjoint(groups, fold)
        return found

    def get_n_splits(self, X=None, y=None, groups=None) -> int:
        """Return the number of folds."""
        return len(self.folds(groups))

    def _held_out_names(self, groups) -> np.ndarray:
        """Return what each clip is left out with, (N,) str."""
        if groups is None:
            raise BadInput("This split needs `groups`: dataset/subject of each clip.")
        refuse_spellings(groups)
        return np.asarray(groups, dtype=str)


class LeaveOneDatasetOut(LeaveOneSubjectOut):
    """Leave one dataset out: fitted on all others; with two datasets, a holdout of each in turn.

    Datasets of the same people (`SAME_PEOPLE`) are left out together. Groups are `dataset/subject`, as above.
    """

    unit = "dataset"

    def _held_out_names(self, groups) -> np.ndarray:
        return np.array([subject.split("/")[0] for subject in super()._held_out_names(groups)])


def loso(table: pd.DataFrame) -> list[Fold]:
    """Return the folds of `LeaveOneSubjectOut` for a clip table with `dataset` and `subject`."""
    return LeaveOneSubjectOut().folds(subject_ids(table))


def lodo(table: pd.DataFrame) -> list[Fold]:
    """Return the folds of `LeaveOneDatasetOut` for a clip table with `dataset` and `subject`."""
    return LeaveOneDatasetOut().folds(subject_ids(table))


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


def check_disjoint(groups: np.ndarray, fold: Fold) -> None:
    """Raise `AssertionError` if a subject is on both sides of `fold`: a leak by construction."""
    name, train, test = fold
    groups = np.asarray(groups)
    both = set(groups[train]) & set(groups[test])
    if both:
        raise AssertionError(f"Fold {name} fits on and tests on the same subject(s): {sorted(both)}.")
