"""Undamaged files for `benchmarks/soak.py`: a small one of every kind that mer reads, with its reader."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.soak_inputs import Seed
from benchmarks.soak_xls import write_xls


def seeds(folder: Path) -> list[Seed]:
    """Write and return the seeds of every kind; `folder` is scratch."""
    folder.mkdir(parents=True, exist_ok=True)
    groups = (_videos, _frame_folders, _pictures, _tables, _arrays, _texts, _bundles, _estimators)
    return [seed for group in groups for seed in group(folder)]


def _read_film(path: Path) -> None:
    from data_prep.frames import open_frames

    for _ in open_frames(path):
        pass


def _videos(folder: Path) -> Iterator[Seed]:
    import av

    for name, codec, pixels in (
        ("a.mp4", "libx264", "yuv420p"), ("a.avi", "mpeg4", "yuv420p"), ("b.avi", "mjpeg", "yuvj420p"),
        ("a.mkv", "ffv1", "yuv420p"), ("a.webm", "libvpx", "yuv420p"), ("a.mov", "libx265", "yuv420p10le"),
        ("a.ts", "libx264", "yuv420p"), ("a.mpg", "mpeg2video", "yuv420p"), ("a.flv", "flv", "yuv420p"),
        ("a.wmv", "wmv2", "yuv420p"), ("c.mkv", "libsvtav1", "yuv420p"), ("a.mxf", "mpeg2video", "yuv422p"),
        ("b.webm", "libvpx-vp9", "yuv420p"), ("c.avi", "huffyuv", "yuv422p"), ("a.gif", "gif", "rgb8"),
    ):  # fmt: skip
        with av.open(str(folder / name), "w") as out:
            stream = out.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
            for k in range(8):
                image = np.full((48, 64, 3), 60, np.uint8)
                image[10:30, 4 * k : 4 * k + 16] = 220
                out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            out.mux(stream.encode())
        yield Seed(name, f"video, {codec}, {Path(name).suffix}", (folder / name).read_bytes(), _read_film)


def _frame_folders(folder: Path) -> Iterator[Seed]:
    """Yield folders of frames as lists of names; a mutation changes the names."""
    import cv2

    from data_prep.frames import open_frames

    frame = cv2.imencode(".png", np.full((4, 4, 3), 90, np.uint8))[1].tobytes()

    def read(path: Path) -> None:
        frames = path.parent / "frames"
        frames.mkdir(exist_ok=True)
        for name in path.read_bytes().split(b"\n"):
            plain = name.decode("utf-8", "replace").replace("/", "_").replace("\0", "_").strip()
            if plain not in ("", ".", "..") and len(plain.encode()) < 255:
                (frames / plain).write_bytes(frame)
        for _ in open_frames(frames):
            pass

    for number, pattern in enumerate(("img{:03d}.png", "reg_img{}.png", "s03_{:02d}_200fps.png")):
        names = "\n".join(pattern.format(k) for k in range(9, 15))
        yield Seed(f"names{number}.txt", "folder of frames", names.encode(), read)


def _pictures(folder: Path) -> Iterator[Seed]:
    import cv2

    from data_prep.image_files.images import read_image
    from mer.evaluation.map_files import read_map

    image = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    for suffix in (".png", ".jpg", ".bmp", ".tiff", ".webp", ".ppm"):
        data = cv2.imencode(suffix, image)[1].tobytes()
        yield Seed(f"a{suffix}", f"image, {suffix}", data, read_image)
    cv2.imwritemulti(str(folder / "stack.tif"), [image] * 4)
    yield Seed("stack.tif", "stack, .tif", (folder / "stack.tif").read_bytes(), _read_film)
    yield Seed("map.png", "map, .png", cv2.imencode(".png", image)[1].tobytes(), read_map)


def _tables(folder: Path) -> Iterator[Seed]:
    from data_prep import clip_table
    from data_prep.layouts import write_workbook
    from data_prep.own_recordings.recording_table import read_recordings
    from mer.evaluation.flow_maps import read_maps
    from mer.evaluation.run_folder import read_predictions
    from mer.report.coding import read_coding
    from mer.report.megc import read_submission

    rows = [("file", "subject", "label", "onset", "apex", "fps")]
    rows += [(f"{k}.mp4", f"s{k % 3}", "happiness", str(10 + k), str(14 + k), "25") for k in range(8)]
    write_workbook(folder / "a.xlsx", Sheet1=rows)
    yield Seed("a.xlsx", "table, .xlsx", (folder / "a.xlsx").read_bytes(), read_recordings)
    text = "\n".join(",".join(map(str, row)) for row in rows)
    yield Seed("a.csv", "table, .csv", text.encode(), read_recordings)
    yield Seed("a.tsv", "table, .tsv", text.replace(",", "\t").encode(), read_recordings)
    yield Seed("a.xls", "table, .xls", write_xls(rows), read_recordings)
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
    yield Seed("coding.eaf", "coding, ELAN", elan.encode(), read_coding)
    coding = "tier,onset_s,offset_s,label\nx,0.4,0.9,smile\nx,1.2,1.5,brow\ny,2.0,2.2,smile\n"
    yield Seed("coding.csv", "coding, .csv", coding.encode(), read_coding)
    submission = "vid,pred_onset,pred_offset,type,emotion\ns1,10,20,me,positive\n"
    yield Seed("megc.csv", "submission", submission.encode(), read_submission)
    predictions = "clip_id,dataset,subject,fold,seed,label,prediction,p_a\nd/s/c,d,s,d/s,0,a,a,0.7\n"
    yield Seed("predictions.csv", "predictions", predictions.encode(), read_predictions)
    row = dict.fromkeys(clip_table.COLUMNS) | {"dataset": "d", "subject": "s1", "onset": 3, "apex": 7}
    table = clip_table.clip_table([row | {"clip": f"c{k}", "apex_source": "annotated"} for k in range(4)])
    clip_table.write(table, folder / "clips.parquet")
    yield Seed("clips.parquet", "clip table", (folder / "clips.parquet").read_bytes(), clip_table.read)
    np.save(folder / "m.npy", np.zeros((2, 8, 8), np.float32))
    np.save(folder / "n.npy", np.ones((2, 8, 8), np.float32))
    index = "file,dataset,subject,clip,label\nm.npy,d,01,1,a\nn.npy,d,02,2,b\n"
    yield Seed("index.csv", "index of maps", index.encode(), lambda path: read_maps(folder, path))


def _arrays(folder: Path) -> Iterator[Seed]:
    import scipy.io

    from data_prep.prepared import PreparedDataset
    from flow import io
    from mer.evaluation.map_files import read_map

    flow = np.random.default_rng(1).normal(size=(12, 12, 2)).astype(np.float32)
    np.save(folder / "a.npy", np.moveaxis(flow, -1, 0))
    np.savez(folder / "map.npz", np.moveaxis(flow, -1, 0))
    np.savez_compressed(folder / "packed.npz", np.moveaxis(flow, -1, 0))
    scipy.io.savemat(folder / "a.mat", {"flow": flow})
    for name in ("a.npy", "map.npz", "packed.npz", "a.mat"):
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
        prepared = PreparedDataset.__new__(PreparedDataset)  # without the tables, which are other seeds
        prepared.path = path.parent
        prepared.landmarks("d/s/c")

    yield Seed("landmarks.npz", "landmarks", (folder / "landmarks.npz").read_bytes(), read_landmarks)


def _texts(folder: Path) -> Iterator[Seed]:
    from flow.srflownet import train_config
    from mer.evaluation import config, protocols, run_folder
    from mer_core.configs import find_config
    from mer_core.io import read_json

    data = find_config("search").read_bytes()
    yield Seed("cv.yaml", "YAML, experiment", data, config.load_config)
    yield Seed("run.yaml", "YAML, run", data, run_folder.read_settings)
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
        for file in bundle.default_path().iterdir():
            if file.name != path.name:
                shutil.copy(file, path.parent)
        bundle.load(path.parent)

    for name in (bundle.JSON_FILE, bundle.WEIGHTS_FILE):
        data = (bundle.default_path() / name).read_bytes()
        yield Seed(name, f"bundle, {name}", data, read)


def _estimators(folder: Path) -> Iterator[Seed]:
    from sklearn.linear_model import LogisticRegression

    from mer import stored_estimators

    features = np.random.default_rng(2).normal(size=(12, 3))
    fitted = LogisticRegression().fit(features, np.arange(12) % 2)
    stored_estimators.save([fitted], folder / "classifiers.skops")
    data = (folder / "classifiers.skops").read_bytes()
    yield Seed("classifiers.skops", "bundle, classifiers.skops", data, stored_estimators.load)
