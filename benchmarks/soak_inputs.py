"""Damaged inputs for `benchmarks/soak.py`: small files of every kind that mer reads, their mutations, and the
readers, which run in forked processes with a limit of time and memory for each input.
"""

import multiprocessing
import resource
import signal
import struct
import traceback
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mer_core.errors import MerError

MAX_S, MAX_BYTES = 20.0, 3 << 30  # for one input; memory beyond what the process holds before it
OUTCOMES = ("accepted", "refused", "traceback", "crash", "timeout", "memory")
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


def seeds(folder: Path) -> list[Seed]:
    """Write and return the seeds of every kind; `folder` is scratch."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [*_videos(folder), *_pictures(folder), *_tables(folder), *_arrays(folder), *_texts(folder)]
    return found + list(_bundles(folder))


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """Damage `data`: flipped bytes, a cut, a spliced piece, a huge length, a repeated or foreign piece."""
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
        """What reading `path` as seed `index` came to, and the end of the traceback if it was one."""
        self._pipe.send((index, path))
        if not self._pipe.poll(MAX_S):
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


def _videos(folder: Path) -> Iterator[Seed]:
    import av

    from data_prep.frames import open_frames

    def read(path: Path) -> None:
        for _ in open_frames(path):
            pass

    for name, codec, pixels in (
        ("a.mp4", "libx264", "yuv420p"), ("a.avi", "mpeg4", "yuv420p"), ("b.avi", "mjpeg", "yuvj420p"),
        ("a.mkv", "ffv1", "yuv420p"), ("a.webm", "libvpx", "yuv420p"), ("a.mov", "libx265", "yuv420p10le"),
    ):  # fmt: skip
        with av.open(str(folder / name), "w") as out:
            stream = out.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
            for k in range(8):
                image = np.full((48, 64, 3), 60, np.uint8)
                image[10:30, 4 * k : 4 * k + 16] = 220
                out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            out.mux(stream.encode())
        yield Seed(name, f"video, {codec}", (folder / name).read_bytes(), read)


def _pictures(folder: Path) -> Iterator[Seed]:
    import cv2

    from data_prep.images import read_image
    from mer.evaluation.map_files import read_map

    image = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    for suffix in (".png", ".jpg", ".bmp", ".tiff", ".webp", ".ppm"):
        data = cv2.imencode(suffix, image)[1].tobytes()
        yield Seed(f"a{suffix}", f"image, {suffix}", data, read_image)
    yield Seed("map.png", "map, .png", cv2.imencode(".png", image)[1].tobytes(), read_map)


def _tables(folder: Path) -> Iterator[Seed]:
    from data_prep.layouts import write_workbook
    from data_prep.recording_table import read_recordings
    from mer.evaluation.flow_maps import read_maps

    rows = [("file", "subject", "label", "onset", "apex", "fps")]
    rows += [(f"{k}.mp4", f"s{k % 3}", "happiness", 10 + k, 14 + k, "25") for k in range(8)]
    write_workbook(folder / "a.xlsx", Sheet1=rows)
    yield Seed("a.xlsx", "table, .xlsx", (folder / "a.xlsx").read_bytes(), read_recordings)
    text = "\n".join(",".join(map(str, row)) for row in rows)
    yield Seed("a.csv", "table, .csv", text.encode(), read_recordings)
    yield Seed("u.csv", "table, UTF-16", text.encode("utf-16"), read_recordings)
    elan = """<?xml version="1.0" encoding="UTF-8"?><ANNOTATION_DOCUMENT
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="EAFv3.0.xsd"
AUTHOR="" DATE="2026-01-01T00:00:00+00:00"
FORMAT="3.0" VERSION="3.0"><HEADER TIME_UNITS="milliseconds">
<MEDIA_DESCRIPTOR MEDIA_URL="file:///a.mp4" RELATIVE_MEDIA_URL="./a.mp4"/></HEADER><TIME_ORDER>
<TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="400"/><TIME_SLOT TIME_SLOT_ID="t2" TIME_VALUE="900"/></TIME_ORDER>
<TIER TIER_ID="x" PARTICIPANT="s1"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="t1"
TIME_SLOT_REF2="t2"><ANNOTATION_VALUE>happiness</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
</ANNOTATION_DOCUMENT>"""
    yield Seed("a.eaf", "table, ELAN", elan.encode(), read_recordings)
    np.save(folder / "m.npy", np.zeros((2, 8, 8), np.float32))
    np.save(folder / "n.npy", np.ones((2, 8, 8), np.float32))
    index = "file,dataset,subject,clip,label\nm.npy,d,01,1,a\nn.npy,d,02,2,b\n"
    yield Seed("index.csv", "index of maps", index.encode(), lambda path: read_maps(folder, path))


def _arrays(folder: Path) -> Iterator[Seed]:
    from data_prep.prepared import Prepared
    from flow import io
    from mer.evaluation.map_files import read_map

    flow = np.random.default_rng(1).normal(size=(12, 12, 2)).astype(np.float32)
    np.save(folder / "a.npy", np.moveaxis(flow, -1, 0))
    np.savez(folder / "map.npz", np.moveaxis(flow, -1, 0))
    np.savez_compressed(folder / "packed.npz", np.moveaxis(flow, -1, 0))
    for name in ("a.npy", "map.npz", "packed.npz"):
        yield Seed(name, f"map, {Path(name).suffix}", (folder / name).read_bytes(), read_map)
    for name in ("flow.flo", "flow.npz"):
        io.write(folder / name, flow)
        yield Seed(name, f"flow, {Path(name).suffix}", (folder / name).read_bytes(), io.read)
    points = np.zeros((478, 2), np.float32)
    np.savez(folder / "landmarks.npz", onset=points, apex=points)

    def read_landmarks(path: Path) -> None:
        clip = path.parent / "faces" / "s" / "c"
        clip.mkdir(parents=True, exist_ok=True)
        (clip / "landmarks.npz").write_bytes(path.read_bytes())
        prepared = Prepared.__new__(Prepared)  # without the tables, which are other seeds
        prepared.path = path.parent
        prepared.landmarks("d/s/c")

    yield Seed("landmarks.npz", "landmarks", (folder / "landmarks.npz").read_bytes(), read_landmarks)


def _texts(folder: Path) -> Iterator[Seed]:
    from flow.srflownet import train_config
    from mer.evaluation import config, cross_validation, protocols
    from mer_core.configs import find_config
    from mer_core.io import read_json

    data = find_config("search").read_bytes()
    yield Seed("cv.yaml", "YAML, experiment", data, config.load_config)
    yield Seed("run.yaml", "YAML, run", data, cross_validation.read_yaml)
    data = find_config("flow-compact").read_bytes()
    yield Seed("train.yaml", "YAML, training", data, train_config.load_config)
    data = (Path(protocols.__file__).parents[1] / "protocols" / "samm-5.yaml").read_bytes()
    yield Seed("protocol.yaml", "YAML, protocol", data, lambda path: protocols.load(str(path)))
    yield Seed("a.json", "JSON", b'{"a": [1, 2, {"b": "c"}], "d": 1.5e3}', read_json)


def _bundles(folder: Path) -> Iterator[Seed]:
    import shutil

    import flow.srflownet as srflownet
    from mer import bundle

    weights = Path(srflownet.__file__).parents[1] / "weights" / "srflownet-compact.safetensors"
    yield Seed("w.safetensors", "flow weights", weights.read_bytes(), srflownet.load_network)

    def read(path: Path) -> None:
        for file in bundle.shipped().iterdir():
            if file.name != path.name:
                shutil.copy(file, path.parent)
        bundle.load(path.parent)

    for name in (bundle.JSON_FILE, bundle.WEIGHTS_FILE):
        data = (bundle.shipped() / name).read_bytes()
        yield Seed(name, f"bundle, {name}", data, read)
