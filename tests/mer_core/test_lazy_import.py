"""A module is imported without the code of its package, which runs as soon as the package is used."""

import importlib
import sys

import pytest

from mer_core.lazy_import import defer_packages


@pytest.fixture
def package(tmp_path, monkeypatch):
    inner = tmp_path / "heavy" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "heavy" / "__init__.py").write_text("from heavy import inner\nloaded = True\n")
    (inner / "__init__.py").write_text("from heavy.inner import part, other\nTWICE = 2 * part.VALUE\n")
    (inner / "part.py").write_text("VALUE = 3\n")
    (inner / "other.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "heavy"]:
        del sys.modules[name]


def test_a_module_is_imported_without_its_package(package):
    defer_packages("heavy", "heavy.inner")
    part = importlib.import_module("heavy.inner.part")
    assert part.VALUE == 3 and "heavy.inner.other" not in sys.modules


def test_a_package_is_complete_once_it_is_used(package):
    defer_packages("heavy", "heavy.inner")
    part = importlib.import_module("heavy.inner.part")
    import heavy

    assert heavy.loaded and heavy.inner.TWICE == 6 and heavy.inner.part is part
    assert "heavy.inner.other" in sys.modules
    with pytest.raises(AttributeError):
        _ = heavy.missing


def test_packages_in_use_or_not_installed_are_left_alone(package):
    import heavy

    defer_packages("heavy", "json", "not_installed_anywhere")
    assert heavy is sys.modules["heavy"] and "not_installed_anywhere" not in sys.modules
    assert heavy.loaded
