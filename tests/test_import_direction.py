"""Packages import only from those below them, and no module is part of an import cycle."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = (
    "mer_core",
    "data_prep",
    "flow",
    "mer",
    "benchmarks",
)  # each imports from itself and those before it


def modules(root: Path) -> dict[str, Path]:
    """Dotted name -> file of every module below the packages in `root`."""
    files = (path for layer in LAYERS for path in (root / layer).rglob("*.py"))
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for path in files
    }


def imports(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """Modules of ours that `name` imports, inside functions too.

    Packages count as what is taken from them.
    """
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{path}: relative import"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {one if one in known else node.module for one in inner}
    return {one for one in found if one in known} - {name}


def upward(graph: dict[str, set[str]]) -> list[str]:
    """Imports of a higher package by a lower one."""
    layer = {name: LAYERS.index(name.split(".")[0]) for name in graph}
    return [
        f"{one} -> {other}" for one, others in graph.items() for other in others if layer[other] > layer[one]
    ]


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a ring, in order; empty if there is none."""
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done:
            return []
        for other in sorted(graph[name]):
            if ring := visit(other, [*trail, name]):
                return ring
        done.add(name)
        return []

    return next((ring for name in sorted(graph) if (ring := visit(name, []))), [])


def graph_of(root: Path) -> dict[str, set[str]]:
    known = modules(root)
    return {name: imports(name, path, known) for name, path in known.items()}


def test_no_package_imports_from_one_above_it():
    assert upward(graph_of(ROOT)) == []


def test_no_module_is_part_of_a_cycle():
    assert cycle(graph_of(ROOT)) == []


@pytest.mark.parametrize(
    "files, is_upward, is_cycle",
    [
        ({"flow/a.py": "def f():\n    from mer import b\n", "mer/b.py": ""}, True, False),
        ({"mer/a.py": "from mer import b\n", "mer/b.py": "def f():\n    import mer.a\n"}, False, True),
        ({"flow/a.py": "import os\n", "mer/b.py": "from flow import a\n"}, False, False),
    ],
)
def test_planted_faults_are_found(tmp_path, files, is_upward, is_cycle):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    graph = graph_of(tmp_path)
    assert bool(upward(graph)) is is_upward
    assert bool(cycle(graph)) is is_cycle
