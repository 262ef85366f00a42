"""Preparation: one outcome row and one transform per clip."""

import json
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest

from data_prep import clip_images
from data_prep import prepare_clip as clip_preparing
from data_prep.align import transform_points, warp_face
from data_prep.face_plausibility import Plausibility
from data_prep.frames import read_image, write_image
from data_prep.landmarks import STABLE_POINTS
from data_prep.prepare import PrepareOptions, prepare
from data_prep.prepared import PreparedDataset, open_prepared
from mer_core import registry
from mer_core.errors import NotFound, UnknownName
from tests.data_prep.folders import frames_of
from tests.data_prep.small_videos import write_video


@pytest.mark.parametrize("name", registry.list_names("data_prep.datasets"))
def test_a_replica_goes_all_the_way(name, make_replica, tmp_path, capsys):
    outcome = prepare(name, make_replica(name), tmp_path / "out")
    assert ("4 clips have no annotated apex" in capsys.readouterr().err) is name.startswith("smic")
    assert list(outcome.columns) == [
        "clip_id", "outcome", "reason", "onset", "apex", "apex_source", "onset_source",
    ]  # fmt: skip
    assert list(outcome["outcome"]) == ["ok"] * 4
    assert set(outcome["apex_source"]) == {"midpoint" if name.startswith("smic") else "annotated"}
    (prepared,) = open_prepared([tmp_path])
    assert list(prepared.clips["clip_id"]) == list(outcome["clip_id"])
    assert prepared.clips["apex"].notna().all()
    clip_id = prepared.clips["clip_id"][0]
    onset, apex = prepared.faces(clip_id)
    assert onset.shape == apex.shape == (224, 224, 3) and onset.dtype == np.uint8
    assert [points.shape for points in prepared.landmarks(clip_id)] == [(478, 2)] * 2
    assert prepared.landmarks(clip_id)[0].dtype == np.float32


def test_onset_and_apex_share_one_transform_from_the_onset(make_replica, tmp_path, mesh):
    """The replica's head moves 3 px right up to the apex; a second transform would hide that."""
    root = make_replica("casme2", subjects=(1,), clips_each=1)
    prepare("casme2", root, tmp_path / "out")
    prepared = PreparedDataset(tmp_path / "out")
    clip_id = prepared.clips["clip_id"][0]
    with np.load(prepared.folder(clip_id) / "landmarks.npz") as stored:
        matrix = stored["transform"]
    raw = [read_image(frames_of(root, "EP01_01f") / f"img{n}.jpg") for n in (96, 99)]
    for face, image in zip(prepared.faces(clip_id), raw):
        assert (face == warp_face(image, matrix, 224)).all()
    onset, apex = prepared.landmarks(clip_id)
    assert (onset == transform_points(mesh.landmarks(raw[0]), matrix)).all()
    scale = np.hypot(matrix[0, 0], matrix[1, 0])
    assert np.median((apex - onset)[list(STABLE_POINTS)], axis=0) == pytest.approx([3 * scale, 0], abs=1.0)


def test_every_failure_is_a_row_with_its_reason(make_replica, tmp_path):
    root = make_replica("casme2", clips_each=3)
    shutil.rmtree(frames_of(root, "EP02_01"))  # sub01 or sub02, whichever comes first
    broken = frames_of(root, "EP03_01f") / "img99.jpg"
    broken.write_bytes(b"broken")
    blank = frames_of(root, "EP01_01f")
    for image in blank.glob("*.jpg"):
        write_image(image, np.full((230, 230, 3), 90, np.uint8))
    outcome = prepare("casme2", root, tmp_path / "out", PrepareOptions(skip_missing=True))
    assert list(outcome["clip_id"]) == [
        f"casme2/sub0{s}/{clip}" for s in (1, 2) for clip in ("EP01_01f", "EP02_01", "EP03_01f")
    ]
    stored = pd.read_parquet(tmp_path / "out" / "clips.parquet")
    assert list(stored["clip_id"]) == list(outcome["clip_id"]) and list(stored["apex"]) == list(
        outcome["apex"]
    )
    assert sorted(outcome["outcome"]) == ["missing frame", "no face", "ok", "ok", "ok", "unreadable frame"]
    reasons = outcome.set_index("outcome")["reason"]
    assert reasons["missing frame"].startswith("There is no folder CASME2_RAW_selected/")
    assert reasons["no face"] == "onset frame 96"
    assert reasons["unreadable frame"].startswith(broken.relative_to(root).as_posix())
    assert outcome.equals(PreparedDataset(tmp_path / "out").outcome.astype(outcome.dtypes))
    assert len(PreparedDataset(tmp_path / "out").clips) == 3
    assert len(pd.read_parquet(tmp_path / "out" / "clips.parquet")) == 6


