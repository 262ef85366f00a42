"""One synthetic smile, rendered once for every test of this folder."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flow.splatting.actor import Actor
from flow.splatting.expression import GOOD_CAMERA, film_expression
from tests.mer.inference.video_files import FALL, REST, RISE, SIDE, write_video


@pytest.fixture(scope="session")
def unlimited(tmp_path_factory) -> Path:
    """The bundle that ships, without the ranges outside of which it gives no label."""
    from mer import bundle

    shipped, folder = bundle.load(), tmp_path_factory.mktemp("bundle") / "unlimited"
    bundle.save(replace(shipped, recipe=shipped.recipe.model_copy(update={"validated_ranges": {}})), folder)
    return folder


@pytest.fixture(scope="session")
def smile_frames() -> list[np.ndarray]:
    """A person who raises lip corners and cheeks and lets them fall again, at rest before and after."""
    return list(
        film_expression(
            Actor(77, SIDE), {"12": 1.0, "6": 0.6}, 2.0, RISE, FALL, np.random.default_rng(0), rest=REST
        )
    )


@pytest.fixture(scope="session")
def smile_video(smile_frames, tmp_path_factory) -> Path:
    return write_video(tmp_path_factory.mktemp("videos") / "smile.mp4", smile_frames)


@pytest.fixture(scope="session")
def still_frames() -> list[np.ndarray]:
    """The same person, doing nothing."""
    person, rng = Actor(77, SIDE), np.random.default_rng(1)
    return [person.frame(sensor=GOOD_CAMERA, number=i, rng=rng) for i in range(6)]
