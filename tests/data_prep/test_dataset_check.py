"""What --check says, without opening an image."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from data_prep import dataset_check, frames
from data_prep.dataset_check import check_dataset
from data_prep.datasets import casme2
from data_prep.layouts import MARKER
from data_prep.prepare import PrepareOptions, prepare
from mer.cli.main import cli
from mer_core import registry
from mer_core.errors import UnknownName
from mer_core.parallel import Workers


@pytest.mark.parametrize("name", registry.list_names("data_prep.datasets"))
def test_a_right_folder_is_usable_and_no_image_is_opened(name, make_replica, monkeypatch):
    root = make_replica(name)
    monkeypatch.setattr(frames, "read_image", lambda path: pytest.fail(f"{path} was opened"))
    for image in (p for p in root.rglob("*") if p.suffix in frames.IMAGE_SUFFIXES):
        image.write_bytes(image.read_bytes()[:8])  # says what it is, and cannot be decoded
    check = check_dataset(name, root)
    facts = registry.load("data_prep.datasets", name).FACTS
    assert check.usable
    lines = [line.split() for line in check.lines]
    if facts.clips is None:  # of own recordings nothing is published
        assert ["clips", "4"] in lines and ["subjects", "2"] in lines
        return
    assert ["clips", *dataset_check._format_count(4, facts.clips).split()] in lines
    assert ["subjects", *dataset_check._format_count(2, facts.subjects).split()] in lines
    assert check.lines[-1] == "4 of 4 clips can be prepared."
    assert "  ROOT" in check.lines


def test_the_expected_tree_stands_beside_what_is_there(make_replica):
    lines = check_dataset("casme2", make_replica("casme2", clips_each=6)).lines
    expected, found = lines.index("Expected:"), lines.index("Found:")
    assert "        EP02_01f/" in lines[expected:found]
    assert lines[found + 1 : found + 9] == [
        "  casme2_root",
        "    CASME2_RAW_selected/",
        "      CASME2_RAW_selected/",
        "        sub01/",
        "          EP01_01f/",
        "          EP02_01/",
        "          EP03_01f/",
        "          EP04_01/",
    ]
    assert lines[found + 9] == "          ... and 3 more"  # two clips and the stray link


@pytest.mark.parametrize(
    "published, said", [(4, "4, as published"), (9, "4, published 9"), (None, "4, no count is published")]
)
def test_counts_are_compared_with_the_published_ones(published, said):
    assert dataset_check._format_count(4, published).strip() == said


def test_missing_frames_are_counted_and_the_first_named(make_replica):
    root = make_replica("casme2")
    frame_folder = root / "CASME2_RAW_selected" / "CASME2_RAW_selected"
    shutil.rmtree(frame_folder / "sub01" / "EP02_01")
    (frame_folder / "sub02" / "EP01_01f" / "img99.jpg").unlink()  # the apex
    (frame_folder / "sub02" / "EP02_01" / "img98.jpg").unlink()  # neither onset nor apex: not needed
    check = check_dataset("casme2", root)
    assert not check.usable
    assert (
        check.lines[-1]
        == "2 of 4 clips can be prepared only with --skip-missing: without it, mer prepare stops."
    )
    going_on = check_dataset("casme2", root, skip_missing=True)
    assert going_on.usable and going_on.lines[-1] == "2 of 4 clips can be prepared."
    line = next(line for line in check.lines if "lack frames" in line)
    assert (
        "2 of 4 clips lack frames. First: casme2/sub01/EP02_01, There is no folder CASME2_RAW_selected/"
        in line
    )


@pytest.mark.parametrize("name", registry.list_names("data_prep.datasets"))
def test_the_spreadsheet_that_was_read_is_named_and_a_copy_of_it_is_not_read(name, make_replica):
    root = make_replica(name)

    def said():
        return [line.strip() for line in check_dataset(name, root).lines if "Annotations read from" in line]

    sheets = [
        path for path in root.rglob("*") if path.suffix in (".xlsx", ".csv")
    ]  # none in the short release of SMIC
    alone = said()
    assert len(alone) == bool(sheets) and all(str(sheet.relative_to(root)) in alone[0] for sheet in sheets)
    assert "Not read" not in "".join(alone)
    copies = [
        Path(shutil.copy(sheet, sheet.with_name(f"{sheet.stem} - Copy{sheet.suffix}"))) for sheet in sheets
    ]
    for line in () if name in ("samm_lv", "table") else said():  # these have names that no copy fits
        read, unread = line.split(" Not read, though the name matches: ")
        assert read == alone[0] and sorted(unread.rstrip(".").split(", ")) == sorted(
            str(copy.relative_to(root)) for copy in copies
        )


def test_preparing_says_and_keeps_which_spreadsheet_was_read(make_replica, tmp_path, capsys):
    prepare("casme2", make_replica("casme2"), tmp_path / "out", workers=Workers(1))
    sheet = "CASME2-coding-20140508.xlsx (sheet 'Sheet1')"
    assert f"Annotations read from {sheet}." in capsys.readouterr().err
    assert json.loads((tmp_path / "out" / "prepare.json").read_text())["annotations"] == sheet


@pytest.mark.parametrize("name, published", [("smic", 16), ("casme2", 26)])
def test_published_subjects_that_are_not_here_are_counted(name, published, make_replica):
    root = make_replica(name, subjects=(1, 2, 3))
    said = f"of the published {published} subjects are here."
    assert said not in "\n".join(check_dataset(name, root).lines)  # a replica is small on purpose
    (root / MARKER).unlink()
    assert f"  3 {said}" in check_dataset(name, root).lines
    shutil.rmtree(next(path for path in root.rglob("*") if path.name in ("s3", "sub03")))
    assert f"  2 {said}" in check_dataset(name, root).lines  # also where a spreadsheet still lists the third


@pytest.mark.parametrize(
    "name, renamed", [("smic", ("s2", "s2 (copy)")), ("casme2", ("sub02", "subject_02"))]
)
def test_a_folder_that_looks_like_a_subject_and_was_not_read_is_named(
    name, renamed, make_replica, tmp_path, capsys
):
    root = make_replica(name)
    assert "Are they subjects?" not in "\n".join(check_dataset(name, root).lines)
    folder = next(path for path in root.rglob(renamed[0]))
    folder.rename(folder.with_name(renamed[1]))
    place = f"{folder.parent.relative_to(root)}/{renamed[1]}"
    remark = f"1 folder holds no clip that was read: {place}. Are they subjects?"
    assert f"  {remark}" in check_dataset(name, root).lines
    prepare(name, root, tmp_path / "out", PrepareOptions(skip_missing=True), workers=Workers(1))
    assert remark in capsys.readouterr().err


def test_a_copy_of_the_folder_of_all_subjects_is_named(make_replica):
    root = make_replica("casme2")
    assert not any("not read" in line for line in check_dataset("casme2", root).lines)
    (subjects,) = (path.parent for path in root.rglob("sub01"))
    shutil.copytree(subjects, root / "frames - Copy")
    assert (
        "  Folders that hold subjects but are not read: frames - Copy." in check_dataset("casme2", root).lines
    )


@pytest.mark.parametrize("second", ["EP01_01f - Copy", "session2/EP01_01f"])
def test_a_second_folder_of_a_clip_is_named(second, make_replica):
    root = make_replica("casme2")
    assert not any("read from another" in line for line in check_dataset("casme2", root).lines)
    folder = next(path for path in root.rglob("EP01_01f"))
    shutil.copytree(folder, folder.parent / second)
    place = (folder.parent / second).relative_to(root)
    remark = f"  1 folder is named like a clip whose frames were read from another: {place}."
    assert remark in check_dataset("casme2", root).lines


def test_a_clip_of_unread_pictures_names_their_kind(make_replica):
    root = make_replica("casme2")
    folder = next(path for path in root.rglob("EP01_01f"))
    n = len(list(folder.iterdir()))
    for file in folder.iterdir():
        file.rename(file.with_suffix(".heic"))
    assert f"but {n} .heic" in "\n".join(check_dataset("casme2", root).lines)


def test_a_folder_without_frames_is_not_usable(make_replica, tmp_path):
    root = make_replica("casme2")
    shutil.rmtree(root / "CASME2_RAW_selected")
    check = check_dataset("casme2", root)
    assert not check.usable and check.lines[-1] == "Not usable: no clip has its frames."
    empty = tmp_path / "empty"
    empty.mkdir()
    check = check_dataset("casme2", empty)
    assert not check.usable and casme2.FACTS.obtain in check.lines[-1]


def test_notes_and_odd_emotions_are_shown(make_replica):
    root = make_replica("casme2", apex=None)
    lines = check_dataset("casme2", root).lines
    assert "  4 clips with a note of the reader. First: casme2/sub01/EP01_01f, apex printed as '/'." in lines


def test_an_unknown_dataset_is_answered_with_the_nearest(tmp_path):
    with pytest.raises(UnknownName, match="casme2"):
        check_dataset("casme22", tmp_path)


@pytest.mark.parametrize(
    "typed, meant",
    [("CASMEII", "casme2"), ("CASME II", "casme2"), ("CASME III", "casme3"), ("SAMM-LV", "samm_lv")],
)
def test_a_name_as_papers_print_it_is_answered_with_ours(typed, meant, tmp_path):
    with pytest.raises(UnknownName, match=f"Did you mean {meant}\\?"):
        check_dataset(typed, tmp_path)


def test_every_oddity_is_counted_and_its_first_instance_named(make_replica):
    root = make_replica("casme2", subjects=(1,), clips_each=6)
    sheet = root / "CASME2-coding-20140508.xlsx"
    table = pd.read_excel(sheet)
    table.loc[1, "ApexFrame"] = 900
    table.loc[2, "ApexFrame"] = table.loc[2, "OnsetFrame"]
    table.loc[3, "Filename"] = table.loc[1, "Filename"]
    table.loc[4, "Filename"] = "../../x"
    table.to_excel(sheet, index=False)
    frame_folder = root / "CASME2_RAW_selected" / "CASME2_RAW_selected" / "sub01"
    (frame_folder / "EP01_01f" / "img99.jpg").write_bytes(b"")
    (frame_folder / "EP06_01" / "img96.jpg").write_text("moved")
    check = check_dataset("casme2", root)
    for line in (
        "1 clip with a name that cannot be a folder name. First: casme2/sub01/.._.._x, subject 'sub01', "
        "clip '../../x'",
        "1 clip with a name that was listed before. First: casme2/sub01/EP02_01~2, casme2/sub01/EP02_01 "
        "is listed 2 times",
        "1 clip with an apex outside the clip. First: casme2/sub01/EP02_01, apex printed as 900, outside "
        "96 to 101.",
        "1 clip with an apex on the onset frame. First: casme2/sub01/EP03_01f, apex is the onset frame.",
        "2 clips with a file that is not an image. First: casme2/sub01/EP01_01f, img99.jpg is empty.",
    ):
        assert any(found.strip().startswith(line) for found in check.lines), line
    assert check.usable and check.lines[-1] == "2 of 6 clips can be prepared."


@pytest.mark.parametrize("name, unsure", [("mmew", True), ("casme2", False)])
def test_counts_that_were_not_verified_are_said_to_be_so(name, unsure, make_replica):
    said = "\n".join(check_dataset(name, make_replica(name)).lines)
    assert ("verified" in said) is unsure


def test_intervals_of_long_videos_are_counted(make_replica):
    lines = [line.split() for line in check_dataset("samm_lv", make_replica("samm_lv")).lines]
    assert ["micro", "intervals", "4,", "published", "159"] in lines
    assert any(line[:2] == ["macro", "intervals"] and line[-2:] == ["published", "343"] for line in lines)


def test_the_exit_code_is_0_only_where_the_folder_can_be_used(make_replica):
    root = make_replica("samm")

    def check(name, folder):
        return CliRunner().invoke(cli, ["prepare", name, "--root", str(folder), "--check"])

    assert check("samm", root).exit_code == 0
    wrong = check("casme2", root)
    assert wrong.exit_code == 1 and wrong.output.splitlines()[-1].startswith("Not usable.")
    for image in root.rglob("*.jpg"):
        image.write_text("moved")
    assert check("samm", root).exit_code == 1
