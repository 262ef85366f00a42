"""The speed benchmark: that both ways train the same network, and that its page says what was measured."""

import torch

from benchmarks import fold_speed
from mer.classifiers.ststnet import Net


def test_the_usual_network_is_the_same_function():
    usual, net = fold_speed.Usual(), Net(3, 28, 28, 3)
    with torch.no_grad():
        net.streams.weight.copy_(torch.cat([stream.weight for stream in usual.streams]))
        net.streams.bias.copy_(torch.cat([stream.bias for stream in usual.streams]))
        net.head.load_state_dict(usual.head.state_dict())
    x = torch.randn(2, 3, 28, 28)
    assert torch.allclose(usual(x), net(x), atol=1e-6)


def test_the_page_multiplies_to_a_whole_seed(monkeypatch):
    monkeypatch.setattr(
        fold_speed, "measure", lambda: {"usual": 0.1, "loop": 0.05, "together cpu": 0.01, "start cpu": 2.8}
    )
    monkeypatch.setattr(fold_speed, "peak", lambda: 1e11)
    monkeypatch.setattr(fold_speed, "compiling", lambda: 3.2)
    page = fold_speed.page()
    assert "one fold after another | 272 | 5440 | 1.0 | 1.0 |" in page
    assert "(`mer cv`) | 30 | 547 | 9.1 | 9.9 |" in page  # 68 folds x 40 epochs x 0.01 s + 2.8 s
    assert "3.2 s more" in page
    assert "no GPU" in page
    with_card = {
        "usual": 0.1,
        "loop": 0.05,
        "together cpu": 0.01,
        "start cpu": 2.8,
        "together cuda": 0.001,
        "start cuda": 1.0,
    }
    monkeypatch.setattr(fold_speed, "measure", lambda: with_card)
    assert "(`device: cuda` in the configuration) | 4 | 55 | 73.1 | 98.2 |" in fold_speed.page()


def test_each_way_is_timed_on_each_device(monkeypatch):
    for name, value in {"SUBJECTS": 3, "CLIPS": 9, "SIDE": 12}.items():
        monkeypatch.setattr(fold_speed, name, value)
    for name in ("usual", "loop"):
        monkeypatch.setattr(fold_speed, name, lambda X, y, folds, epochs: 6.0 * len(folds) * epochs)
    monkeypatch.setattr(
        fold_speed,
        "together",
        lambda X, y, folds, epochs, device="cpu": 2.0 + (3.0 if device == "cpu" else 1.5) * epochs,
    )
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    found = fold_speed.measure()
    assert found == {
        "usual": 6.0,
        "loop": 6.0,
        "together cpu": 1.0,
        "start cpu": 2.0,
        "together cuda": 0.5,
        "start cuda": 2.0,
    }
