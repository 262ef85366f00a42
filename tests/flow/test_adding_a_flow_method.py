"""The examples of docs/guides/adding-a-flow-method.md work as they are printed."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from flow.estimate import Method, estimate
from mer_core.errors import NotFound

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "adding-a-flow-method.md"


def printed(number: int, file: Path = PAGE) -> dict:
    """What the example of that number defines, if it stood in `file`."""
    names = {"__file__": str(file)}
    exec(
        compile(
            re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[number],
            str(PAGE),
            "exec",
        ),
        names,
    )
    return names


def test_the_printed_method_keeps_the_contract():
    names = printed(0)
    method = Method("softened_dis", {"soften": 0.8}, names["load"](), names["NETWORK"])
    face = cv2.GaussianBlur(skimage.data.astronaut()[50:161, 140:233], (0, 0), 0.6)  # odd sides
    moved = cv2.warpAffine(
        face,
        np.array([[1, 0, 0.6], [0, 1, -0.4]]),
        (93, 111),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    flow = estimate(method, face, moved)
    assert flow.shape == (111, 93, 2) and flow.dtype == np.float32
    assert np.median(flow[16:-16, 16:-16], axis=(0, 1)) == pytest.approx([0.6, -0.4], abs=0.06)


def test_the_printed_network_finds_its_weights_and_says_which(tmp_path):
    load = printed(1, tmp_path / "methods" / "mine.py")["load"]
    weights = tmp_path / "weights" / "mine.safetensors"
    with pytest.raises(NotFound, match="mine.safetensors"):
        load()
    weights.parent.mkdir()
    weights.write_bytes(b"")
    assert load().weights == weights
