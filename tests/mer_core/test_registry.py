"""Names: files of the package, installed packages, and files that the user typed."""

import subprocess
import sys
import textwrap

import pytest

from mer_core import registry
from mer_core.errors import BadPlugin, NotFound, UnknownName

CLASSIFIER = """
'''Always the same.'''
from mer.classifiers.majority import Classifier as Majority


class Classifier(Majority):
    pass
"""
FEATURE = (
    "import numpy as np\n\n\ndef extract(flow, landmarks):\n    return flow.mean((0, 1)).astype(np.float32)\n"
)
PROTOCOL = "title: mine\nsource: mine\nlabels: [a]\nemotions: {casme2: {happiness: a}}\n"
GROUPS = {
    "srflow_mer.classifiers": "steady = my_package.steady",
    "srflow_mer.features": "mean_flow = my_package.mean_flow",
    "srflow_mer.flow_methods": "still = my_package.still",
    "srflow_mer.datasets": "mine = my_package.mine",
    "srflow_mer.protocols": "only-a = my_package:PROTOCOL",
}


@pytest.fixture
def package(tmp_path):
    """An installed package with one plug-in of each kind, as a folder for PYTHONPATH."""
    folder = tmp_path / "site"
    (folder / "my_package").mkdir(parents=True)
    files = {
        "__init__.py": "from pathlib import Path\nPROTOCOL = Path(__file__).parent / 'only-a.yaml'\n",
        "steady.py": CLASSIFIER,
        "mean_flow.py": FEATURE,
        "still.py": "def load(device='cpu'):\n"
        "    return lambda first, second: (second - first)[..., :2] * 0.0\n",
        "mine.py": "def read_annotations(root):\n    raise NotImplementedError\n",
        "only-a.yaml": PROTOCOL,
    }
    for name, text in files.items():
        (folder / "my_package" / name).write_text(text)
    info = folder / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("".join(f"[{group}]\n{line}\n" for group, line in GROUPS.items()))
    return folder


def python(folder, code):
    """What a fresh Python prints that has `folder` on its path."""
    path = [str(folder), *filter(None, sys.path)]
    code = f"import sys\nsys.path[:0] = {path!r}\n{textwrap.dedent(code)}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_plug_ins_of_an_installed_package_are_listed_loaded_and_shown_in_help(package):
    said = python(
        package,
        """
        from click.testing import CliRunner
        from mer.cli.main import cli
        from mer.evaluation import protocols
        from mer_core import registry
        names = {"mer.classifiers": "steady", "mer.features": "mean_flow", "flow.methods": "still",
                 "data_prep.datasets": "mine"}
        for package, name in names.items():
            print(registry.load(package, name).__name__)
        print(protocols.load("only-a").title)
        for command in (["cv"], ["prepare"], ["flow", "estimate"]):
            print(" ".join(CliRunner().invoke(cli, [*command, "--help"]).output.split()))
        """,
    )
    for fact in ("my_package.steady", "my_package.mean_flow", "my_package.still", "my_package.mine"):
        assert f"{fact}\n" in said
    assert "mine\n" in said
    for listed in ("rcn, steady, ststnet", "mean_flow, roi_flow", "only-a", "mine"):
        assert listed in said


def test_a_typed_file_is_a_plug_in_under_its_own_name(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_plugins", {})
    (tmp_path / "steady_file.py").write_text(CLASSIFIER)
    module = registry.load_plugin(tmp_path / "steady_file.py")
    assert "steady_file" in registry.list_names("mer.classifiers")
    assert registry.load("mer.classifiers", "steady_file") is module
    assert registry.load_plugin(tmp_path / "steady_file.py") is module


@pytest.mark.parametrize(
    "name, text, error, fact",
    [
        ("nothing.py", "x = 1\n", BadPlugin, "nothing.py"),
        ("broken.py", "1 / 0\n", BadPlugin, "ZeroDivisionError"),
        ("logistic.py", CLASSIFIER, BadPlugin, "logistic"),
        ("absent.py", None, NotFound, "absent.py"),
    ],
)
def test_a_file_that_is_no_plug_in_is_refused(tmp_path, monkeypatch, name, text, error, fact):
    monkeypatch.setattr(registry, "_plugins", {})
    if text:
        (tmp_path / name).write_text(text)
    with pytest.raises(error, match=fact):
        registry.load_plugin(tmp_path / name)
    assert not registry._plugins


def test_a_plug_in_is_typed_and_never_named_by_a_configuration(tmp_path):
    (tmp_path / "mine.py").write_text(CLASSIFIER)
    with pytest.raises(UnknownName):
        registry.load("mer.classifiers", str(tmp_path / "mine.py"))


@pytest.mark.parametrize("place", [0, 1, 4])
def test_the_command_line_takes_a_plug_in_anywhere(tmp_path, place):
    (tmp_path / "steady_file.py").write_text(CLASSIFIER)
    words = ["cv", "--classifier", "steady_file", str(tmp_path)]
    words[place:place] = ["--plugin", str(tmp_path / "steady_file.py")]
    said = python(
        tmp_path,
        f"""
        from click.testing import CliRunner
        from mer.cli.main import cli
        done = CliRunner().invoke(cli, [*{words!r}, "--out", "run"])
        print(done.output, repr(done.exception))
        """,
    )
    assert "prepare" in said and "Usage" not in said  # it gets as far as the folder


@pytest.mark.parametrize("words", [["cv", "--help", "FILE"], ["cv", "FILE", "-h"], ["FILE", "cv", "--help"]])
def test_help_lists_a_plug_in_wherever_it_is_named(tmp_path, words):
    file = tmp_path / "steady_file.py"
    file.write_text(CLASSIFIER)
    place = words.index("FILE")
    words = [*words[:place], "--plugin", str(file), *words[place + 1 :]]
    said = python(
        tmp_path,
        f"""
        from click.testing import CliRunner
        from mer.cli.main import cli
        done = CliRunner().invoke(cli, {words!r})
        assert done.exit_code == 0
        print(done.output)
        """,
    )
    assert "Usage: cli cv" in said and "steady_file" in said
