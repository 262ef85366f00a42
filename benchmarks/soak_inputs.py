"""Mutations of the files in `benchmarks/soak_seeds.py`, and the process that reads them.

Each input is read in a forked process that limits its time and memory.
"""

import gc
import multiprocessing
import os
import resource
import signal
import struct
import traceback
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mer_core.errors import MerError

MAX_S, MAX_BYTES = 20.0, 3 << 30  # for one input; memory beyond what the process holds before it
OUTCOMES = ("accepted", "refused", "traceback", "crash", "timeout", "memory")
GENTLE = 0.2  # fraction of mutations that change one digit or byte
HUGE = (0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFF0, 0x10000000, 0)
WORDS = (
    b"&a [*a,*a]",
    b"[" * 3000,
    b"2001-99-99",
    b"!!python/object/apply:os.system [x]",
    b": {",
    b"9" * 400,
    b"../../x",
    b"nan",
    b"\n-",
)


@dataclass(frozen=True)
class Seed:
    """An undamaged file and what reads it; `read` gets the path of a mutation, in a folder of its own."""

    name: str  # of the file, with its suffix
    kind: str
    data: bytes
    read: Callable[[Path], Any]


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """Damage `data`: change one digit, flip bytes, cut, splice, state a huge length, add a foreign word."""
    if rng.random() < GENTLE:
        return _with_one_change(data, rng)
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 3))):
        size = max(1, len(out))
        # headers hold what is worth damaging, so half of the places lie in the first 200 bytes
        place = int(rng.integers(min(size, 200) if rng.random() < 0.5 else size))
        way = int(rng.integers(6))
        if way == 0:
            for _ in range(int(rng.integers(1, 20))):
                if out:
                    out[int(rng.integers(len(out)))] = int(rng.integers(256))
        elif way == 1:
            del out[place:]
        elif way == 2:
            start = int(rng.integers(size))
            out[place:place] = out[start : start + int(rng.integers(1, 2000))]
        elif way == 3:
            out[place : place + 4] = struct.pack("<>"[int(rng.integers(2))] + "I", int(rng.choice(HUGE)))
        elif way == 4:
            del out[place : place + int(rng.integers(1, 500))]
        else:
            out[place:place] = WORDS[int(rng.integers(len(WORDS)))]
    return _with_valid_sums(bytes(out)) if data.startswith(b"\x89PNG") and rng.random() < 0.5 else bytes(out)


def _with_one_change(data: bytes, rng: np.random.Generator) -> bytes:
    """Change one digit, or one byte without digits: the file stays readable, its content differs."""
    out = bytearray(data)
    digits = [i for i, byte in enumerate(data[:4096]) if 48 <= byte <= 57]
    place = int(rng.choice(digits)) if digits else int(rng.integers(len(out)))
    out[place] = 48 + (out[place] - 48 + int(rng.integers(1, 10))) % 10 if digits else out[place] ^ 1
    return bytes(out)


def _with_valid_sums(data: bytes) -> bytes:
    """Write the checksums of a PNG anew, so that the decoder believes the damage."""
    out, place = bytearray(data), 8
    while place + 12 <= len(out):
        (n,) = struct.unpack_from(">I", out, place)
        if place + 12 + n > len(out):
            break
        struct.pack_into(">I", out, place + 8 + n, zlib.crc32(out[place + 4 : place + 8 + n]))
        place += 12 + n
    return bytes(out)


class Reader:
    """A forked process that reads one input after the other, and is replaced when it dies or hangs."""

    def __init__(self, found: list[Seed]) -> None:
        self._seeds, self._context = found, multiprocessing.get_context("fork")
        self._start()

    def outcome(self, index: int, path: Path) -> tuple[str, str]:
        """Read `path` as seed `index`; return the outcome and the end of the traceback if it was one."""
        self._pipe.send((index, path))
        if not self._pipe.poll(MAX_S * max(1.0, os.getloadavg()[0])):  # the reader shares its core
            self.close()
            self._start()
            return "timeout", f"more than {MAX_S:.0f} s"
        try:
            return self._pipe.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            self._start()
            return "crash", f"exit status {code}"

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()

    def _start(self) -> None:
        self._pipe, child = self._context.Pipe()
        self._process = self._context.Process(target=_serve, args=(self._seeds, child), daemon=True)
        self._process.start()
        child.close()


def _serve(found: list[Seed], pipe: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()  # what the parent left, say a decoder with threads, cannot be destroyed in a forked process
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MAX_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            index, path = pipe.recv()
        except EOFError:
            return
        try:
            found[index].read(path)
            pipe.send(("accepted", ""))
        except MerError as error:
            pipe.send(("refused", error.code))
        except MemoryError:
            pipe.send(("memory", traceback.format_exc(limit=-3)))
        except BaseException:
            pipe.send(("traceback", traceback.format_exc(limit=-6)))