def test_a_name_that_leads_elsewhere_is_a_row_and_nothing_outside_is_touched(make_replica, tmp_path):
    root = make_replica("casme2", subjects=(1,), clips_each=3)
    sheet = root / "CASME2-coding-20140508.xlsx"
    table = pd.read_excel(sheet)
    table.loc[1, "Filename"] = "../../../precious"
    table.loc[2, "Filename"] = table.loc[0, "Filename"]
    table.to_excel(sheet, index=False)
    (tmp_path / "precious").mkdir()
    outcome = prepare("casme2", root, tmp_path / "out")
    assert list(outcome["outcome"]) == ["ok", "bad name", "duplicate"]
    assert "'../../../precious' is no plain folder name" in outcome.loc[1, "reason"]
    assert (tmp_path / "precious").is_dir() and len(PreparedDataset(tmp_path / "out").clips) == 1


def test_missing_frames_stop_before_any_work(make_replica, tmp_path):
    root = make_replica("casme2")
    shutil.rmtree(frames_of(root, "EP02_01"))
    with pytest.raises(NotFound, match=r"1 of 4 clips.*casme2/sub0./EP02_01, .*--skip-missing"):
        prepare("casme2", root, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    outcome = prepare("casme2", root, tmp_path / "out", PrepareOptions(skip_missing=True))
    assert (outcome["outcome"] == "ok").sum() == 3


def test_no_frames_at_all_cannot_be_skipped(make_replica, tmp_path):
    root = make_replica("casme2")
    for folder in root.rglob("EP0*"):
        shutil.rmtree(folder)
    with pytest.raises(NotFound, match="4 of 4 clips"):
        prepare("casme2", root, tmp_path / "out", PrepareOptions(skip_missing=True))


def test_the_apex_is_spotted_on_request(make_replica, tmp_path, monkeypatch):
    root = make_replica("smic", subjects=(1,), clips_each=1)
    outcome = prepare("smic", root, tmp_path / "out", PrepareOptions(apex="frame-difference"))
    assert outcome.loc[0, "apex_source"] == "spotted" and outcome.loc[0, "outcome"] == "ok"
    assert outcome.loc[0, "onset"] < outcome.loc[0, "apex"] <= outcome.loc[0, "onset"] + 5
    monkeypatch.setattr(clip_preparing, "spot_apex", lambda *_: pytest.fail("spotted again"))
    assert prepare("smic", root, tmp_path / "out", PrepareOptions(apex="frame-difference")).equals(outcome)
    with pytest.raises(UnknownName):
        prepare("smic", root, tmp_path / "out", PrepareOptions(apex="guess"))


def test_how_fast_it_went_is_said_once_there_was_work(make_replica, tmp_path, capsys):
    root = make_replica("casme2", subjects=(1,), clips_each=1)
    for is_first_run in (True, False):
        prepare("casme2", root, tmp_path / "out")
        assert ("1 clip prepared, " in capsys.readouterr().err) == is_first_run


def test_only_the_frames_that_are_needed_are_read(make_replica, tmp_path, monkeypatch):
    root = make_replica("casme2", subjects=(1,), clips_each=1)
    read = []
    decode = clip_images.decode_image
    monkeypatch.setattr(clip_images, "decode_image", lambda path: read.append(path.name) or decode(path))
    prepare("casme2", root, tmp_path / "out")
    assert read == ["img96.jpg", "img99.jpg"]


def test_corrections_applied_are_listed(make_replica, tmp_path, monkeypatch):
    root = make_replica("casme2", subjects=(1,), clips_each=1)
    (tmp_path / "casme2.csv").write_text(
        "clip_id,column,published,corrected,reason,source\ncasme2/sub01/EP01_01f,apex,99,98,slip,paper\n"
    )
    monkeypatch.setattr("data_prep.annotation_corrections.FOLDER", tmp_path)
    outcome = prepare("casme2", root, tmp_path / "out")
    assert (outcome.loc[0, "apex"], outcome.loc[0, "apex_source"]) == (98, "corrected")
    (listed,) = json.loads((tmp_path / "out" / "prepare.json").read_text())["corrections_applied"]
    assert (listed["published"], listed["corrected"], listed["source"]) == ("99", "98", "paper")
    off = prepare("casme2", root, tmp_path / "off", PrepareOptions(corrections=False))
    assert (off.loc[0, "apex"], off.loc[0, "apex_source"]) == (99, "annotated")


def test_a_clip_given_as_a_video_begins_with_the_onset(make_replica, tmp_path):
    root = make_replica("casme2", subjects=(1,), clips_each=2)
    for clip, n_frames in (("EP01_01f", 6), ("EP02_01", 4)):  # annotated: 96 to 101
        folder = frames_of(root, clip)
        frames = [read_image(folder / f"img{number}.jpg") for number in range(96, 102)]
        shutil.rmtree(folder)
        write_video(folder.with_suffix(".avi"), frames[:n_frames], "ffv1", pix_fmt="bgr0", options={})
    outcome = prepare("casme2", root, tmp_path / "out", PrepareOptions(skip_missing=True))
    assert list(outcome["outcome"]) == ["ok", "missing frame"]
    assert "holds 4 whole frames and the annotation spans 6 (96 to 101)" in outcome.loc[1, "reason"]
    folder = tmp_path / "out" / "faces" / "sub01" / "EP01_01f"
    with np.load(folder / "landmarks.npz") as stored:
        assert [name.split("#")[1] for name in stored["files"]] == ["0", "3"]
        expected = warp_face(
            read_image(make_replica("casme2", (1,), 1, root=tmp_path / "raw").rglob("img99.jpg").__next__()),
            stored["transform"],
            224,
        )
    assert np.abs(read_image(folder / "apex.png").astype(int) - expected).mean() < 1


def test_deep_frames_share_one_factor(make_replica, tmp_path):
    root = make_replica("casme2", subjects=(1,), clips_each=1)
    prepare("casme2", root, tmp_path / "plain")
    for frame in root.rglob("*.jpg"):
        image = cv2.imread(str(frame)).astype(np.uint16) * 16  # 12 bits
        cv2.imwrite(str(frame.with_suffix(".png")), image // (2 if "99" in frame.name else 1))
        frame.unlink()
    assert list(prepare("casme2", root, tmp_path / "deep")["outcome"]) == ["ok"]
    plain, deep = (
        PreparedDataset(tmp_path / name).faces("casme2/sub01/EP01_01f") for name in ("plain", "deep")
    )
    assert np.abs(plain[0].astype(int) - deep[0]).mean() < 1.5
    # The apex was darker, and stays so.
    assert deep[1].mean() / deep[0].mean() == pytest.approx(0.5, abs=0.03)


def test_an_implausible_face_has_an_outcome_of_its_own(make_replica, tmp_path, monkeypatch):
    root = make_replica("casme2", subjects=(1,), clips_each=1)
    wrong = Plausibility(0.2, "upright")
    monkeypatch.setattr(clip_preparing, "plausibility", lambda points, image: wrong)
    outcome = prepare("casme2", root, tmp_path / "out")
    assert list(outcome["outcome"]) == ["implausible face"]
    assert wrong.reason in outcome.loc[0, "reason"] and not list((tmp_path / "out").rglob("onset.png"))
