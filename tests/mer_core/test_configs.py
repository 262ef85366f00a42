from pathlib import Path

import pytest

from mer_core.configs import config_names, find_config
from mer_core.errors import BadInput, UnknownName

CONFIGS = Path(__file__).parents[2] / "configs"


def test_a_shipped_configuration_is_found_by_name():
    assert "composite-3" in config_names()
    assert find_config("composite-3") == CONFIGS / "composite-3.yaml"


def test_a_path_is_taken_as_it_is(tmp_path):
    (tmp_path / "mine.yaml").write_text("seeds: 1\n")
    assert find_config(tmp_path / "mine.yaml") == tmp_path / "mine.yaml"


@pytest.mark.parametrize("name, error", [("composite", UnknownName), ("nowhere/mine.yaml", BadInput)])
def test_what_is_neither_is_refused_and_the_nearest_offered(name, error):
    with pytest.raises(error) as raised:
        find_config(name)
    assert name in str(raised.value)
    if error is UnknownName:
        assert "composite-3" in str(raised.value)
