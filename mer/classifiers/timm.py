"""Any timm backbone on motion maps: `--classifier timm:resnet18`, or `timm` with the setting `backbone`.

Source: R. Wightman, PyTorch Image Models, 2019; timm names the source of each backbone.

Maps are resized to what the backbone wants. Weights are random, or come from a local safetensors file
(`weights`): nothing is downloaded, and nothing that is loaded can run code. The head is always new. Such
networks are made for millions of pictures and are here for comparison. Folds are trained one by one, or in
processes (`mer cv --jobs`).
"""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from mer.classifiers._network import AdamWClassifier
from mer_core.dependencies import import_extra
from mer_core.errors import BadSetting, UnreadableFile


class Net(nn.Module):
    """(N, C, H, W) float32, resized to `size` px -> logits (N, n_classes)."""

    def __init__(self, backbone: nn.Module, size: int):
        super().__init__()
        self.backbone, self.size = backbone, size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.backbone(F.interpolate(x, (self.size, self.size), mode="bilinear", antialias=True))


@dataclass(eq=False, repr=False)
class Classifier(AdamWClassifier):
    """A timm backbone; the other parameters are those of `AdamWClassifier`.

    Parameters
    ----------
    backbone : str
        Its name in timm.
    weights : str
        Safetensors file of the backbone; empty for random weights.
    size : int
        Side that maps are resized to, px.
    """

    epochs: int = 20
    learning_rate: float = 3e-4
    batch_size: int = 32
    weight_decay: float = 5e-2
    backbone: str = "resnet18"
    weights: str = ""
    size: int = 112

    def check_params(self) -> None:
        _check_known(self.backbone)

    def stored_params(self) -> dict[str, Any]:
        """Return the parameters with empty `weights`, because the state holds the values of that file."""
        return super().stored_params() | {"weights": ""}

    def build(self, channels: int, height: int, width: int) -> nn.Module:
        timm = _timm()
        _check_known(self.backbone)
        backbone = timm.create_model(
            self.backbone, pretrained=False, in_chans=channels, num_classes=len(self.classes_)
        )
        if self.weights:
            _load(backbone, Path(self.weights))
        return Net(backbone, self.size)


def _check_known(name: str) -> None:
    timm = _timm()
    if not timm.is_model(name):
        similar = ", ".join(timm.list_models(f"*{name}*")[:5])
        advice = f"Similar: {similar}." if similar else "See timm.list_models()."
        raise BadSetting(f"timm has no backbone called {name!r}. {advice}")


def _timm() -> ModuleType:
    return import_extra("timm", "timm", "The classifier timm")


def _load(backbone: nn.Module, path: Path) -> None:
    """Fill all of `backbone` but its head from a safetensors file; every tensor must be there and fit."""
    from safetensors.torch import load_file
    from timm.models import adapt_input_conv

    try:
        tensors = load_file(str(path))
    except Exception as error:  # safetensors raises types of its own
        raise UnreadableFile(
            f"The weights {path} cannot be read: {error}. A safetensors file is needed."
        ) from error
    config, expected = backbone.default_cfg, backbone.state_dict()
    head = {f"{module}.{part}" for module in _as_tuple(config["classifier"]) for part in ("weight", "bias")}
    for name in (f"{module}.weight" for module in _as_tuple(config.get("first_conv") or ())):
        is_rgb = name in expected and name in tensors and tensors[name].shape[1:2] == (3,)
        if is_rgb:  # adapt to maps of another number of channels
            tensors[name] = adapt_input_conv(expected[name].shape[1], tensors[name])
    wrong = [
        name
        for name, value in expected.items()
        if name not in head and (name not in tensors or tensors[name].shape != value.shape)
    ]
    if wrong:
        raise UnreadableFile(
            f"The weights {path} are not of this backbone: {len(wrong)} of {len(expected)} tensors are "
            f"missing or differ. First: {wrong[0]}."
        )
    backbone.load_state_dict(
        {name: value if name in head else tensors[name] for name, value in expected.items()}
    )


def _as_tuple(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)
