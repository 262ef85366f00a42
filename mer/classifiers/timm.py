"""Any backbone of timm on motion maps: `--classifier timm:resnet18`, or `timm` with the setting `backbone`.

Source: R. Wightman, PyTorch Image Models, 2019; each backbone has its own source, which timm names.

Maps are stretched to the size the backbone wants. Weights start random, or come from a local safetensors file
(`weights`): nothing is downloaded and nothing that is loaded can run code. The head is always new. Such
networks are made for millions of pictures and have no reason to do well on hundreds of maps; they are here to
be compared with. Their folds are trained one by one, or in processes (`mer cv --jobs`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from mer.classifiers._network import NetworkClassifier
from mer_core.errors import BadInput


class Net(nn.Module):
    """(N, C, H, W) float32, stretched to `size` px -> logits (N, classes)."""

    def __init__(self, backbone: nn.Module, size: int):
        super().__init__()
        self.backbone, self.size = backbone, size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.backbone(F.interpolate(x, (self.size, self.size), mode="bilinear", antialias=True))


class Classifier(NetworkClassifier):
    """A timm backbone; the other parameters are those of `_network.NetworkClassifier`.

    Parameters
    ----------
    backbone : str
        Its name in timm.
    weights : str
        Safetensors file of the backbone; empty for random weights.
    size : int
        Side that maps are stretched to, px.
    """

    def __init__(
        self,
        classes: Sequence[Any] | None = None,
        random_state: int = 0,
        backbone: str = "resnet18",
        weights: str = "",
        size: int = 112,
        epochs: int = 20,
        learning_rate: float = 3e-4,
        batch_size: int = 32,
        weight_decay: float = 5e-2,
        balanced: bool = True,
        device: str = "cpu",
        map_shape: tuple[int, int, int] | None = None,
    ):
        self.classes = classes
        self.random_state = random_state
        self.backbone = backbone
        self.weights = weights
        self.size = size
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.balanced = balanced
        self.device = device
        self.map_shape = map_shape

    def check_params(self) -> None:
        _check_known(self.backbone)

    def stored_params(self) -> dict[str, Any]:
        """Return the parameters without `weights`, whose values are in the state: the file is not needed
        again.
        """
        return super().stored_params() | {"weights": ""}

    def build(self, channels: int, height: int, width: int) -> nn.Module:
        import timm

        _check_known(self.backbone)
        backbone = timm.create_model(
            self.backbone,
            pretrained=False,
            in_chans=channels,
            num_classes=len(self.classes_),
        )
        if self.weights:
            _load(backbone, Path(self.weights))
        return Net(backbone, self.size)


def _check_known(name: str) -> None:
    import timm

    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name}*")[:5])
        raise BadInput(
            f"timm has no backbone called {name!r}."
            + (f" Near: {near}." if near else " See timm.list_models().")
        )


def _load(backbone: nn.Module, path: Path) -> None:
    """Fill all of `backbone` but its head from a safetensors file; every tensor must be there and fit."""
    from safetensors.torch import load_file
    from timm.models import adapt_input_conv

    try:
        tensors = load_file(str(path))
    except Exception as error:  # safetensors raises kinds of its own
        raise BadInput(
            f"The weights {path} cannot be read: {error}. A safetensors file is needed."
        ) from error
    head = {
        f"{module}.{part}"
        for module in _names(backbone.default_cfg["classifier"])
        for part in ("weight", "bias")
    }
    own = backbone.state_dict()
    for name in (f"{module}.weight" for module in _names(backbone.default_cfg.get("first_conv") or ())):
        if (
            name in own and name in tensors and tensors[name].shape[1:2] == (3,)
        ):  # made for pictures; repeated where maps have two phases
            tensors[name] = adapt_input_conv(own[name].shape[1], tensors[name])
    wrong = [
        name
        for name in own
        if name not in head and (name not in tensors or tensors[name].shape != own[name].shape)
    ]
    if wrong:
        raise BadInput(
            f"The weights {path} are not of this backbone: {len(wrong)} of {len(own)} tensors are missing or "
            f"differ. First: {wrong[0]}."
        )
    backbone.load_state_dict({name: own[name] if name in head else tensors[name] for name in own})


def _names(classifier: str | tuple[str, ...]) -> tuple[str, ...]:
    return (classifier,) if isinstance(classifier, str) else tuple(classifier)
