"""What tests of every package share."""

import os
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from hypothesis import settings

# The same examples in every run; look for new ones with --hypothesis-profile=explore.
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=50, database=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real clips, portraits and maps that may not be distributed: MER_SHARED_DATA, or shared/data
    beside the checkout.
    """
    folder = Path(os.environ.get("MER_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs data that is not distributed: {folder} is not there (set MER_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def mesh():
    from data_prep.landmarks import FaceMesh

    with FaceMesh() as mesh:
        yield mesh


@pytest.fixture(scope="session")
def face() -> np.ndarray:
    """(230, 230, 3) uint8 RGB, face in the middle."""
    return np.ascontiguousarray(skimage.data.astronaut()[10:240, 110:340])
