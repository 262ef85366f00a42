"""What a command costs: seconds to its first line and to its end, CPU time, memory. Linux only."""

import os
import re
import resource
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

SAMPLE_S = 0.1  # between two looks at the memory
PSS = "Pss:"
MAPPED_FILE = re.compile(r"[0-9a-f]+-[0-9a-f]+ (?:\S+ +){3}\d+ *(.*)")  # /proc/PID/smaps


class Cost(NamedTuple):
    """What a command took.

    Attributes
    ----------
    first_line_s, wall_s, cpu_s : float
        Seconds until its first line of output, until its end, and of CPU time of all its processes.
    others_s : float
        CPU time of the rest of the machine meanwhile: it slows the command down.
    """

    first_line_s: float
    wall_s: float
    cpu_s: float
    others_s: float


class Memory(NamedTuple):
    """Peaks of the resident memory of a command, MB.

    Attributes
    ----------
    together_mb : float
        All its processes; a file that several map counts once, with its largest part in memory.
    proportional_mb : float
        Sum of their proportional set sizes (PSS): a page counts in part for each process that maps it, those
        of other commands included.
    largest_mb : float
        The largest process.
    """

    together_mb: float
    proportional_mb: float
    largest_mb: float


def measure(command: list[str]) -> Cost:
    """Run a command and return what it took."""
    busy_s, children_s, start = _machine_s(), _children_s(), time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        first_line_s = time.perf_counter() - start
        process.stdout.read()
    wall_s, cpu_s = time.perf_counter() - start, _children_s() - children_s
    return Cost(first_line_s, wall_s, cpu_s, _machine_s() - busy_s - cpu_s)


def measure_memory(command: list[str]) -> Memory:
    """Run a command and watch its memory, which takes CPU time from it."""
    peaks = Memory(0, 0, 0)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peaks = Memory(*map(max, peaks, _memory_now(process.pid)))
            time.sleep(SAMPLE_S)
    return peaks


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _machine_s() -> float:
    """Return the CPU time that all processes of the machine have used, and this machine was denied."""
    user, nice, system, _, _, hard, soft, stolen = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + hard + soft + stolen) / os.sysconf("SC_CLK_TCK")


def _memory_now(pid: int) -> Memory:
    """Return the memory of a process with its children."""
    each = [_resident_kb(one) for one in _descendants(pid)]
    proportional = sum(one.pop(PSS, 0) for one in each)
    together = Counter({"": sum(one[""] for one in each)})
    for one in each:
        together |= one
    kb = sum(together.values()), proportional, max((sum(one.values()) for one in each), default=0)
    return Memory(*(1.024e-3 * value for value in kb))


def _descendants(pid: int) -> list[int]:
    """Return a process and all that it started."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:  # it has ended
        return []
    return [pid, *(one for child in children for one in _descendants(child))]


def _resident_kb(pid: int) -> Counter[str]:
    """Return the resident memory of a process by mapped file, kB; "" is what is in no file, `PSS` its PSS."""
    resident: Counter[str] = Counter()
    name, of_file = "", 0
    try:
        lines = Path(f"/proc/{pid}/smaps").read_text().splitlines()
    except OSError:  # it has ended
        return resident
    for line in lines:
        if match := MAPPED_FILE.match(line):
            name = match[1]
        elif line.startswith("Rss:"):
            of_file = int(line.split()[1])
        elif line.startswith(PSS):
            resident[PSS] += int(line.split()[1])
        elif line.startswith("Anonymous:"):
            own = int(line.split()[1])
            resident[""] += own
            resident[name] += of_file - own
    return resident
