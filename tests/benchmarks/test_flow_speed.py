"""The speed table says what was measured, and every row can be loaded."""

import pytest
import torch

from benchmarks import flow_speed, gpu
from flow.estimate import load_method
from mer_core.errors import BadInput


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


def test_pairs_per_second_on_a_card_are_measured_with_the_rows_network(monkeypatch):
    monkeypatch.setattr(gpu, "ROUNDS", 2)
    rate = gpu.measure("srflownet, compact", 32, 40, 2, torch.device("cpu"))
    text = gpu.page(
        {("srflownet, compact", call): rate if call[0] < 1000 else 0.0 for call in gpu.CALLS}, "a card"
    )
    assert rate > 0 and f"| srflownet, compact | {rate:.1f} | {rate:.1f} | out of memory |" in text


def test_without_a_card_the_reader_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadInput, match="no usable GPU"):
        gpu.main(["--out", str(tmp_path / "a.md")], standalone_mode=False)
    assert not list(tmp_path.iterdir())
