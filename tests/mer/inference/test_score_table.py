"""The table of scored clips: rows are appended, whole after a kill, and sorted at the end."""

import time
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import pytest

from data_prep.own_recordings.recordings import Recordings
from mer.inference import batch
from mer.inference.score_table import COLUMNS, ScoreTable
from mer_core import parallel, progress
from mer_core.errors import OccupiedOutput
from tests.mer.inference.stand_ins import run_here

LABELS = ["negative", "positive"]
CLIPS = [f"{i:04d}.mp4" for i in range(2000)]


def table_of(out: Path, names=CLIPS, folder: str = "/clips") -> ScoreTable:
    recordings = Recordings(Path(folder), {name: Path(folder, name) for name in names})
    return ScoreTable(out, recordings, "same", LABELS)


def row_of(name: str) -> dict:
    return {
        "clip": name,
        "outcome": "ok",
        "reason": 'a "b",\nc',
        "onset": 3,
        "pipeline_id": "same",
        "p_negative": 0.5,
    }


def read(out: Path) -> pd.DataFrame:
    return pd.read_csv(out, keep_default_na=False, dtype=str)


def test_rows_are_appended_with_every_column_and_sorted_at_the_end(tmp_path):
    out = tmp_path / "results.csv"
    table = table_of(out, CLIPS[:3])
    table.add({"clip": CLIPS[2], "outcome": "failed", "reason": "unreadable"})
    inode = out.stat().st_ino
    table.add(row_of(CLIPS[0]))
    assert out.stat().st_ino == inode  # appended, not written anew
    assert list(read(out)["clip"]) == [CLIPS[2], CLIPS[0]]
    assert list(read(out)) == [*COLUMNS, "p_negative", "p_positive"]
    returned = table.finish()
    assert list(read(out)["clip"]) == list(returned["clip"]) == [CLIPS[0], CLIPS[2]]
    assert list(read(out)["onset"]) == ["3", ""]
    assert returned["p_negative"].iloc[0] == 0.5 and returned.isna()["onset"].tolist() == [False, True]


def test_a_row_takes_no_longer_in_a_long_table(tmp_path):
    table = table_of(tmp_path / "results.csv")
    seconds = []
    for name in CLIPS:
        start = time.perf_counter()
        table.add(row_of(name))
        seconds.append(time.perf_counter() - start)
    table.finish()
    first, last = (sorted(part)[50] for part in (seconds[1:101], seconds[-100:]))
    assert last < 5 * first  # writing the whole table each time made it 20 times as long and more


def test_columns_and_rows_of_earlier_runs_stay(tmp_path):
    out = tmp_path / "results.csv"
    table = table_of(out, CLIPS[:2], "/monday")
    table.add(row_of(CLIPS[0]))
    table.finish()
    frame = read(out).assign(p_surprise="0.25", remark="by hand, 007")
    frame.to_csv(out, index=False)
    table = table_of(out, CLIPS[:2], "/tuesday")
    table.add(row_of(CLIPS[1]))
    table.finish()
    assert list(read(out)["p_surprise"]) == ["0.25", ""]
    assert list(read(out)["remark"]) == ["by hand, 007", ""]


@pytest.mark.parametrize("n_bytes", [1, 30, 45])
def test_a_cut_row_is_said_and_dropped(tmp_path, capsys, n_bytes):
    progress.set_verbosity()
    out = tmp_path / "results.csv"
    table = table_of(out, CLIPS[:3])
    for name in CLIPS[:2]:
        table.add(row_of(name))
    table.close()
    out.write_bytes(out.read_bytes()[:-n_bytes])
    table = table_of(out, CLIPS[:3])
    assert str(out) in capsys.readouterr().err
    assert list(table.missing()) == CLIPS[1:3]
    table.finish()
    assert list(read(out)["clip"]) == CLIPS[:1]


def test_another_file_is_refused(tmp_path):
    out = tmp_path / "results.csv"
    for text in ("", "clip;folder\na;b\n", '"'):
        out.write_text(text)
        with pytest.raises(OccupiedOutput):
            table_of(out)
        assert out.read_text() == text


def test_a_full_disk_leaves_whole_rows(tmp_path):
    out = tmp_path / "results.csv"
    table = table_of(out, CLIPS[:2])
    table.add(row_of(CLIPS[0]))

    class Full:
        def __init__(self, file):
            self.file = file

        def write(self, data):
            return self.file.write(data[:7])

        def __getattr__(self, name):
            return getattr(self.file, name)

    table._file = Full(table._file)
    before = out.read_bytes()
    with pytest.raises(OSError, match="results.csv"):
        table.add(row_of(CLIPS[1]))
    assert out.read_bytes() == before


def score_slowly(folder: Path, out: Path) -> None:
    """Score without models, a row each few milliseconds."""

    def score_row(name, *_):
        time.sleep(0.002)
        return row_of(name)

    parallel.map_items = run_here
    batch.score_row, batch._identify_pipeline = score_row, lambda *_: "same"
    batch._labels = lambda *_: LABELS
    batch.score_all(folder, out)


def test_a_killed_run_leaves_whole_rows_and_the_next_goes_on(tmp_path, monkeypatch):
    folder, out = tmp_path / "clips", tmp_path / "results.csv"
    folder.mkdir()
    for name in CLIPS:
        (folder / name).write_text(name)
    process = get_context("spawn").Process(target=score_slowly, args=(folder, out))
    process.start()
    while not (out.is_file() and out.stat().st_size > 20_000):
        assert process.is_alive()
        time.sleep(0.005)
    process.kill()
    process.join()

    left = read(out)
    assert 50 < len(left) < len(CLIPS) and not left["clip"].duplicated().any()
    assert set(left["pipeline_id"]) == {"same"} and set(left["p_negative"]) == {"0.5"}
    scored = []
    monkeypatch.setattr(parallel, "map_items", run_here)
    monkeypatch.setattr(batch, "_identify_pipeline", lambda *_: "same")
    monkeypatch.setattr(batch, "score_row", lambda name, *_: scored.append(name) or row_of(name))
    table = batch.score_all(folder, out)
    assert list(table["clip"]) == list(read(out)["clip"]) == CLIPS
    assert sorted([*scored, *left["clip"]]) == CLIPS  # nothing lost, nothing twice
