"""What each action unit does to the points of a face, as scanned people show it.

The patterns come from scanned expressions (benchmarks/unit_patterns.py makes them;
flow/splatting/scanned_units.py says which expression shows which unit). Head model: ICT Face Model Light, MIT
licence, notice in flow/weights/head-reduced.md.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
from safetensors import safe_open

FILE = Path(__file__).with_name("unit_patterns.safetensors")
BOTH_SIDES = ("17", "26", "28")  # units whose scans have no sides


@lru_cache(maxsize=2)
def load(as_read: bool = False) -> tuple[list[tuple[str, str]], np.ndarray]:
    """Return names (unit, side), side `right`, `left` or `both`, and motion (K, 468, 3) float64.

    The motion of MediaPipe's points of the mean face at an adult's full strength, in inter-ocular distances:
    x right in the picture, y down, z away from the viewer. It is that of the scans, or `as_read` by the flow
    network between aligned faces, which smooths it.
    """
    with safe_open(FILE, framework="numpy") as file:
        names = [tuple(name.split(":")) for name in file.metadata()["names"].split()]
        patterns = file.get_tensor("as_read" if as_read else "scanned").astype(np.float64)
    return names, patterns
