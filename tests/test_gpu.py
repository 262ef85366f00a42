"""What a GPU must do as the CPU does it. Skipped where there is none.

Nothing else in these tests needs one.
"""

import numpy as np
import pytest
import torch

from benchmarks.gpu import TOLERANCE
from flow.estimate import estimate_batch, load_method
from flow.splatting import gsplat_backend
from flow.splatting.scenes import render_pair
from flow.srflownet import load_network
from flow.srflownet.train import TrainConfig, train
from mer.classifiers.ststnet import Classifier

DEVICE = "cuda"
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU here"),
]


def test_all_folds_at_once_are_each_fold_alone():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 30)
    X = rng.normal(0, 1, (30, 3, 28, 28)).astype(np.float32)
    X[:, :, 10:20, :10] += y[:, None, None, None]
    folds = [np.flatnonzero(np.arange(30) % 5 != k) for k in range(5)]
    settings = dict(random_state=3, epochs=4, batch_size=11)
    together = dict(Classifier(**settings, device=DEVICE).fit_folds(X, y, folds))
    for k, fold in enumerate(folds):
        for device in ("cpu", DEVICE):
            alone = Classifier(**settings, device=device).fit(X[fold], y[fold], positions=fold)
            assert np.allclose(
                together[k].predict_proba(X), alone.predict_proba(X), atol=TOLERANCE["probability"]
            )


@pytest.mark.parametrize("size", [(224, 224), (225, 190)])
def test_the_flow_is_that_of_the_processor(size):
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.uniform(0, 255, (2, 3, 30, 30)).astype(np.float32))
    smooth = torch.nn.functional.interpolate(coarse, (size[0] + 2, size[1] + 2), mode="bicubic").clamp(0, 255)
    frames = smooth.permute(0, 2, 3, 1).numpy().astype(np.uint8)
    # Moves right by 1 px.
    pairs = (
        np.ascontiguousarray(frames[:, 1:-1, 1:-1]),
        np.ascontiguousarray(frames[:, 1:-1, :-2]),
    )
    flows = [
        estimate_batch(load_method("srflownet", device, network="compact"), *pairs)
        for device in ("cpu", DEVICE)
    ]
    apart = np.linalg.norm(flows[1] - flows[0], axis=-1)
    assert np.abs(flows[0][..., 0].mean() - 1) < 0.1 and apart.mean() < TOLERANCE["flow"]
    assert apart.mean() > 0  # else one of them did not run there


def test_training_runs_in_half_precision(tmp_path):
    config = TrainConfig(
        network_settings={"width": 16},
        frame_size_px=64,
        batch_size=2,
        steps=4,
        save_every=2,
        precision="bf16",
    )
    net = load_network(train(config, tmp_path, device=DEVICE))
    assert all(torch.isfinite(tensor).all() for tensor in net.state_dict().values())


@pytest.mark.skipif(not gsplat_backend.available(), reason="gsplat is not installed")
def test_gsplat_draws_what_the_processor_draws():
    ours, theirs = (render_pair(3, 0, 128, sensor=False, gpu=gpu) for gpu in (False, True))
    assert np.abs(theirs.frame1.astype(float) - ours.frame1).mean() < 1
    assert np.linalg.norm(theirs.flow - ours.flow, axis=-1)[ours.face].mean() < 0.02
