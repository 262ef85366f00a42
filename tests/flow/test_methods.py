"""The contract that every file in flow/methods/ keeps; a new method is tested by being there."""

import cv2
import numpy as np
import pytest
import skimage.data

from flow.benchmark.analytic_motion import SplineTexture, to_uint8
from flow.estimate import estimate, estimate_batch, load_method, method_names
from flow.methods import _batches
from flow.warp import pixel_grid
from mer_core.errors import BadSetting, NotFound, UnreadableFile

SIZE = 112  # px


@pytest.fixture(scope="module")
def face():
    """A face that can be sampled between its pixels, and a function giving its frame moved by (dx, dy) px."""
    picture = cv2.GaussianBlur(skimage.data.astronaut()[50:210, 140:300].astype(np.float32), (0, 0), 0.6)
    texture = SplineTexture(picture, np.array([[1.0, 0, 8], [0, 1.0, 8]]))

    def moved(dx=0.0, dy=0.0, noise=None, shape=(SIZE, SIZE)):
        frame = texture.sample(pixel_grid(shape) - (dx, dy))
        return to_uint8(
            frame + (0 if noise is None else np.random.default_rng(noise).normal(0, 1.5, frame.shape))
        )

    return moved


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    """Loads a method by name; RAFT gets random weights, since none may be shipped."""
    loaded = {}

    def load_once(name):
        if name not in loaded:
            options = (
                {"weights": random_raft(tmp_path_factory.mktemp("raft")), "updates": 1}
                if name == "raft"
                else {}
            )
            loaded[name] = load_method(name, **options)
        return loaded[name]

    return load_once


def random_raft(folder):
    import torch
    from safetensors.torch import save_file
    from torchvision.models.optical_flow import raft_small

    torch.manual_seed(0)
    save_file(raft_small().state_dict(), folder / "raft.safetensors")
    return folder / "raft.safetensors"


# RAFT's weights are not shipped and a network with random ones estimates nothing: it keeps the contract's
# form only.
ACCURATE = [name for name in method_names() if name != "raft"]


@pytest.mark.parametrize("name", ACCURATE)
@pytest.mark.parametrize("dx, dy", [(0.6, 0.0), (0.0, 0.6), (-0.3, 0.0), (0.0, -1.4)])
def test_a_sub_pixel_shift_comes_back_with_sign_and_size(load, face, name, dx, dy):
    flow = estimate(load(name), face(), face(dx, dy))[16:-16, 16:-16]
    assert np.median(flow[..., 0]) == pytest.approx(dx, abs=0.06)
    assert np.median(flow[..., 1]) == pytest.approx(dy, abs=0.06)


@pytest.mark.parametrize("name", ACCURATE)
def test_identical_images_do_not_move(load, face, name):
    # Farneback makes something of nothing at the frame's border, even of identical images.
    # A tenth of the smallest motion that is measured anywhere here, 0.3 px.
    assert abs(estimate(load(name), face(), face())[16:-16, 16:-16]).max() < 0.03


@pytest.mark.parametrize("name", ACCURATE)
def test_noise_alone_is_not_motion(load, face, name):
    flow = estimate(load(name), face(noise=1), face(noise=2))
    assert np.linalg.norm(flow, axis=-1).mean() < 0.15


@pytest.mark.parametrize("name", method_names())
def test_a_batch_equals_its_pairs_and_keeps_shape_and_type_at_odd_sizes(load, face, name):
    shape = (93, 111)
    onsets = np.stack([face(shape=shape), face(noise=3, shape=shape)])
    apexes = np.stack([face(0.5, 0.2, shape=shape), face(-0.4, 0.1, noise=4, shape=shape)])
    batch = estimate_batch(load(name), onsets, apexes)
    assert batch.shape == (2, *shape, 2) and batch.dtype == np.float32 and np.isfinite(batch).all()
    for i in range(2):
        np.testing.assert_array_equal(batch[i], estimate(load(name), onsets[i], apexes[i]))


def test_pairs_in_one_batch_do_not_mix(load, face, monkeypatch):
    onsets = np.stack([face(), face(noise=3)])
    apexes = np.stack([face(0.5, 0.2), face(-0.4, 0.1, noise=4)])
    alone = [estimate(load("srflownet"), *pair) for pair in zip(onsets, apexes)]
    monkeypatch.setitem(_batches.MAX_BATCH_PIXELS, "cpu", onsets[..., 0].size)
    # Sums run in another order, and the choice between candidates magnifies rounding.
    np.testing.assert_allclose(estimate_batch(load("srflownet"), onsets, apexes), alone, atol=5e-3)


@pytest.mark.parametrize("name", method_names())
def test_frames_smaller_than_a_network_likes(load, face, name):
    assert estimate(load(name), face(shape=(45, 61)), face(0.5, shape=(45, 61))).shape == (45, 61, 2)


def test_raft_needs_weights_that_are_its_own(tmp_path):
    with pytest.raises(BadSetting, match="--weights"):
        load_method("raft")
    with pytest.raises(NotFound):
        load_method("raft", weights=tmp_path / "none.pth")
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(UnreadableFile, match="text.pth"):
        load_method("raft", weights=tmp_path / "text.pth")


def test_raft_never_runs_code_in_a_pth(tmp_path):
    import torch

    marker = tmp_path / "ran"

    class Attack:
        def __reduce__(self):
            return (marker.touch, ())

    torch.save({"feature_encoder.convnormrelu.0.weight": Attack()}, tmp_path / "attack.pth")
    with pytest.raises(UnreadableFile):
        load_method("raft", weights=tmp_path / "attack.pth")
    assert not marker.exists()


def test_raft_reads_the_small_network_of_its_authors(tmp_path):
    import torch
    from torchvision.models.optical_flow import raft_large, raft_small

    from flow.methods.raft import read_network

    torch.manual_seed(0)
    tensors = raft_small().state_dict()
    as_published = {f"module.{number}": tensor for number, tensor in enumerate(tensors.values())}
    first = as_published.pop("module.0")
    torch.save({"module.fnet.conv1.weight": first} | as_published, tmp_path / "raft-small.pth")
    read = read_network(tmp_path / "raft-small.pth").state_dict()
    assert all(torch.equal(read[name], tensor) for name, tensor in tensors.items())
    large = {f"module.{number}": tensor for number, tensor in enumerate(raft_large().state_dict().values())}
    torch.save({"module.fnet.conv1.weight": large.pop("module.0")} | large, tmp_path / "raft-large.pth")
    with pytest.raises(UnreadableFile, match="raft-large.pth"):
        read_network(tmp_path / "raft-large.pth")


def test_raft_scale_keeps_the_frame(load, face, tmp_path):
    doubled = load_method("raft", weights=random_raft(tmp_path), scale=2.0, updates=1)
    assert estimate(doubled, face(shape=(67, 71)), face(shape=(67, 71))).shape == (67, 71, 2)
