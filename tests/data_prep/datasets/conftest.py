"""Searches of folders start anew in each test."""

import pytest

from data_prep import dataset_files


@pytest.fixture(autouse=True)
def no_cached_searches():
    dataset_files.clear_caches()
