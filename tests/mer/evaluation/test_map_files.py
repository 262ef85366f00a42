"""A map is read by an explicit rule or refused with what was found: never a score from a misread axis."""

import numpy as np
import pytest
import scipy.io
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from mer.evaluation.map_files import BadMap, read_map

MAP = np.arange(60, dtype=np.float64).reshape(3, 4, 5)


def test_one_array_in_an_npz_is_an_npy(tmp_path):
    np.save(tmp_path / "a.npy", MAP)
    np.savez(tmp_path / "a.npz", flow=MAP)
    np.savez_compressed(tmp_path / "b.npz", flow=np.asfortranarray(MAP))
    for name in ("a.npy", "a.npz", "b.npz"):
        read = read_map(tmp_path / name)
        assert read.dtype == np.float32 and np.array_equal(read, MAP)


@pytest.mark.parametrize(
    "values, words",
    [
        (np.zeros((14, 14, 3)), "(14, 14, 3), channels last"),
        (np.zeros((14, 3, 14)), "(14, 3, 14), channels in the middle"),
        (np.zeros((9, 9, 9)), "shape (9, 9, 9)"),
        (np.zeros((3, 3, 5)), "ambiguous"),
        (np.zeros((3, 5, 3)), "ambiguous"),
        (np.zeros((9, 9)), "(9, 9)"),
        (np.zeros((1, 3, 9, 9)), "(1, 3, 9, 9)"),
        (np.zeros((0, 9, 9)), "(0, 9, 9)"),
        (np.zeros((1, 9, 9), complex), "complex"),
        (np.zeros((1, 9, 9), bool), "bool"),
        (np.zeros((1, 9, 9), "datetime64[s]"), "datetime64"),
        (np.full((1, 9, 9), np.nan), "81 of 81 values"),
        (np.full((1, 9, 9), 1.7e9), "unknown motion"),
        (np.full((1, 9, 9), 1e300), "81 of 81"),
        (np.where(np.eye(9)[None], -9999, 0.5), "9 of 81 values are -9999"),
        (np.full((1, 9, 9), 999), "81 of 81 values are 999"),
        (np.full((1, 9, 9), "a"), "<U1"),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_an_array_that_the_rule_does_not_cover_is_refused(tmp_path, values, words, suffix):
    path = tmp_path / f"a{suffix}"
    (np.save if suffix == ".npy" else np.savez)(path, values)
    with pytest.raises(BadMap) as caught:
        read_map(path)
    assert words in str(caught.value) and str(path) in str(caught.value) and caught.value.code == "bad-map"


def test_large_values_among_others_are_no_marks(tmp_path):
    for values in (MAP * 99 / MAP.max(), MAP * 9999 / MAP.max(), np.where(np.eye(9)[None], 98, 0.5)):
        np.save(tmp_path / "a.npy", values)
        assert np.allclose(read_map(tmp_path / "a.npy"), values)


def test_objects_headers_that_promise_too_much_and_many_arrays_are_refused(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([[[{}]]]), allow_pickle=True)
    np.savez(tmp_path / "two.npz", a=MAP, b=MAP)
    np.savez(tmp_path / "object.npz", a=np.array([[[{}]]]))
    np.save(tmp_path / "big.npy", MAP)
    big = (tmp_path / "big.npy").read_bytes().replace(b"(3, 4, 5), }      ", b"(3, 40000, 50000)}")
    (tmp_path / "big.npy").write_bytes(big)
    with (tmp_path / "both.npy").open("wb") as file:
        for _ in range(2):
            np.save(file, MAP)
    for name in ("objects.npy", "two.npz", "object.npz", "big.npy", "both.npy"):
        with pytest.raises(BadMap, match=name):
            read_map(tmp_path / name)


def test_pictures_of_another_kind_and_stacks_are_refused(tmp_path):
    grey = [Image.new("L", (4, 5)) for _ in range(5)]
    grey[0].save(tmp_path / "stack.tif", save_all=True, append_images=grey[1:])
    tifffile.imwrite(tmp_path / "deep.tif", np.zeros((5, 4), np.uint16))
    Image.new("I;16", (4, 5)).save(tmp_path / "grey16.png")
    Image.new("RGBA", (4, 5)).save(tmp_path / "alpha.png")
    Image.new("P", (4, 5)).save(tmp_path / "palette.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    import cv2

    cv2.imwrite(str(tmp_path / "rgb16.png"), np.full((5, 4, 3), 300, np.uint16))
    scipy.io.savemat(tmp_path / "flow.mat", {"flow": np.zeros((14, 14, 3))})
    for name, words in {
        "stack.tif": "stack of 5 pictures", "deep.tif": "8-bit", "grey16.png": "8-bit", "alpha.png": "RGBA",
        "palette.png": "8-bit", "broken.png": "cannot be read", "rgb16.png": "16 bits",
        "flow.mat": "flow (14, 14, 3)",
    }.items():  # fmt: skip
        with pytest.raises(BadMap) as caught:
            read_map(tmp_path / name)
        assert words in str(caught.value), name


@given(
    values=arrays.arrays(
        st.one_of(arrays.floating_dtypes(), arrays.integer_dtypes(), arrays.complex_number_dtypes()),
        arrays.array_shapes(min_dims=1, max_dims=4, max_side=6),
    )
)
def test_any_array_is_read_as_it_is_or_refused(values, tmp_path_factory):
    path = tmp_path_factory.mktemp("map") / "a.npy"
    np.save(path, values)
    try:
        read = read_map(path)
    except BadMap:
        return
    assert read.shape == values.shape and read.shape[0] < min(read.shape[1:]) and np.isfinite(read).all()
    assert np.array_equal(read, values.astype(np.float32))


@given(data=st.binary(max_size=300), suffix=st.sampled_from([".npy", ".npz", ".png", ".tif", ".mat", ""]))
def test_any_bytes_are_a_map_or_one_message(data, suffix, tmp_path_factory):
    path = tmp_path_factory.mktemp("bytes") / f"a{suffix}"
    starts = {".npy": b"\x93NUMPY\x01\0", ".npz": b"PK\x03\x04", ".png": b"\x89PNG\r\n\x1a\n"}
    path.write_bytes(starts.get(suffix, b"") + data)
    with pytest.raises(BadMap):
        read_map(path)
