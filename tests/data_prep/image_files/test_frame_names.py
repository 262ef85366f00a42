"""Frame numbers from names: what counts, what is a date, a hash or a copy, and what is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.image_files.frame_names import FrameCollision, name_gaps, read_frame_names
from data_prep.image_files.name_times import AmbiguousNames, times_in_numbers


def numbers(*names: str) -> list[int]:
    return list(read_frame_names(Path(name) for name in names).files)


def order(*names: str) -> list[str]:
    return [path.name for path in read_frame_names(Path(name) for name in names).files.values()]


@pytest.mark.parametrize(
    "names, expected",
    [
        (["img46.jpg", "img0099.jpg", "img100.jpg"], [46, 99, 100]),
        (["006_05562.jpg", "006_05563.jpg"], [5562, 5563]),
        (["006_05562.jpg"], [5562]),
        (["0001_cam2.png", "0002_cam2.png"], [1, 2]),
        (["2024-05-08_12-30-05_7.png", "2024-05-08_12-30-05_8.png"], [7, 8]),
        (["clip (1).jpg", "clip (2).jpg", "clip (3).jpg"], [1, 2, 3]),  # Explorer renamed them all
        (["frame_3_1699999999033.png", "frame_4_1699999999066.png"], [3, 4]),
        (["f_1_calm.png", "f_2_calm.png", "f_3_glad.png"], [1, 2, 3]),
        (["onset_12.png", "apex_17.png"], [12, 17]),
        (["Frame_1.PNG", "frame_2.png"], [1, 2]),
        (["portrait.jpg"], []),
    ],
)
def test_the_number_is_the_group_that_counts(names, expected):
    assert numbers(*names) == expected


@pytest.mark.parametrize("pattern", ["img{n}_jpg.rf.{hash}.jpg", "{hash}-{n}.png", "{n}_{hash}.png"])
def test_hashes_of_export_tools_are_no_numbers(pattern):
    hashes = ["8d7f6a5b4c3d2e1f", "0011223344556677", "abcdefabcdefabcd", "9a00000000000000"]
    assert numbers(*(pattern.format(n=n, hash=h) for n, h in zip(range(98, 102), hashes))) == [
        98,
        99,
        100,
        101,
    ]


@pytest.mark.parametrize(
    "names",
    [
        ["cfcd208495d5.jpg", "c4ca4238a0b9.jpg", "c81e728d9d4c.jpg"],
        ["025b413f-8a9a-4081-8273-a7dd06839eb9.png", "f3c64af7-75a8-4294-8706-789a380208a7.png"],
    ],
    ids=["hashes", "UUIDs"],
)
def test_hashes_alone_give_no_order(names):
    with pytest.raises(AmbiguousNames, match="hashes"):
        numbers(*names)
    assert numbers("face01.png", "face02.png", "face10.png") == [1, 2, 10]


@pytest.mark.parametrize(
    "names, times",
    [
        (
            ["1399540000.633664.jpg", "1399540000.717080.jpg", "1399540001.009036.jpg"],
            [0, 0.083416, 0.375372],
        ),
        (["f_1699999999967.png", "f_1700000000000.png", "f_1700000000034.png"], [0, 0.033, 0.067]),
        (["20240508_235959_900.png", "20240509_000000_000.png", "20240509_000000_150.png"], [0, 0.1, 0.25]),
        (
            ["2024-05-08 12.30.59.5.png", "2024-05-08 12.31.00.0.png", "2024-05-08 12.31.00.7.png"],
            [0, 0.5, 1.2],
        ),
        (["0.983.png", "1.016.png", "1.049.png"], [0, 0.033, 0.066]),
        (["00-00-59-960.png", "00-01-00-000.png", "00-01-00-045.png"], [0, 0.04, 0.085]),
        (["0,00.png", "0,04.png", "0,08.png"], [0, 0.04, 0.08]),
    ],
)
def test_time_stamps_give_the_order_and_the_times(names, times):
    found = read_frame_names(Path(name) for name in sorted(names, key=hash))
    assert [path.name for path in found.files.values()] == names
    assert list(found.files) == [0, 1, 2]
    assert list(found.times_s.values()) == pytest.approx(times, abs=1e-6)


def test_unpadded_nanoseconds_are_distinguished_from_a_fraction_by_their_steps():
    stamps = [(1399540000, 900_000_000), (1399540000, 950_000_000), (1399540001, 0), (1399540001, 50_000_000)]
    names = [f"{s}_{ns}.png" for s, ns in stamps]
    assert order(*reversed(names)) == names
    fractions = [f"{round(1399540000 + i * 0.05, 2)}.png" for i in range(1, 30)]
    assert order(*fractions) == fractions


def test_a_fraction_that_may_be_a_count_is_refused_with_both_readings():
    with pytest.raises(AmbiguousNames, match=r"1399540000\.900000 s.*1399540000\.000009 s") as refused:
        order(*(f"{1399540000 + i // 3}_{(i % 3) * 333333 + 9}.png" for i in range(9)))
    assert refused.value.code == "ambiguous-frame-names"


@pytest.mark.parametrize(
    "names",
    [
        ["img7.png", "img007.png"],
        ["7.png", "7.jpg"],
        ["left_1.png", "left_2.png", "right_1.png", "right_2.png"],
        ["s1_0001.png", "s1_0002.png", "s2_0001.png", "s2_0002.png"],
    ],
)
def test_two_images_of_one_number_are_refused_and_none_is_to_be_deleted(names):
    with pytest.raises(FrameCollision) as refused:
        numbers(*names)
    assert sum(name in str(refused.value) for name in names) >= 2
    assert not {"keep", "delete", "remove"} & set(str(refused.value).lower().split())


def test_groups_that_count_in_two_orders_are_refused():
    with pytest.raises(AmbiguousNames, match="group 2.*4_5.png.*group 1.*0_9.png"):
        numbers(*(f"{i}_{9 - i}.png" for i in range(5)))


@pytest.mark.parametrize(
    "copy", ["img2 (1).png", "img2 - Copy.png", "img2 copy.png", "img2 - Kopie (3).png", "Copy of img2.png"]
)
def test_a_copy_is_passed_over_where_its_bytes_agree_and_refused_where_not(tmp_path, copy):
    for name in ("img1.png", "img2.png", copy):
        (tmp_path / name).write_bytes(b"same")
    found = read_frame_names(tmp_path.iterdir())
    assert [path.name for path in found.files.values()] == ["img1.png", "img2.png"]
    assert copy in found.notes[0]
    (tmp_path / copy).write_bytes(b"other")
    with pytest.raises(FrameCollision, match="img2.png"):
        read_frame_names(tmp_path.iterdir())
    (tmp_path / "img2.png").unlink()
    found = read_frame_names(tmp_path.iterdir())
    assert list(found.files) == [1, 2] and copy in found.notes[0]


def test_images_named_unlike_the_rest_are_passed_over_and_said():
    found = read_frame_names(
        Path(f"{name}.png") for name in ("img_1", "img_2", "img_3", "mask_2", "img_2_thumb", "cover_2019")
    )
    assert list(found.files) == [1, 2, 3]
    assert found.notes[0].startswith("3 images named unlike the rest")


def test_gaps_are_found_where_the_numbers_count():
    assert name_gaps([1, 2, 3, 6, 7, 9]) == [(4, 5), (8, 8)]
    assert name_gaps([0, 5, 10, 20]) == []
    assert name_gaps([3]) == []


def test_numbers_that_jump_are_times_at_the_rate_given_or_refused():
    names = read_frame_names(Path(f"{t}.png") for t in (0, 33, 67, 100, 133, 167, 200, 233, 267))
    assert times_in_numbers(names.files, 30, Path("x"))[67] == pytest.approx(0.067)
    for fps in (None, 200):
        with pytest.raises(AmbiguousNames, match="frame numbers.*milliseconds"):
            times_in_numbers(names.files, fps, Path("x"))
    every_fifth = read_frame_names(Path(f"{n}.png") for n in range(0, 60, 5))
    assert times_in_numbers(every_fifth.files, 30, Path("x")) is None


def test_decimals_of_seconds_are_times_at_the_rate_given():
    names = read_frame_names(Path(f"frame_0.{4 * k:02d}s.png") for k in range(9))
    assert times_in_numbers(names.files, 25, Path("x")) == pytest.approx({4 * k: k / 25 for k in range(9)})
    assert times_in_numbers(names.files, 30, Path("x")) is None


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=30, unique=True),
    st.sampled_from(["{n}", "img{n}", "006_{n:05d}", "reg_EP01_{n}", "c-{n:03d}", "2024_{n}"]),
    st.randoms(),
)
def test_any_order_of_files_gives_the_same_ascending_numbers(values, pattern, random):
    names = [pattern.format(n=n) + ".png" for n in values]
    random.shuffle(names)
    try:
        found = numbers(*names)
    except AmbiguousNames:  # as where numbers happen to look like seconds since 1970
        return
    assert found == sorted(values) or found == list(range(len(values)))


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=20, unique=True), st.integers(10**9, 2 * 10**9))
def test_time_stamps_never_change_the_order(offsets_us, start):
    stamps = [f"{start + us // 10**6}.{us % 10**6:06d}.png" for us in sorted(offsets_us)]
    try:
        assert order(*stamps) == stamps
    except AmbiguousNames:
        return


@given(
    st.lists(
        st.text(min_size=1, max_size=12).filter(lambda name: "/" not in name and "\0" not in name),
        max_size=12,
    )
)
def test_any_names_are_read_or_refused(names):
    paths = {Path(f"{name}.png") for name in names}
    try:
        found = read_frame_names(paths)
    except (
        FrameCollision,
        AmbiguousNames,
        FileNotFoundError,
    ):  # copies are compared on the disk, where these are not
        return
    assert set(found.files.values()) <= paths
    assert list(found.files) == sorted(found.files)


@pytest.mark.parametrize("digits, base", [("02x", 16), ("x", 16), ("03o", 8), ("05b", 2)])
def test_counters_in_other_digits_are_refused(digits, base):
    with pytest.raises(AmbiguousNames, match=f"base {base} "):
        numbers(*(f"frame_{k:{digits}}.png" for k in range(26)))
    assert numbers(*(f"frame_{k}.png" for k in range(8))) == list(range(8))


@pytest.mark.parametrize("first", ["t-3", "t\u22123", "t_-3"])
def test_numbers_before_and_after_an_event_are_refused(first):
    with pytest.raises(AmbiguousNames, match="sign"):
        numbers(*(f"{first[:-1]}{k}.png" for k in (3, 2, 1)), f"{first[:-2]}0.png")
    assert numbers("t-1.png", "t-2.png") == [1, 2]


def test_times_of_day_go_on_over_the_hour():
    names = [f"c 12-59-{s} PM.png" for s in (58, 59)] + ["c 1-00-00 PM.png", "c 1-00-01 PM.png"]
    read = read_frame_names(map(Path, names))
    assert [path.name for path in read.files.values()] == names
    assert list(read.times_s.values()) == [0, 1, 2, 3]
    with pytest.raises(AmbiguousNames, match="midnight"):
        numbers("23-59-58.png", "23-59-59.png", "00-00-00.png", "00-00-01.png")


def test_ticks_of_100_nanoseconds_are_no_seconds():
    read = read_frame_names(Path(f"{131968592000000000 + k * 333333}.png") for k in range(9))
    assert read.is_ordinal and read.times_s is None


def test_words_that_differ_are_said():
    names = [
        Path(f"{word}_{k:03d}.png") for word, k in (("left", 1), ("left", 2), ("right", 3), ("right", 4))
    ]
    read = read_frame_names(names)
    assert list(read.files) == [1, 2, 3, 4]
    assert read.notes == ["names of 2 kinds (left_0, right_0 ...) are read as one sequence"]


def test_images_without_a_number_are_said():
    names = read_frame_names(map(Path, ["image.png", "image1.png", "image2.png"]))
    assert list(names.files) == [1, 2] and any(
        "1 image" in note and "image.png" in note for note in names.notes
    )


@pytest.mark.parametrize("first, last", [(20, 31), (13, 37)])  # 24 frames a second: with a gap, and without
def test_a_timecode_is_refused_because_its_frames_restart_every_second(first, last):
    with pytest.raises(AmbiguousNames, match=r"a_00_01_00\.png"):
        numbers(*(f"a_00_{n // 24:02d}_{n % 24:02d}.png" for n in range(first, last)))


def test_labels_before_a_number_are_no_timecode():
    assert numbers("au4_1.png", "au1_2.png", "au4_3.png", "au2_5.png") == [1, 2, 3, 5]


def test_a_counter_that_restarts_is_refused():
    with pytest.raises(AmbiguousNames, match="DSC9999.*DSC0000"):
        numbers(*(f"DSC{n % 10000:04d}.jpg" for n in range(9995, 10004)))
    assert numbers("DSC9998.jpg", "DSC9999.jpg", "DSC10000.jpg") == [9998, 9999, 10000]
    with pytest.raises(AmbiguousNames, match="255.*0"):
        numbers(*(f"{n % 256}.png" for n in range(250, 262)))
