"""The soak: undamaged seeds are accepted, so a refusal is due to the damage; a few cases of each part."""

import os
import time

import pytest

from benchmarks import soak, soak_inputs, soak_kills, soak_seeds
from mer_core.io import write_text


def test_undamaged_seeds_are_accepted_and_mutations_repeat(tmp_path):
    import numpy as np

    found = soak_seeds.seeds(tmp_path / "seeds")
    reader = soak_inputs.Reader(found)
    outcomes = {}
    for index, seed in enumerate(found):
        folder = tmp_path / "x" / str(index) if "index" not in seed.name else tmp_path / "seeds"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / seed.name).write_bytes(seed.data)
        outcomes[seed.kind] = reader.outcome(index, folder / seed.name)
        first, second = (soak_inputs.mutate(seed.data, np.random.default_rng(3)) for _ in range(2))
        assert first == second != seed.data
    reader.close()
    # .mat files are refused with what they hold, and read for that.
    assert outcomes.pop("map, .mat") == ("refused", "bad-map")
    assert {kind: why for kind, (outcome, why) in outcomes.items() if outcome != "accepted"} == {}


@pytest.mark.parametrize(
    "read, outcome",
    [
        (lambda path: 1 / 0, "traceback"),
        (lambda path: os.abort(), "crash"),
        (lambda path: bytearray(soak_inputs.MAX_BYTES * 2), "memory"),
        (lambda path: time.sleep(60), "timeout"),
    ],
)
def test_every_fault_is_told_apart_and_the_reader_goes_on(tmp_path, monkeypatch, read, outcome):
    monkeypatch.setattr(soak_inputs, "MAX_S", 1.0)
    reader = soak_inputs.Reader(
        [soak_inputs.Seed("a", "a", b"", read), soak_inputs.Seed("b", "b", b"", lambda path: None)]
    )
    assert reader.outcome(0, tmp_path)[0] == outcome
    assert reader.outcome(1, tmp_path)[0] == "accepted"
    reader.close()


def test_mutations_are_counted_and_a_second_call_goes_on(tmp_path):
    for _ in range(2):
        state = soak.State(tmp_path)
        soak.soak_inputs_until(state, time.monotonic() + 2)
    n = sum(n for row in state.counts["inputs"].values() for n in row.values())
    assert n == state.done["inputs"] > 10
    assert (
        f"| all | {sum(row.get('accepted', 0) for row in state.counts['inputs'].values())} |"
        in soak.tables(state)
    )


def test_a_task_that_does_not_survive_a_kill_is_seen(tmp_path):
    def whole(out):
        write_text(out / "a", "1")
        write_text(out / "b", "2")

    def forgetful(out):
        if not (out / "a").exists():  # takes the first file for the whole work
            whole(out)

    out, outcomes = tmp_path / "out", {}
    for run in (whole, forgetful):
        task = soak_kills.Task("t", run)
        known = soak_kills.undisturbed(task, out)
        n_first = known.n_changes // 2  # the second file changes the folder as often as the first one
        outcomes[run] = [
            soak_kills.kill_and_rerun(task, out, soak_kills.Kill(change, cut), known)[0]
            for change in range(known.n_changes + 1)
            for cut in (False, True)
        ]
    assert set(outcomes[whole]) == {"as undisturbed"}
    assert "lost" not in outcomes[forgetful][: 2 * n_first]
    assert outcomes[forgetful][2 * n_first :].count("lost") >= 2
    assert outcomes[forgetful][-1] == "as undisturbed"
