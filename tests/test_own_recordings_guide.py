"""The guide to own recordings, as printed: videos of a real face, a folder of frames and a bad row."""

import shlex

import numpy as np
import pandas as pd
import pytest

from mer.cli.main import cli
from mer_core.io import read_json
from tests.printed import ROOT, code_blocks, mer_commands
from tests.recordings import moved_face, write_recordings

PAGE = ROOT / "docs" / "guides" / "own-recordings.md"


def test_the_guide_as_printed(tmp_path, monkeypatch, capsys):
    write_recordings(tmp_path / "recordings")
    monkeypatch.chdir(tmp_path)
    check, *commands = [shlex.split(line)[1:] for line in mer_commands(PAGE)]
    with pytest.raises(SystemExit) as finished:
        cli.main(check, standalone_mode=False)
    assert finished.value.code == 1  # one row cannot be used
    said = capsys.readouterr().out
    assert "there is no videos/absent.mp4" in said and said.endswith("10 of 11 clips can be prepared.\n")
    for command in commands:
        try:
            cli.main(command, standalone_mode=False)
        except SystemExit as finished:
            assert not finished.code, command
    outcome = pd.read_csv("prepared/mine/outcome.csv")
    assert list(outcome["outcome"]) == ["ok"] * 10 + ["bad row"]
    metrics = read_json("runs/mine/metrics.json")
    assert (metrics["clips"], metrics["subjects"]) == (10, 5)
    assert set(pd.read_csv("runs/mine/predictions.csv")["label"]) == {"happiness", "surprise"}


def test_the_guide_to_frames_in_memory_as_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = code_blocks(PAGE, "python")
    frames = [np.stack(moved_face(person, person == 0, rest=20)) for person in (0, 1)]
    names = {"first": frames[0], "second": frames[1]}
    exec(code, names)
    assert list(names["outcome"]["outcome"]) == ["ok", "ok"]
    assert set(names["outcome"]["apex_source"]) == {"spotted"}
