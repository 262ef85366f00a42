"""`-q`, `-v` and `--json` mean the same in every command."""

import json

import pytest
from click.testing import CliRunner

from mer.cli.main import cli

FLOW = "flow estimate {prepared} --jobs 1 --method {name}"
CV = "cv {prepared} --protocol casme2-3 --classifier logistic --out {run}/{name}"


@pytest.mark.parametrize("command, unit", [(FLOW, "casme2/sub02/c1"), (CV, "casme2/sub02")])
def test_quiet_verbose_and_json(command, unit, prepared, tmp_path):
    names = iter(("dis", "farneback", "tvl1", "variational"))  # so that nothing is done already
    said = {}
    for flag in ("-q", "", "-v", "--json"):
        typed = command.format(prepared=prepared, run=tmp_path, name=next(names)).split()
        said[flag] = CliRunner().invoke(cli, [*typed, flag] if flag else typed)
        assert said[flag].exit_code == 0, said[flag].output
    assert said["-q"].stderr == "" != said["-q"].stdout
    assert unit not in said[""].stderr and unit in said["-v"].stderr
    assert set(said[""].stderr.splitlines()) <= set(said["-v"].stderr.splitlines())
    assert len(said["-v"].stdout.splitlines()) == len(said[""].stdout.splitlines())
    assert isinstance(json.loads(said["--json"].stdout), dict)
