"""A PNG whose chunks promise more than the file holds is refused before OpenCV allocates it."""

import time

import numpy as np
import pytest
from PIL import Image

from data_prep.image_files.images import UnreadableImage, read_image, write_image


@pytest.mark.parametrize("length", [0x7FFFFFFF, 0x7FFFFFF0, 0x10000000, 0xFFFFFFFF])
def test_a_huge_chunk_is_refused_at_once(tmp_path, length):
    path = tmp_path / "a.png"
    write_image(path, np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8))
    data = path.read_bytes()
    place = data.index(b"IDAT") - 4
    path.write_bytes(data[:place] + length.to_bytes(4, "big") + data[place + 4 :])
    begun = time.process_time()
    with pytest.raises(UnreadableImage):
        read_image(path)
    assert time.process_time() - begun < 1


def test_bytes_behind_the_end_do_not_matter(tmp_path):
    path = tmp_path / "a.png"
    image = np.full((8, 8, 3), 7, np.uint8)
    write_image(path, image)
    path.write_bytes(path.read_bytes() + b"\xff" * 40)
    assert (read_image(path) == image).all()


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_an_animation_is_not_read_as_its_first_picture(tmp_path, suffix):
    pictures = [Image.fromarray(np.full((24, 32, 3), 40 * k, np.uint8)) for k in range(3)]
    path = tmp_path / f"a{suffix}"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=40)
    with pytest.raises(UnreadableImage, match=path.name):
        read_image(path)
    pictures[1].save(path)
    assert read_image(path).shape == (24, 32, 3)
