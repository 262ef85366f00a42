"""Both networks are one graph to `torch.compile`, which gives the same motion and the same gradients.

The backend here runs the captured graph as it is: what is tested is that nothing in the networks breaks it.
Compiling to machine code takes minutes on a CPU, and is what `compiled: true` asks for in a training.
"""

import pytest
import torch

from flow import srflownet
from flow.srflownet import compact


@pytest.mark.parametrize("name, settings", [("compact", {"width": 16}), ("full", {"iterations": 1})])
def test_a_network_is_one_graph(name, settings, monkeypatch):
    # The same parts, repeated less: capturing takes its time.
    monkeypatch.setattr(compact, "N_CG_ITERATIONS", {8: 1, 4: 1})
    monkeypatch.setattr(compact, "SCHEDULE", ((8, 8), (1, 4)))
    torch.manual_seed(0)
    network = srflownet.build_network(name, **settings).eval()
    frames = torch.rand(2, 1, 3, 64, 96) * 255

    def run(called):
        network.zero_grad()
        motion = called(*frames)[-1]
        motion.abs().mean().backward()
        return motion.detach(), torch.cat(
            [p.grad.flatten() for p in network.parameters() if p.grad is not None]
        )

    captured = run(torch.compile(network, backend="eager", fullgraph=True))  # a break in the graph raises
    motion, gradient = run(network)
    assert motion.abs().max() > 1e-3 and gradient.norm() > 0
    assert torch.allclose(captured[0], motion, atol=1e-5) and torch.allclose(
        captured[1], gradient, rtol=1e-4, atol=1e-7
    )
