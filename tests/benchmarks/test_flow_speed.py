"""The speed table says what was measured, and every row can be loaded."""

import pytest

from benchmarks import flow_speed
from flow.estimate import load_method


def test_the_page_gives_seconds_memory_and_the_composite():
    found = {
        ("dis", size, threads): {"seconds": size / 1000 / threads, "megabytes": 100.0 + size}
        for size in (224, 448)
        for threads in (1, 2)
    }
    text = flow_speed.page(found)
    assert (
        "| method | 224 px, 1 thread | 224 px, 2 threads | 448 px, 1 thread | 448 px, 2 threads | peak MB |"
        in text
    )
    assert "| dis | 0.224 | 0.112 | 0.448 | 0.224 | 548 | 0.8 |" in text  # 442 pairs of 0.112 s are 0.83 min


@pytest.mark.parametrize("row", flow_speed.ROWS)
def test_every_row_names_a_method_and_its_options(row, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "flow.estimate.load_method", lambda name, device, **options: asked.append((name, options))
    )
    flow_speed.load_row(row, tmp_path, 1)
    ((name, options),) = asked
    monkeypatch.undo()
    if name not in ("srflownet", "raft"):
        load_method(name, **options)
    elif "weights" in options:
        assert options["weights"].stat().st_size > 3_000_000  # the whole network


def test_a_measurement_is_positive_and_in_megabytes(monkeypatch):
    monkeypatch.setattr(flow_speed, "LONG_ENOUGH", 0)
    found = flow_speed.measure("dis, medium", 224, 1)
    assert found["seconds"] > 0 and 50 < found["megabytes"] < 50_000
