"""Rules that hold for several readers: case, wrong folders, missing frames, long videos."""

import shutil

import pytest

from data_prep.annotations import read_clips
from data_prep.clip_search import locate_clips
from data_prep.dataset_files import AmbiguousFolder
from data_prep.datasets import casme, casme2, casme3, smic
from data_prep.interval_table import read_intervals
from data_prep.layouts.casme2 import HEADER as CASME2_HEADER
from data_prep.sheets.annotation_sheets import MissingColumns
from mer_core import registry
from mer_core.errors import BadSetting, NotFound
from tests.data_prep.folders import first, spreadsheet, touch
from tests.data_prep.small_videos import moving_square, write_video

CASME2 = "CASME2-coding-20140508.xlsx"
CASME2_ROW = (1, "EP02_01f", None, 46, 59, 86, None, 12, "happiness")


@pytest.mark.parametrize(
    "reader, two", [(smic, "HS/{}/micro/negative/s1_ne_01"), (casme2, "CASME2_RAW_selected/{}/EP02_01f")]
)
def test_folders_that_differ_in_case_only_are_refused_and_both_named(tmp_path, reader, two):
    spreadsheet(tmp_path / CASME2, [CASME2_HEADER, CASME2_ROW])
    start = "s1" if reader is smic else "sub01"
    touch(tmp_path / two.format(start), "img46.jpg")
    touch(tmp_path / two.format(start.title()), "img47.jpg")
    if len(list((tmp_path / two).parents[1 if reader is casme2 else 3].iterdir())) < 2:
        pytest.skip("this disk does not tell upper from lower case")
    with pytest.raises(AmbiguousFolder) as caught:
        reader.frame_files(tmp_path, first(reader.read_annotations(tmp_path)))
    assert f"/{start.title()}" in str(caught.value) and f"/{start}" in str(caught.value)


def test_wrong_folders_are_named(tmp_path):
    with pytest.raises(NotFound):
        casme2.read_annotations(tmp_path / "absent")
    (tmp_path / "photos").mkdir()
    with pytest.raises(NotFound):
        casme2.read_annotations(tmp_path)
    with pytest.raises(NotFound, match="photos/"):
        smic.read_annotations(tmp_path)
    (tmp_path / CASME2).write_text("one cell")
    with pytest.raises(MissingColumns, match="one cell"):
        casme2.read_annotations(tmp_path)
    spreadsheet(tmp_path / CASME2, [("Subject", "Filename")])
    with pytest.raises(MissingColumns, match="onsetframe, .*Subject, Filename"):
        casme2.read_annotations(tmp_path)


@pytest.mark.parametrize("dataset, clips", [(casme, 5), (casme3, 86)])
def test_a_release_that_lacks_frames_is_taken_with_as_many_missing_as_it_lacks(dataset, clips):
    assert clips / dataset.FACTS.clips < dataset.FACTS.missing_fraction < 1.5 * clips / dataset.FACTS.clips


def test_a_dataset_of_clips_has_no_intervals(tmp_path):
    with pytest.raises(BadSetting, match="casme "):
        read_intervals("casme", tmp_path)


@pytest.mark.parametrize("name", ["samm_lv", "casme_squared"])
def test_a_long_video_may_be_a_video_whose_first_frame_is_1(name, make_replica):
    root = make_replica(name, subjects=(1,), clips_each=1)
    dataset = registry.load("data_prep.datasets", name)
    before = locate_clips(name, root, read_clips(name, root), "midpoint")
    first_file = next(iter(before[0].files.values()))
    last = max(before[0].files)
    shutil.rmtree(first_file.parent)
    write_video(first_file.parent.with_suffix(".mp4"), moving_square(last))
    (clip,) = locate_clips(name, root, read_clips(name, root), "midpoint")
    assert not clip.outcome and (clip.onset, clip.apex) == (before[0].onset, before[0].apex)
    assert {number: file.index for number, file in clip.files.items()} == {n: n - 1 for n in before[0].files}
    (video,) = dataset.read_intervals(root)["video"].unique()
    assert list(dataset.video_files(root, video)) == list(range(1, last + 1))
