"""The commands and examples that the documentation prints."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "mer/bundles/synthetic/README.md")),
    *sorted((ROOT / "flow" / "weights").glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


def code_blocks(page: Path, *languages: str) -> list[str]:
    """Return the page's fenced blocks in one of `languages`; "" stands for a block that names none."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)
    return [text for language, text in blocks if language in languages]


def shell_lines(page: Path) -> list[str]:
    """Return the lines of the page's shell blocks, continued lines joined, comments removed."""
    lines = "\n".join(code_blocks(page, "", "sh", "bash")).replace("\\\n", " ").splitlines()
    return [line for line in (re.split(r"(?:^|\s)#", line)[0].strip() for line in lines) if line]


def mer_commands(page: Path) -> list[str]:
    """Return the lines that call `mer`."""
    return [line for line in shell_lines(page) if line.split()[0] == "mer"]
