"""The wheel holds what an installation outside the checkout needs, and answers there."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("mer", "flow", "data_prep", "mer_core")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    # Built from a copy of what git tracks or would track, so that leftovers of other builds cannot help.
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout, so the tree to build from is unknown")
    source = out / "source"
    for name in filter(None, listed.stdout.splitlines()):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)],
        check=True,
        capture_output=True,
    )
    return next(out.glob("*.whl"))


def test_wheel_holds_every_module_and_data_file(wheel):
    packed = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert ours - packed == set()
    configs = {Path(name).name for name in packed if "/share/mer/configs/" in name}
    assert configs == {path.name for path in (ROOT / "configs").iterdir()}


def test_installed_wheel_runs_outside_the_checkout(wheel, tmp_path):
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    probe = (
        "import mer, flow, data_prep, mer_core.registry as r; "
        "print(mer.__file__);print(len(r.list_names('flow.methods')), "
        "len(r.list_names('data_prep.datasets')), len(r.list_names('mer.classifiers')));from mer.cli.main "
        "import cli; cli(['--help'])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin"},
    )
    assert answer.returncode == 0, answer.stderr
    where, counts, *_ = answer.stdout.splitlines()
    assert where.startswith(str(site))
    assert all(int(count) > 0 for count in counts.split())
