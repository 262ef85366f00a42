"""Soak: damaged inputs for every reader, and commands that are killed and run again, for as long as you like.

    python -m benchmarks.soak --minutes 10 --state soak --out soak/table.md

Every case follows from the seed and its number alone. The state folder keeps the counts, so that the next
call goes on, and each input that ended in anything but a result or a message (`faults/`), to be read again:

    python -m benchmarks.soak --again soak/faults/000123-a.png
"""

import argparse
import itertools
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import soak_inputs, soak_kills, soak_seeds
from mer_core import markdown, progress
from mer_core.io import read_json, write_json, write_text

SEED = 11


class State:
    """Counts of a soak, kept in a folder: kind -> outcome -> number, and how far each part has come."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._file = folder, folder / "state.json"
        old = read_json(self._file) if self._file.is_file() else {}
        self.done: dict[str, int] = old.get("done", {})
        self.counts: dict[str, dict[str, dict[str, int]]] = old.get("counts", {"inputs": {}, "kills": {}})

    def add(self, part: str, kind: str, outcome: str) -> None:
        """Count one case."""
        row = self.counts[part].setdefault(kind, {})
        row[outcome] = row.get(outcome, 0) + 1

    def keep(self, name: str, why: str, file: Path | None = None) -> None:
        """Keep what is needed to see a fault again."""
        place = self.folder / "faults"
        place.mkdir(parents=True, exist_ok=True)
        write_text(place / f"{name}.txt", why + "\n")
        if file is not None:
            shutil.copy(file, place / name)

    def save(self) -> None:
        """Write the counts."""
        write_json(self._file, {"done": self.done, "counts": self.counts})


def soak_inputs_until(state: State, ends: float) -> None:
    """Feed mutations to the readers, one of each seed in turn."""
    found = soak_seeds.seeds(state.folder / "seeds")
    reader, scratch = soak_inputs.Reader(found), state.folder / "scratch"
    try:
        for number in itertools.count(state.done.get("inputs", 0)):
            if time.monotonic() > ends:
                return
            index = number % len(found)
            seed = found[index]
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
            (scratch / seed.name).write_bytes(
                soak_inputs.mutate(seed.data, np.random.default_rng([SEED, number]))
            )
            outcome, why = reader.outcome(index, scratch / seed.name)
            state.add("inputs", seed.kind, outcome)
            if outcome not in ("accepted", "refused"):
                state.keep(f"{number:06d}-{seed.name}", f"{outcome}\n{why}", scratch / seed.name)
            state.done["inputs"] = number + 1
            if number % 200 == 0:
                state.save()
    finally:
        reader.close()
        state.save()


def soak_kills_until(state: State, ends: float) -> None:
    """Kill every command in turn, each at the next point of its plan."""
    out, plans, known = state.folder / "kills" / "out", {}, {}
    for task in itertools.cycle(soak_kills.tasks(state.folder / "kills")):
        if time.monotonic() > ends:
            return
        if task.name not in plans:
            facts = known[task.name] = soak_kills.undisturbed(task, out)
            plan = soak_kills.plan(facts, np.random.default_rng([SEED, len(task.name)]))
            plans[task.name] = itertools.islice(plan, state.done.get(task.name, 0), None)
        kill = next(plans[task.name])
        outcome, why = soak_kills.kill_and_rerun(task, out, kill, known[task.name])
        state.add("kills", task.name, outcome)
        number = state.done[task.name] = state.done.get(task.name, 0) + 1
        if outcome != "as undisturbed":
            state.keep(f"kill-{task.name}-{number:05d}", f"{outcome}\n{kill}\n{why}")
        state.save()


def tables(state: State) -> str:
    """Return both tables as Markdown."""
    parts = []
    for part, first, columns in (
        ("inputs", "damaged input", soak_inputs.OUTCOMES),
        ("kills", "killed and run again", soak_kills.OUTCOMES),
    ):
        counts = state.counts[part]
        rows = [[kind, *(row.get(c, 0) for c in columns)] for kind, row in counts.items()]
        rows.append(["all", *(sum(row.get(c, 0) for row in counts.values()) for c in columns)])
        parts.append(markdown.format_table([first, *columns], rows, numbers_from=1))
    return "\n\n".join(parts)


def read_again(file: Path, scratch: Path) -> tuple[str, str]:
    """Read a kept input again by its name; return its outcome."""
    name = file.name.split("-", 1)[1]
    found = soak_seeds.seeds(scratch / "seeds")
    index = next(i for i, seed in enumerate(found) if seed.name == name)
    reader = soak_inputs.Reader(found)
    try:
        place = scratch / "again"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        shutil.copy(file, place / name)
        return reader.outcome(index, place / name)
    finally:
        reader.close()


def main() -> None:
    """Run both parts, each for half of the time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--state", type=Path, default=Path("soak"))
    parser.add_argument("--out", type=Path, help="also write the tables here")
    parser.add_argument("--only", choices=("inputs", "kills"))
    parser.add_argument("--again", type=Path, help="read one kept input again")
    options = parser.parse_args()
    progress.set_verbosity(quiet=True)
    if options.again:
        print(*read_again(options.again, options.state), sep="\n")
        return
    parts: dict[str, Callable[[State, float], None]] = {
        "inputs": soak_inputs_until,
        "kills": soak_kills_until,
    }
    chosen = [options.only] if options.only else list(parts)
    state = State(options.state)
    for name in chosen:
        parts[name](state, time.monotonic() + 60 * options.minutes / len(chosen))
    print(tables(state))
    if options.out:
        write_text(options.out, tables(state) + "\n")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
