"""Splits: which clips a classifier is fitted on and which it is tested on.

A split sees the table only, never the features. `LeaveOneSubjectOut` and `LeaveOneDatasetOut` are
scikit-learn splitters; their `groups` are the clips' subjects, `dataset/subject`, as `subject_ids` returns
them.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator

from data_prep.identity import dataset_key, refuse_spellings
from mer_core.errors import BadArray, TooFewClips

Fold = tuple[str, np.ndarray, np.ndarray]  # name, positions to fit on, positions to test on

# Dataset -> the dataset that shows the same people under the same names: other cameras, or the long videos
# that its clips were cut from.
SAME_PEOPLE = {"smic_nir": "smic", "smic_vis": "smic", "samm_lv": "samm"}


class LeaveOneSubjectOut(BaseCrossValidator):
    """Leave one subject out: one fold per subject, sorted by name; every clip is tested exactly once.

    Subjects are `dataset/subject`, because subject ids repeat between datasets.

    Raises
    ------
    TooFewClips
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
        """Yield positions to fit on and positions to test on.

        Parameters
        ----------
        groups : (N,) str
            `dataset/subject` of each clip.

        Yields
        ------
        train, test : (n,) int
            Positions in `groups`.
        """
        for _, train, test in self.folds(groups):
            yield train, test

    def folds(self, groups) -> list[Fold]:
        """Return the folds with their names.

        Parameters
        ----------
        groups : (N,) str
            `dataset/subject` of each clip.

        Returns
        -------
        list of (str, (n,) int, (n,) int)
            Name, positions to fit on, positions to test on.

        Raises
        ------
        AssertionError
            If a fold shares a subject.
        """
        unit_of_clip = self._units(groups)
        names = sorted(set(unit_of_clip))
        if len(names) < 2:
            raise TooFewClips(
                f"Leaving one {self.unit} out needs clips of at least two {self.unit}s; there are "
                f"{len(names)}: {names}."
            )
        folds = [
            (name, np.flatnonzero(unit_of_clip != name), np.flatnonzero(unit_of_clip == name))
            for name in names
        ]
        for fold in folds:
            check_disjoint(groups, fold)
        return folds

    def get_n_splits(self, X=None, y=None, groups=None) -> int:
        """Return the number of folds."""
        return len(self.folds(groups))

    def _units(self, groups) -> np.ndarray:
        """Return the subject or dataset that each clip is left out with, (N,) str."""
        if groups is None:
            raise BadArray("This split needs `groups`: dataset/subject of each clip.")
        refuse_spellings(groups)
        return np.asarray(groups, dtype=str)


class LeaveOneDatasetOut(LeaveOneSubjectOut):
    """Leave one dataset out: fit on all others; with two datasets, a holdout of each in turn.

    Datasets of the same people (`SAME_PEOPLE`) are left out together. Groups are `dataset/subject`, as for
    `LeaveOneSubjectOut`.

    Examples
    --------
    >>> import numpy as np
    >>> from mer import LeaveOneDatasetOut
    >>> subjects = np.array(["casme2/01", "casme2/02", "samm/01"])
    >>> [test.tolist() for _, test in LeaveOneDatasetOut().split(np.zeros((3, 2)), groups=subjects)]
    [[0, 1], [2]]
    """

    unit = "dataset"

    def _units(self, groups) -> np.ndarray:
        return np.array([subject.split("/")[0] for subject in super()._units(groups)])


def loso(table: pd.DataFrame) -> list[Fold]:
    """Return the folds of `LeaveOneSubjectOut` for a clip table with `dataset` and `subject`."""
    return LeaveOneSubjectOut().folds(subject_ids(table))


def lodo(table: pd.DataFrame) -> list[Fold]:
    """Return the folds of `LeaveOneDatasetOut` for a clip table with `dataset` and `subject`."""
    return LeaveOneDatasetOut().folds(subject_ids(table))


SPLITS = {"loso": loso, "lodo": lodo}


def subject_ids(table: pd.DataFrame) -> np.ndarray:
    """Return `dataset/subject` of each row, (N,) str: one name per person, even across `SAME_PEOPLE`.

    Raises
    ------
    SubjectSpelling
        If two names are two spellings of one person.
    """
    ids = (_datasets_of_people(table) + "/" + table["subject"].astype(str)).to_numpy(dtype=object)
    refuse_spellings(ids)
    return ids


def _datasets_of_people(table: pd.DataFrame) -> pd.Series:
    """Return the dataset of each row, or the one whose people it shows (`SAME_PEOPLE`)."""
    datasets = table["dataset"].astype(str)
    same_people = {dataset_key(name): other for name, other in SAME_PEOPLE.items()}
    datasets = datasets.map({name: same_people.get(dataset_key(name), name) for name in datasets.unique()})
    refuse_spellings(datasets + "/")
    return datasets


def check_disjoint(groups: np.ndarray, fold: Fold) -> None:
    """Raise `AssertionError` if a subject is on both sides of `fold`: a leak."""
    name, train, test = fold
    groups = np.asarray(groups)
    shared = set(groups[train]) & set(groups[test])
    if shared:
        raise AssertionError(f"Fold {name} fits on and tests on the same subjects: {sorted(shared)}.")
