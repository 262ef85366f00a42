"""A YAML file takes no more time and memory than its bytes suggest."""

import pytest

from mer_core import yaml_files
from mer_core.errors import UnreadableFile


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000,
        "when: 2001-99-99",
        "a: &a [*a]",
        "a0: &a0 [x, x]\n" + "".join(f"a{k}: &a{k} [*a{k - 1}, *a{k - 1}]\n" for k in range(1, 40)),
        "!!python/object/apply:os.getcwd []",
        "x" * (yaml_files.MAX_BYTES + 1),
    ],
    ids=["nested", "no such date", "contains itself", "aliases of aliases", "code", "too large"],
)
def test_what_is_hostile_is_refused(tmp_path, text):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(UnreadableFile, match="a.yaml") as caught:
        yaml_files.read_yaml(tmp_path / "a.yaml")
    assert len(str(caught.value)) < 2000


def test_aliases_are_read(tmp_path):
    (tmp_path / "a.yaml").write_text("a: &a [1, 2]\nb: *a\n")
    assert yaml_files.read_yaml(tmp_path / "a.yaml") == {"a": [1, 2], "b": [1, 2]}
