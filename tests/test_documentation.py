"""What the README and the docs print exists: commands, modules, files and links."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from mer.cli.main import cli
from tests.printed import PAGES, ROOT, mer_commands, shell_lines

PRINTED = [(page, line) for page in PAGES for line in mer_commands(page)]
CREATED = ("NAME", "_mine", "toy", "softened_dis", "nearest_mean", "brows")  # what a reader of a guide adds


@pytest.mark.parametrize("page, line", PRINTED, ids=[line for _, line in PRINTED])
def test_a_printed_command_is_accepted(page, line, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("mer.cli.options.ExistingPath.convert", lambda self, value, *_: Path(value))
    if "guides" in page.parts:  # names of what the guide adds, which its own test runs
        monkeypatch.setattr("mer_core.registry.load_plugin", lambda file: None)
        for kind in ("Name", "Classifier"):
            monkeypatch.setattr(f"mer.cli.options.{kind}.convert", lambda self, value, *_: value)
    context = cli.make_context("mer", shlex.split(line)[1:])
    group, arguments = cli, [*context._protected_args, *context.args]
    while arguments and hasattr(group, "commands"):
        name, command, arguments = group.resolve_command(context, arguments)
        if hasattr(command, "commands"):
            group = command
            continue
        command.make_context(name, arguments, parent=context)  # raises what a user would be told
        return
    pytest.fail(f"{page.name} prints {line!r}, which calls no command")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_modules_and_test_files_of_printed_commands_exist(page):
    for line in shell_lines(page):
        for module in re.findall(r"\bpython3? -m ([\w.]+)", line):
            assert module == "venv" or importlib.util.find_spec(module), line
        assert all((ROOT / path).exists() for path in re.findall(r"\btests/[\w/.]+", line)), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_named_files_exist(page):
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if not re.match(r"[a-z]+:", link)]
    assert [link for link in links if not (page.parent / link).exists()] == []
    named = re.findall(
        r"`((?:mer_core|data_prep|flow|mer|benchmarks|tests|docs|configs)/[\w/.-]+\.\w+)`", text
    )
    named = [name for name in named if not any(word in name for word in CREATED)]
    assert [name for name in named if not (ROOT / name).exists()] == []
