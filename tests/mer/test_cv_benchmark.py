"""The speed benchmark: that both ways train the same network, and that its page says what was measured."""

import torch

from mer import benchmark
from mer.classifiers.ststnet import Net


def test_the_usual_network_is_the_same_function():
    usual, net = benchmark.Usual(), Net(3, 28, 28, 3)
    with torch.no_grad():
        net.streams.weight.copy_(torch.cat([stream.weight for stream in usual.streams]))
        net.streams.bias.copy_(torch.cat([stream.bias for stream in usual.streams]))
        net.head.load_state_dict(usual.head.state_dict())
    x = torch.randn(2, 3, 28, 28)
    assert torch.allclose(usual(x), net(x), atol=1e-6)


def test_the_page_multiplies_to_a_whole_seed(monkeypatch):
    monkeypatch.setattr(benchmark, "measure", lambda: {"usual": 0.1, "loop": 0.05, "together": 0.01, "start": 2.8})
    monkeypatch.setattr(benchmark, "peak", lambda: 1e11)
    monkeypatch.setattr(benchmark, "compiling", lambda: 3.2)
    page = benchmark.page()
    assert "one fold after another | 272 | 5440 | 1.0 | 1.0 |" in page
    assert "(`mer cv`) | 30 | 547 | 9.1 | 9.9 |" in page  # 68 folds x 40 epochs x 0.01 s + 2.8 s
    assert "takes 3.2 s more" in page
