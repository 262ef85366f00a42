"""The Dockerfile installs what the demo needs: its pip lines, entry point and command in a fresh environment.

That takes minutes and a package index, so it runs with `make docker-test`; the form of the file is always
checked.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SYSTEM = ("apt-get ", "useradd ")  # need root; what they install is checked by name
FILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def lines(instruction: str) -> list[str]:
    """Return what follows an instruction, one entry each."""
    return re.findall(rf"^{instruction} (.*)$", FILE, re.M)


def test_every_line_is_a_pip_install_or_names_what_the_docs_name():
    pip = [line for line in lines("RUN") if line.startswith("pip install ")]
    system = [line for line in lines("RUN") if line.startswith(SYSTEM)]
    assert len(pip) + len(system) == len(lines("RUN")) and pip
    packages = re.search(r"apt-get install ([\w. -]+)`", (ROOT / "docs" / "install.md").read_text())[1]
    assert set(packages.split()) <= set(" ".join(system).split())
    assert FILE.index("USER mer") < FILE.index("ENTRYPOINT")  # an ordinary user
    (extras,) = (found[1] for line in pip if (found := re.search(r"/src\[([\w,]+)\]", line)))
    assert set(extras.split(",")) == {"app", "numba"}


@pytest.mark.slow
@pytest.mark.skipif(
    "MER_TEST_INSTALL" not in os.environ, reason="takes minutes and a package index: make docker-test"
)
def test_the_image_runs_its_command(tmp_path):
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    environment = os.environ | {"PATH": f"{venv / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": ""}
    for line in lines("RUN"):
        if line.startswith("pip "):
            command = line.replace('"/src', f'"{ROOT}')
            subprocess.run(["bash", "-c", command], check=True, env=environment, cwd=tmp_path)
    command = [*json.loads(lines("ENTRYPOINT")[0]), *json.loads(lines("CMD")[0])]
    answer = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "demo" / "run" / "report.html").is_file(), shlex.join(command)
