"""One small scene, drawn once, for the tests of the engine."""

import numpy as np
import pytest

from flow.splatting.background import Background
from flow.splatting.camera import Camera
from flow.splatting.identity import procedural_face
from flow.splatting.lighting import Light
from flow.splatting.scenes import Scene


@pytest.fixture(scope="session")
def scene() -> Scene:
    """A face at 160 px before a mottled background."""
    camera = Camera.framing(160, 160, 0.75)
    return Scene(procedural_face(3, 12_000), camera, Light(), Background(160, 160, np.random.default_rng(5)))
