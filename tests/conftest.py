"""What tests of every package share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real clips, portraits and maps that may not be distributed: MER_SHARED_DATA, or shared/data beside the checkout."""
    folder = Path(os.environ.get("MER_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs data that is not distributed: {folder} is not there (set MER_SHARED_DATA)")
    return folder
