"""`mer` accepts every command that the README and the docs print, and every link leads somewhere."""

import re
import shlex
from pathlib import Path

import pytest

from mer.cli.main import cli

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(page: Path) -> list[str]:
    """Lines of the page's code blocks that call `mer`, without comments."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.split("#")[0].strip() for line in lines if re.match(r"(\.venv/bin/)?mer ", line.strip())]


PRINTED = [(page, line) for page in PAGES for line in commands(page)]


@pytest.mark.parametrize("page, line", PRINTED, ids=[line for _, line in PRINTED])
def test_a_printed_command_is_accepted(page, line, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("mer.cli.options.Existing.convert", lambda self, value, *_: Path(value))
    if "guides" in page.parts:  # names of what the guide adds, which its own test runs
        monkeypatch.setattr("mer_core.registry.load_plugin", lambda file: None)
        for kind in ("Name", "Classifier"):
            monkeypatch.setattr(f"mer.cli.options.{kind}.convert", lambda self, value, *_: value)
    words = [Path(shlex.split(line)[0]).name, *shlex.split(line)[1:]]
    context = cli.make_context("mer", words[1:])
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
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (page.parent / link).exists()] == []
