"""The exported model gives what torch gives."""

import numpy as np
import pytest
import skimage.data
import torch

from flow import srflownet
from flow.methods.srflownet import WEIGHTS_FOLDER
from flow.srflownet import compact
from flow.srflownet.export import export


@pytest.fixture
def frames():
    picture = skimage.data.cat().astype(np.float32).transpose(2, 0, 1)[None]
    onset = np.concatenate([picture[..., 60:124, 100:180]] * 3)
    apex = np.concatenate(
        [picture[..., 61:125, 100:180], picture[..., 60:124, 98:178], picture[..., 60:124, 100:180]]
    )
    return onset, apex


def difference(weights, path, frames):
    """The largest difference between onnxruntime and torch, px, for more pairs than the model was traced
    with.
    """
    onnxruntime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    export(weights, path, size=frames[0].shape[-2:])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, dict(zip(("onset", "apex"), frames)))
    with torch.no_grad():
        wanted = srflownet.load_network(weights)(*map(torch.from_numpy, frames))[-1].numpy()
    assert found.shape == wanted.shape and np.abs(wanted).max() > 0.5
    return np.abs(found - wanted).max()


def test_the_compact_network(tmp_path, frames, monkeypatch):
    # The same parts, repeated less: tracing takes its time.
    monkeypatch.setattr(compact, "N_CG_ITERATIONS", {8: 2, 4: 2})
    monkeypatch.setattr(compact, "SCHEDULE", ((8, 8), (2, 4), (1, 4)))
    assert difference(WEIGHTS_FOLDER / "srflownet-compact.safetensors", tmp_path / "flow.onnx", frames) < 1e-3


def test_the_full_network(tmp_path, frames):
    torch.manual_seed(0)
    network = srflownet.build_network("full", iterations=1)
    srflownet.save_weights(tmp_path / "full.safetensors", network.state_dict(), "full", {"iterations": 1})
    assert difference(tmp_path / "full.safetensors", tmp_path / "flow.onnx", frames) < 1e-3
