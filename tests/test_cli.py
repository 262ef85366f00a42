"""The command line as a person meets it: help, wrong names, wrong folders, exit codes."""

import errno
import json
import os
import subprocess
import sys

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

import mer.cli.main
import mer_core
from mer.cli.main import cli


def run(*words: str) -> subprocess.CompletedProcess:
    """Run `mer` as a process of its own, as a user would."""
    code = "import sys; from mer.cli.main import main; sys.argv[0] = 'mer'; main()"
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)


def commands(group: click.Group, path=()):
    """Every command with the words that call it."""
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def test_help_imports_nothing_heavy():
    probe = (
        "import sys; from mer.cli.main import cli; from click.testing import CliRunner;assert "
        "CliRunner().invoke(cli, ['--help']).exit_code == 0;print([m for m in ('torch', 'mediapipe', 'cv2', "
        "'pandas', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert answer.stdout.strip() == "[]", answer.stderr


@pytest.mark.parametrize(
    "words",
    [
        "score READM.md",
        "spot READM.md",
        "report READM.md",
        "cv READM.md --out x",
        "prepare casme2 --root READM.md",
    ],
)
def test_a_missing_path_is_reported_before_anything_heavy_is_imported(words, tmp_path, monkeypatch):
    (tmp_path / "README.md").touch()
    monkeypatch.chdir(tmp_path)
    probe = (
        "import sys; from mer.cli.main import cli; from mer_core.errors import BadInput\n"
        "try: cli(sys.argv[1:], standalone_mode=False)\n"
        "except BadInput as error: print('README.md' in str(error), [m for m in ('numpy', 'cv2') if m in "
        "sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", probe, *words.split()], capture_output=True, text=True)
    assert answer.stdout.strip() == "True []", answer.stderr


@pytest.mark.parametrize(
    "words, command",
    list(commands(cli)),
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_every_command_shows_an_example(words, command):
    answer = CliRunner().invoke(cli, [*words, "--help"])
    assert answer.exit_code == 0
    if not isinstance(command, click.Group):
        assert f"mer {' '.join(words)}" in answer.output.split("Example", 1)[1]


@pytest.mark.parametrize(
    "words, command",
    list(commands(cli)),
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_every_option_says_what_it_is_for_and_shows_its_default(words, command):
    assert (
        CliRunner().invoke(cli, [*words, "--help"]).exit_code == 0
    )  # which completes the texts of the options
    for option in command.params:
        if isinstance(option, click.Option) and option.name != "version":
            assert option.help, option.name
            assert option.required or option.show_default or "[default:" in option.help, option.name


def test_it_runs_as_a_module():
    answer = subprocess.run([sys.executable, "-m", "mer.cli", "--version"], capture_output=True, text=True)
    assert answer.stdout.strip().endswith(mer_core.__version__), answer.stderr


@pytest.mark.parametrize(
    "typed, meant",
    [
        (["scroe", "x.mp4"], "score"),
        (["prepare", "sammm", "--root", "."], "samm"),
        (["flow", "estimate", ".", "--method", "deepflo"], "deepflow"),
        (["cv", ".", "--classifier", "logistics", "--out", "x"], "logistic"),
    ],
)
def test_unknown_name_is_answered_with_the_nearest(typed, meant):
    answer = run(*typed)
    assert answer.returncode == 2
    assert f"Did you mean {meant}?" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_users_mistake_is_one_message_without_traceback(tmp_path):
    answer = run("flow", "estimate", str(tmp_path / "nowhere"))
    assert answer.returncode == 1
    assert answer.stderr.startswith("mer: ")
    assert "nowhere" in answer.stderr and "Traceback" not in answer.stderr


def test_cv_wants_one_kind_of_input(tmp_path):
    answer = run("cv", "--out", str(tmp_path))
    assert answer.returncode == 2
    assert "--maps" in answer.stderr


def test_apex_rules_offered_are_those_there_are():
    from data_prep.apex import METHODS

    option = next(option for option in cli.commands["prepare"].params if option.name == "apex")
    assert tuple(option.type.choices) == METHODS


def test_the_page_of_a_clip_needs_a_folder_and_that_is_said_before_the_clip_is_watched(tmp_path):
    (tmp_path / "notes.txt").touch(), (tmp_path / "clip.mp4").touch()
    result = CliRunner().invoke(
        cli, ["score", str(tmp_path / "clip.mp4"), "--out", str(tmp_path / "notes.txt")]
    )
    assert result.exit_code == 2 and "notes.txt is a file" in result.output


@pytest.mark.parametrize(
    "words", [["score"], ["score", "--out", "a.csv"], ["spot"], ["spot", "--out", "a.eaf"]]
)
def test_blur_without_pictures_is_refused(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.mp4").write_bytes(b"")
    result = CliRunner().invoke(cli, [words[0], "a.mp4", *words[1:], "--blur"])
    assert result.exit_code == 2 and "--blur" in result.output


def test_a_full_disk_is_one_message_too(monkeypatch, capsys):
    def full(**_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/first/metrics.json")

    monkeypatch.setattr(mer.cli.main, "cli", full)
    with pytest.raises(SystemExit) as ended:
        mer.cli.main.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("mer: No space left on device: runs/first/metrics.json. ")


def test_the_demo_prints_its_lines_as_json(tmp_path, monkeypatch):
    monkeypatch.setattr("mer.demo.walkthrough.run", lambda out: iter(["first", "last"]))
    answer = CliRunner().invoke(cli, ["demo", "--out", str(tmp_path / "demo"), "--json"])
    assert json.loads(answer.stdout)["lines"] == ["first", "last"]


@pytest.mark.parametrize(
    "typed, found",
    [
        ("prepare sm", {"smic", "smic_nir", "smic_vis"}),
        ("flow estimate --method di", {"dis"}),
        ("cv --protocol casme2", {"casme2-3", "casme2-5"}),
        ("cv --feature ho", {"hoof"}),
        ("cv --classifier lo", {"logistic"}),
        ("cv --config mer-net", {"mer-net", "mer-net-nested"}),
        ("demo --layout smic_", {"smic_nir", "smic_vis"}),
        ("compar", {"compare"}),
    ],
)
def test_names_are_completed_in_a_shell(typed, found):
    words = typed.split()
    completion = ShellComplete(cli, {}, "mer", "_MER_COMPLETE")
    assert {item.value for item in completion.get_completions(words[:-1], words[-1])} == found
