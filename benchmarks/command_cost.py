"""What a command costs: seconds to its first line and to its end, CPU time, memory. Linux only."""

import os
import re
import resource
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

SAMPLE_S = 0.3  # between two looks at the memory
MAPPED_FILE = re.compile(r"[0-9a-f]+-[0-9a-f]+ (?:\S+ +){3}\d+ *(.*)")  # /proc/PID/smaps


class Cost(NamedTuple):
    """What a command took.

    Attributes
    ----------
    first_line_s, wall_s, cpu_s : float
        Seconds until its first line of output, until its end, and of CPU time of all its processes.
    others_s : float
        CPU time of the rest of the machine meanwhile: it slows the command down.
    memory_mb : float
        Peak resident memory of all its processes together; what they share counts once.
    largest_mb : float
        Peak of the largest process.
    """

    first_line_s: float
    wall_s: float
    cpu_s: float
    others_s: float
    memory_mb: float
    largest_mb: float


def measure(command: list[str]) -> Cost:
    """Run a command and return what it took."""
    busy_s, children_s, start, peaks = _machine_s(), _children_s(), time.perf_counter(), [0.0, 0.0]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        watch = threading.Thread(target=_watch, args=(process, peaks))
        watch.start()
        assert process.stdout is not None
        process.stdout.readline()
        first_line_s = time.perf_counter() - start
        process.stdout.read()
    wall_s, cpu_s = time.perf_counter() - start, _children_s() - children_s
    watch.join()
    return Cost(first_line_s, wall_s, cpu_s, _machine_s() - busy_s - cpu_s, *peaks)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _machine_s() -> float:
    """Return the CPU time that all processes of the machine have used, and this machine was denied."""
    user, nice, system, _, _, hard, soft, stolen = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + hard + soft + stolen) / os.sysconf("SC_CLK_TCK")


def _watch(process: subprocess.Popen, peaks: list[float]) -> None:
    """Keep the peak memory, MB, of a process with its children, and of the largest of them, while it runs."""
    while process.poll() is None:
        each = [_resident_kb(pid) for pid in _descendants(process.pid)]
        together = Counter({"": sum(one[""] for one in each)})
        for one in each:
            together |= one
        peaks[0] = max(peaks[0], 1.024e-3 * sum(together.values()))
        peaks[1] = max([peaks[1], *(1.024e-3 * sum(one.values()) for one in each)])
        time.sleep(SAMPLE_S)


def _descendants(pid: int) -> list[int]:
    """Return a process and all that it started."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:  # it has ended
        return []
    return [pid, *(one for child in children for one in _descendants(child))]


def _resident_kb(pid: int) -> Counter[str]:
    """Return the resident memory of a process by mapped file, kB; "" is what is in no file."""
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
        elif line.startswith("Anonymous:"):
            own = int(line.split()[1])
            resident[""] += own
            resident[name] += of_file - own
    return resident
