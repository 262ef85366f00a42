"""What each plain network is, by hand: its streams, its recurrence, its regions, its backbone."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from data_prep.align import template_points
from data_prep.landmarks import LEFT_EYE_CORNERS, STABLE_POINTS
from mer.classifiers import htnet, off_apexnet, rcn, timm
from mer.evaluation.config import CvConfig
from mer.evaluation.estimators import resolve_classifier
from mer_core import registry
from mer_core.errors import BadArray, BadSetting, UnknownName, UnreadableFile


def test_off_apexnet_has_the_published_layers_and_passes_strain_over():
    torch.manual_seed(0)
    net, x = off_apexnet.Net(3, 28, 28, 3), torch.randn(2, 3, 28, 28)
    assert (
        net.head[0].in_features == 2 * 16 * 7 * 7
        and sum(p.numel() for p in net.parameters()) == 2 * (156 + 2416) + 1569 * 1024 + 1025 * 1024 + 3075
    )
    other = x.clone()
    other[:, 2] = 9
    assert torch.equal(net(x), net(other))
    other[:, 1] = 9
    assert not torch.allclose(net(x), net(other))
    both = off_apexnet.Net(6, 28, 28, 3)
    assert both.uv_channels == [0, 1, 3, 4] and both(torch.cat([x, x], 1)).shape == (2, 3)


def test_rcn_applies_one_convolution_again():
    torch.manual_seed(0)
    net, x = rcn.Net(3, 4, 2, 3).eval(), torch.randn(2, 3, 12, 12)
    term = net.input_conv(net.stem(x))
    state = torch.relu(term / np.sqrt(1 + 1e-5))
    for _ in range(2):  # a fresh norm divides by the root of 1 + eps
        state = torch.relu((term + net.recurrent_conv(state)) / np.sqrt(1 + 1e-5))
    assert torch.allclose(
        net(x), net.head(torch.nn.functional.adaptive_avg_pool2d(state, 3).flatten(1)), atol=1e-5
    )


def test_htnet_cuts_the_regions_where_the_template_has_eyes():
    x = torch.zeros(1, 3, 28, 28)
    # The person's left, the picture's right.
    eye = template_points(28)[[list(STABLE_POINTS).index(p) for p in LEFT_EYE_CORNERS]].mean(0)
    x[0, 0, int(eye[1]), int(eye[0])] = 1
    regions = htnet.Net(3, "aligned", 3).regions(x)
    assert regions.shape == (1, 4, 3, 14, 14) and regions[0, 1].sum() == 1
    assert regions[0, 2:].sum() == 0  # the lips are elsewhere
    for crop, centres in htnet.CENTRES.items():
        for (left, top), (x_share, y_share) in zip(htnet.Net(3, crop, 3).corners, centres):
            assert left <= 28 * x_share <= left + 14 and top <= 28 * y_share <= top + 14


def test_timm_by_variant_and_by_setting():
    named = resolve_classifier(
        CvConfig(classifier="timm:test_vit", classifier_settings={"size": 160}), 3
    ).prototype
    assert named.backbone == "test_vit" and registry.load("mer.classifiers", "timm:test_vit") is timm
    with pytest.raises(BadSetting, match="resnet18"):
        timm.Classifier(backbone="esnet18").check_params()
    for name in ("logistic:x", "timn"):
        with pytest.raises(UnknownName):
            registry.load("mer.classifiers", name)


def backbone_of(weights, *shape):
    classifier = timm.Classifier(backbone="test_resnet", weights=str(weights))
    classifier.classes_ = np.arange(3)
    return classifier.build(*shape)


def test_timm_starts_from_a_local_file(tmp_path):
    import timm as library

    torch.manual_seed(1)
    backbone = library.create_model("test_resnet", num_classes=7)
    save_file(backbone.state_dict(), str(tmp_path / "weights.safetensors"))
    net = backbone_of(tmp_path / "weights.safetensors", 3, 28, 28)
    assert all(
        torch.equal(value, backbone.state_dict()[name])
        for name, value in net.backbone.state_dict().items()
        if not name.startswith("fc.")
    )
    assert net.backbone.fc.out_features == 3
    both = backbone_of(tmp_path / "weights.safetensors", 6, 28, 28)
    first = both.backbone.state_dict()["conv1.0.weight"]
    assert torch.allclose(first, backbone.state_dict()["conv1.0.weight"].repeat(1, 2, 1, 1) / 2)
    save_file({"conv1.0.weight": torch.zeros(1)}, str(tmp_path / "other.safetensors"))
    with pytest.raises(UnreadableFile):
        backbone_of(tmp_path / "other.safetensors", 3, 28, 28)
    with pytest.raises(UnreadableFile):
        backbone_of(tmp_path / "none.safetensors", 3, 28, 28)


@pytest.mark.parametrize("name", ["off_apexnet", "rcn", "htnet", "timm"])
def test_vectors_are_refused(name):
    with pytest.raises(BadArray, match="flow_image"):
        registry.load("mer.classifiers", name).Classifier().fit(np.zeros((4, 20)), np.zeros(4, int))
