"""Preparing again: the same bytes after an interruption, and nothing stale after a change."""

import json
import shutil

import cv2
import pandas as pd
import pytest

from data_prep import prepare as preparing
from data_prep import prepare_clip as clip_preparing
from data_prep.align import warp_face
from data_prep.prepare import PrepareOptions, prepare
from mer_core.errors import ChangedSettings, InUse, OccupiedOutput
from mer_core.locks import hold_lock
from mer_core.parallel import Workers
from tests.data_prep.folders import digests, frames_of


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
    prepare("samm", root, tmp_path / "one", workers=Workers(1))
    monkeypatch.setattr(preparing, "CLIPS_PER_WORKER", 2)
    prepare("samm", root, tmp_path / "two", workers=Workers(jobs=2))
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
        ({"size": 112}, "size.*224.*112"),
        ({"apex": "frame-difference"}, "apex.*midpoint.*frame-difference"),
        ({"corrections": False}, "corrections.*True.*False"),
    ],
)
def test_an_out_made_otherwise_is_refused(make_replica, tmp_path, changed, words):
    root, out = make_replica("smic", subjects=(1,), clips_each=1), tmp_path / "out"
    prepare("smic", root, out)
    before = digests(out)
    with pytest.raises(ChangedSettings, match=words):
        prepare("smic", root, out, PrepareOptions(**changed))
    assert digests(out) == before


def test_an_out_that_holds_something_else_is_refused(make_replica, tmp_path):
    root, out = make_replica("smic", subjects=(1,), clips_each=1), tmp_path / "out"
    prepare("smic", root, out)
    with pytest.raises(ChangedSettings, match="dataset.*smic.*samm"):
        prepare("samm", make_replica("samm", subjects=(1,), clips_each=1), out)
    with pytest.raises(OccupiedOutput):
        prepare("smic", root, root)


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
    prepare("smic", root, out, PrepareOptions(apex="frame-difference"))
    file = next(out.rglob("landmarks.npz"))
    written = file.stat().st_mtime_ns
    prepare("smic", root, out, PrepareOptions(apex="frame-difference"))
    assert file.stat().st_mtime_ns == written
    last = max(frames_of(root, "s1_sur_01").iterdir())
    cv2.imwrite(str(last), 255 - cv2.imread(str(last)))
    prepare("smic", root, out, PrepareOptions(apex="frame-difference"))
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
