"""Pages of libraries are dropped and come back; what the linker has changed stays."""

import subprocess
import sys

import pytest

PROBE = """
import cv2, numpy as np, scipy.linalg
from mer_core.memory import drop_unchanged_pages
def mapped_kb():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssFile"))
def compute():
    image = np.arange(10000, dtype=np.float32).reshape(100, 100)
    return [float(cv2.GaussianBlur(image, (0, 0), 3).sum()), float(scipy.linalg.det(np.eye(9) * 2))]
first, before = compute(), mapped_kb()
drop_unchanged_pages()
after = mapped_kb()
print(before, after, compute() == first)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_libraries_work_after_their_pages_were_dropped():
    answer = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True).stdout
    before, after, is_same = answer.split()
    assert int(after) < int(before) / 2 and is_same == "True"


def test_elsewhere_nothing_happens(monkeypatch):
    from mer_core import memory

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(memory, "MAPPING", None)
    memory.drop_unchanged_pages()
