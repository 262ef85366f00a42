"""The loop: one outcome row per clip, one transform per clip, the same bytes however it came about."""

import hashlib
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from data_prep import clip_images
from data_prep import prepare as preparing
from data_prep import prepare_clip as clip_preparing
from data_prep.align import transform_points, warp_face
from data_prep.face_plausibility import Plausibility
from data_prep.frames import read_image, write_image
from data_prep.landmarks import STABLE_POINTS
from data_prep.prepare import prepare
from data_prep.prepared import PreparedDataset, open_prepared
from mer_core import registry
from mer_core.errors import BadInput, InUse, UnknownName
from mer_core.locks import hold_lock
from tests.data_prep.videos import write_video


def digests(folder: Path) -> dict[str, str]:
    """Every file below a folder, hidden ones too, with the hash of its bytes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def frames_of(root: Path, clip: str) -> Path:
    return next(path for path in root.rglob(clip) if path.is_dir())


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
    outcome = prepare("casme2", root, tmp_path / "out", skip_missing=True)
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
    with pytest.raises(
        BadInput, match=r"1 of 4 clips lack frames. First: casme2/sub0./EP02_01, .*--skip-missing"
    ):
        prepare("casme2", root, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert (prepare("casme2", root, tmp_path / "out", skip_missing=True)["outcome"] == "ok").sum() == 3


def test_no_frames_at_all_cannot_be_skipped(make_replica, tmp_path):
    root = make_replica("casme2")
    for folder in root.rglob("EP0*"):
        shutil.rmtree(folder)
    with pytest.raises(BadInput, match="4 of 4 clips lack frames"):
        prepare("casme2", root, tmp_path / "out", skip_missing=True)


def test_interrupted_and_run_again_gives_the_same_bytes(make_replica, tmp_path, monkeypatch):
    root = make_replica("smic")
    prepare("smic", root, tmp_path / "whole")

    warped = []

    def stop_in_the_third_clip(*arguments):
        warped.append(1)
        if len(warped) == 6:
            raise KeyboardInterrupt
        return warp_face(*arguments)

    monkeypatch.setattr(clip_preparing, "warp_face", stop_in_the_third_clip)
    with pytest.raises(KeyboardInterrupt):
        prepare("smic", root, tmp_path / "halves")
    assert len(list((tmp_path / "halves").rglob("landmarks.npz"))) == 2
    assert list((tmp_path / "halves").rglob(".*.partial/onset.png"))  # a clip was cut in the middle
    (tmp_path / "halves" / ".clips.123.parquet").write_bytes(b"half")

    monkeypatch.setattr(
        clip_preparing, "warp_face", lambda *arguments: warped.append(1) or warp_face(*arguments)
    )
    warped.clear()
    prepare("smic", root, tmp_path / "halves")
    assert len(warped) == 4  # two clips of two frames: what was whole is kept
    assert digests(tmp_path / "halves") == digests(tmp_path / "whole")
    warped.clear()
    prepare("smic", root, tmp_path / "halves")
    assert not warped and digests(tmp_path / "halves") == digests(tmp_path / "whole")


def test_processes_give_the_same_bytes_as_none(make_replica, tmp_path, monkeypatch):
    root = make_replica("samm")
    prepare("samm", root, tmp_path / "one", jobs=1)
    monkeypatch.setattr(preparing, "CLIPS_PER_WORKER", 2)
    prepare("samm", root, tmp_path / "two", jobs=2)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_a_clip_whose_frames_changed_is_prepared_anew_and_its_flow_dropped(make_replica, tmp_path):
    root, out = make_replica("casme2"), tmp_path / "out"
    prepare("casme2", root, out)
    before = digests(out)
    flows = [out / "flow" / "dis" / "sub01" / f"{clip}.npz" for clip in ("EP01_01f", "EP02_01")]
    for flow in flows:
        flow.parent.mkdir(parents=True, exist_ok=True)
        flow.write_bytes(b"flow")
    table = pd.read_excel(root / "CASME2-coding-20140508.xlsx")
    table.loc[0, "ApexFrame"] = 98
    table.to_excel(root / "CASME2-coding-20140508.xlsx", index=False)
    outcome = prepare("casme2", root, out)
    assert outcome.loc[0, "apex"] == 98
    changed = {name for name, digest in digests(out).items() if before.get(name, digest) != digest}
    folder = "faces/sub01/EP01_01f/"
    assert changed == {folder + "apex.png", folder + "landmarks.npz", "clips.parquet", "outcome.csv"}
    assert [flow.exists() for flow in flows] == [False, True]


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"size": 112}, "size was 224 and is now 112"),
        ({"apex": "frame-difference"}, "apex was 'midpoint' and is now 'frame-difference'"),
        ({"corrections": False}, "corrections was True and is now False"),
    ],
)
def test_an_out_made_otherwise_is_refused(make_replica, tmp_path, changed, words):
    root, out = make_replica("smic", subjects=(1,), clips_each=1), tmp_path / "out"
    prepare("smic", root, out)
    before = digests(out)
    with pytest.raises(BadInput, match=words):
        prepare("smic", root, out, **changed)
    assert digests(out) == before


def test_an_out_that_holds_something_else_is_refused(make_replica, tmp_path):
    root, out = make_replica("smic", subjects=(1,), clips_each=1), tmp_path / "out"
    prepare("smic", root, out)
    with pytest.raises(BadInput, match="dataset was 'smic' and is now 'samm'"):
        prepare("samm", make_replica("samm", subjects=(1,), clips_each=1), out)
    with pytest.raises(BadInput, match="holds no prepared faces"):
        prepare("smic", root, root)


def test_the_apex_is_spotted_on_request(make_replica, tmp_path, monkeypatch):
    root = make_replica("smic", subjects=(1,), clips_each=1)
    outcome = prepare("smic", root, tmp_path / "out", apex="frame-difference")
    assert outcome.loc[0, "apex_source"] == "spotted" and outcome.loc[0, "outcome"] == "ok"
    assert outcome.loc[0, "onset"] < outcome.loc[0, "apex"] <= outcome.loc[0, "onset"] + 5
    monkeypatch.setattr(preparing.spotting, "spot_apex", lambda *_: pytest.fail("spotted again"))
    assert prepare("smic", root, tmp_path / "out", apex="frame-difference").equals(outcome)
    with pytest.raises(UnknownName):
        prepare("smic", root, tmp_path / "out", apex="guess")


def test_how_fast_it_went_is_said_once_there_was_work(make_replica, tmp_path, capsys):
    root = make_replica("casme2", subjects=(1,), clips_each=1)
    for said in (True, False):
        prepare("casme2", root, tmp_path / "out")
        assert ("1 clips prepared, " in capsys.readouterr().err) == said


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
    off = prepare("casme2", root, tmp_path / "off", corrections=False)
    assert (off.loc[0, "apex"], off.loc[0, "apex_source"]) == (99, "annotated")


def test_prepared_folders_are_opened_one_by_one_or_by_what_holds_them(make_replica, tmp_path):
    for name in ("smic", "casme2"):
        prepare(name, make_replica(name, subjects=(1,), clips_each=1), tmp_path / "prepared" / name)
    names = [p.path.name for p in open_prepared([tmp_path / "prepared"])]
    assert names == ["casme2", "smic"]
    assert [p.path.name for p in open_prepared([tmp_path / "prepared" / "smic"])] == ["smic"]
    with pytest.raises(BadInput, match="no prepared folder"):
        open_prepared([tmp_path])
    with pytest.raises(BadInput, match="smic is given more than once"):
        open_prepared([tmp_path / "prepared", tmp_path / "prepared" / "smic"])


@pytest.mark.parametrize(
    "stopped", ["load_outcome", "atomic_replace"]
)  # before the clips, and among the tables
def test_a_dataset_that_was_interrupted_is_not_passed_over(stopped, make_replica, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    prepare("smic", make_replica("smic", subjects=(1,), clips_each=1), tmp_path / "prepared" / "smic")
    monkeypatch.setattr(preparing, stopped, stop)
    with pytest.raises(KeyboardInterrupt):
        prepare(
            "casme2", make_replica("casme2", subjects=(1,), clips_each=1), tmp_path / "prepared" / "casme2"
        )
    with pytest.raises(BadInput, match="casme2.clips.parquet. Make one, or finish it"):
        open_prepared([tmp_path / "prepared"])


def test_frames_that_were_replaced_are_prepared_anew_and_their_flow_dropped(make_replica, tmp_path):
    root, out = make_replica("casme2", subjects=(1,)), tmp_path / "out"
    prepare("casme2", root, out)
    before = digests(out)
    flow = out / "flow" / "dis" / "sub01" / "EP01_01f.npz"
    flow.parent.mkdir(parents=True)
    flow.write_bytes(b"flow")
    frame = frames_of(root, "EP01_01f") / "img96.jpg"
    cv2.imwrite(str(frame), cv2.imread(str(frame))[:, ::-1])
    prepare("casme2", root, out)
    changed = {name for name, digest in digests(out).items() if before[name] != digest}
    assert {"faces/sub01/EP01_01f/onset.png", "faces/sub01/EP01_01f/landmarks.npz"} <= changed
    assert all("EP01_01f" in name for name in changed) and not flow.exists()


def test_another_root_with_the_same_names_is_prepared_anew(make_replica, tmp_path):
    root, out = make_replica("casme2", subjects=(1,), clips_each=1), tmp_path / "out"
    prepare("casme2", root, out)
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    before = digests(out)
    prepare("casme2", copy, out)  # moved, with the same content: kept
    assert {name for name, digest in digests(out).items() if before[name] != digest} == {"prepare.json"}
    for frame in copy.rglob("*.jpg"):
        cv2.imwrite(str(frame), cv2.imread(str(frame))[:, ::-1])
    prepare("casme2", copy, out)
    assert digests(out)["faces/sub01/EP01_01f/onset.png"] != before["faces/sub01/EP01_01f/onset.png"]
    assert json.loads((out / "prepare.json").read_text())["root"] == str(copy)


def test_a_spotted_apex_depends_on_the_whole_span(make_replica, tmp_path):
    root, out = make_replica("smic", subjects=(1,), clips_each=1), tmp_path / "out"
    prepare("smic", root, out, apex="frame-difference")
    file = next(out.rglob("landmarks.npz"))
    written = file.stat().st_mtime_ns
    prepare("smic", root, out, apex="frame-difference")
    assert file.stat().st_mtime_ns == written
    last = max(frames_of(root, "s1_sur_01").iterdir())
    cv2.imwrite(str(last), 255 - cv2.imread(str(last)))
    prepare("smic", root, out, apex="frame-difference")
    assert file.stat().st_mtime_ns != written


def test_a_second_run_is_refused_while_the_first_one_writes(make_replica, tmp_path):
    root, out = make_replica("casme2", subjects=(1,), clips_each=1), tmp_path / "out"
    with hold_lock(out), pytest.raises(InUse):
        prepare("casme2", root, out)
    assert not out.exists()
    assert list(prepare("casme2", root, out)["outcome"]) == ["ok"]
    assert not (out / ".lock").exists()


@pytest.mark.parametrize("name", [".Trash-1000/files", "Backup 2019", "@eaDir", "__MACOSX"])
def test_clutter_is_never_read_and_is_said(make_replica, tmp_path, capsys, name):
    root = make_replica("casme2", subjects=(1,), clips_each=1)
    prepare("casme2", root, tmp_path / "clean")
    copy = root / name / "CASME2_RAW_selected"
    shutil.copytree(frames_of(root, "sub01").parent, copy)
    for frame in copy.rglob("*.jpg"):
        cv2.imwrite(str(frame), cv2.imread(str(frame))[:, ::-1])
    prepare("casme2", root, tmp_path / "out")
    assert digests(tmp_path / "out") == digests(tmp_path / "clean")
    assert f"({name.split('/')[0]})" in capsys.readouterr().err


def test_a_clip_given_as_a_video_begins_with_the_onset(make_replica, tmp_path):
    root = make_replica("casme2", subjects=(1,), clips_each=2)
    for clip, n_frames in (("EP01_01f", 6), ("EP02_01", 4)):  # annotated: 96 to 101
        folder = frames_of(root, clip)
        frames = [read_image(folder / f"img{number}.jpg") for number in range(96, 102)]
        shutil.rmtree(folder)
        write_video(folder.with_suffix(".avi"), frames[:n_frames], "ffv1", pix_fmt="bgr0", options={})
    outcome = prepare("casme2", root, tmp_path / "out", skip_missing=True)
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
    assert deep[1].mean() / deep[0].mean() == pytest.approx(
        0.5, abs=0.03
    )  # the apex was darker, and stays so


def test_an_implausible_face_has_an_outcome_of_its_own(make_replica, tmp_path, monkeypatch):
    root = make_replica("casme2", subjects=(1,), clips_each=1)
    wrong = Plausibility(0.2, "upright")
    monkeypatch.setattr(clip_preparing, "plausibility", lambda points, image: wrong)
    outcome = prepare("casme2", root, tmp_path / "out")
    assert list(outcome["outcome"]) == ["implausible face"]
    assert wrong.reason in outcome.loc[0, "reason"] and not list((tmp_path / "out").rglob("onset.png"))
