"""The network of light_net, trained for many folds at once.

Two 3x3 convolutions, each with ReLU and 2x2 max-pooling, and one linear layer, on maps of 14 x 14 cells:
5,955 weights. Folds share every batch: a clip that a fold leaves out has weight zero in that fold's loss, and
so has a mixture that contains it, so that nothing of it can reach the fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from mer.classifiers._network import clip_weights
from mer.classifiers.light_net import augmentation
from mer.classifiers.mer_net.views import SIDE

FILTERS = (16, 32)
CELLS = (SIDE // 4) ** 2
BLOCK = 17  # folds trained together, few enough for the CPU's cache
Weights = dict[str, torch.Tensor]  # each with a first axis of folds


@dataclass(frozen=True)
class Training:
    """How the network is trained; nothing here is chosen by looking at a score."""

    n_classes: int
    seed: int = 0
    steps: int = 150  # of AdamW, whose rate rises and falls by half a cosine each
    batch: int = 64
    learning_rate: float = 3e-3
    changes: augmentation.Changes = augmentation.Changes()
    mixup: float = 0.2  # alpha of the Beta distribution of mixing weights; 0 for none
    smoothing: float = 0.1  # fraction of the label given to the other classes
    balanced: bool = True  # clips weigh N / (C N_c)


def train(
    maps: np.ndarray,
    y: np.ndarray,
    folds: Sequence[np.ndarray],
    training: Training,
    places: np.ndarray | None = None,
    total: int | None = None,
    device: torch.device | str = "cpu",
) -> Weights:
    """Return the weights of one network per fold, stacked.

    Parameters
    ----------
    maps : (N, C, 14, 14) float32
        Levelled maps.
    y : (N,) int
    folds : sequence of int arrays
        Positions to fit on.
    places : (N,) int or None
        Position of each clip in the table of all folds; lets a fold that is trained alone see its clips in
        the same order and with the same changes.
    total : int or None
        Number of clips in that table.
    """
    if places is None or total is None:
        places, total = np.arange(len(y)), len(y)
    x = torch.from_numpy(maps).to(device)
    parts = [
        _train_block(x, y, folds[i : i + BLOCK], training, places, total) for i in range(0, len(folds), BLOCK)
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _train_block(
    maps: torch.Tensor,
    y: np.ndarray,
    folds: Sequence[np.ndarray],
    training: Training,
    places: np.ndarray,
    total: int,
) -> Weights:
    n_classes = training.n_classes
    is_inside = np.stack([np.isin(np.arange(len(y)), fold) for fold in folds])
    clip_weight = torch.from_numpy(clip_weights(y, is_inside, n_classes, training.balanced)).to(maps)
    start = first_weights(maps.shape[1], n_classes, training.seed)
    weights = {
        name: value.to(maps.device).expand(len(folds), *value.shape[1:]).clone().requires_grad_()
        for name, value in start.items()
    }
    optimizer = torch.optim.AdamW(weights.values(), lr=training.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, training.learning_rate, total_steps=training.steps + 1
    )
    targets = (
        torch.eye(n_classes, device=maps.device)[torch.tensor(y)] * (1 - training.smoothing)
        + training.smoothing / n_classes
    )
    for clips, partners, fraction, draws in batches(training, places, total):
        x = augmentation.augment(maps[clips], draws[0], training.changes)
        target, weight = targets[clips].expand(len(folds), -1, -1), clip_weight[:, clips]
        if training.mixup:
            lam = torch.from_numpy(fraction).to(maps)
            x = lam[:, None, None, None] * x + (1 - lam)[:, None, None, None] * augmentation.augment(
                maps[partners], draws[1], training.changes
            )
            target = lam[:, None] * target + (1 - lam)[:, None] * targets[partners]
            both = (weight > 0) & (clip_weight[:, partners] > 0)
            weight = both * (lam * weight + (1 - lam) * clip_weight[:, partners])
        loss = -(target * torch.log_softmax(logits(weights, x), 2)).sum(2) * weight
        optimizer.zero_grad(set_to_none=True)
        (loss.sum(1) / weight.sum(1).clamp(min=1e-9)).sum().backward()
        optimizer.step()
        schedule.step()
    return {name: value.detach() for name, value in weights.items()}


def batches(training: Training, places: np.ndarray, total: int):
    """Yield the clips of each batch, the clips they are mixed with, the mixing weights and the draws of both.

    Everything is drawn for all places of the table of all folds, then restricted to the clips at hand.
    """
    position = np.full(total, -1)
    position[places] = np.arange(len(places))
    step = epoch = 0
    while True:
        rng = np.random.default_rng([training.seed, epoch])
        order, partner = rng.permutation(total), rng.permutation(total)
        fraction = rng.beta(training.mixup, training.mixup, total) if training.mixup else np.ones(total)
        draws = rng.random((2, total, augmentation.DRAWS))
        for first in range(0, total, training.batch):
            if step == training.steps:
                return
            batch = order[first : first + training.batch]
            usable = batch[(position[batch] >= 0) & ((position[partner[batch]] >= 0) | (training.mixup == 0))]
            yield position[usable], position[partner[usable]], fraction[usable], draws[:, usable]
            step += 1
        epoch += 1


def first_weights(channels: int, classes: int, seed: int) -> Weights:
    """Return the initial weights for a seed; the global random state stays untouched."""
    generator = torch.Generator().manual_seed(seed)

    def layer(name: str, outputs: int, *inputs: int) -> Weights:
        scale = (6 / np.prod(inputs)) ** 0.5  # He's uniform initialisation
        return {
            f"{name}.weight": scale * (2 * torch.rand(1, outputs, *inputs, generator=generator) - 1),
            f"{name}.bias": torch.zeros(1, outputs),
        }

    return (
        layer("first", FILTERS[0], channels, 3, 3)
        | layer("second", FILTERS[1], FILTERS[0], 3, 3)
        | layer("head", classes, FILTERS[1] * CELLS)
    )


def logits(weights: Weights, x: torch.Tensor) -> torch.Tensor:
    """Return (folds, N, classes) for maps x (N, C, 14, 14), which all networks share."""
    folds = len(weights["head.bias"])
    # (N, folds * 16, 14, 14)
    x = F.conv2d(x, weights["first.weight"].flatten(0, 1), weights["first.bias"].flatten(), padding=1)
    x = F.relu(F.max_pool2d(x, 2))
    x = F.conv2d(
        x, weights["second.weight"].flatten(0, 1), weights["second.bias"].flatten(), padding=1, groups=folds
    )
    x = F.relu(F.max_pool2d(x, 2))  # (N, folds * 32, 3, 3)
    x = x.reshape(len(x), folds, -1).transpose(0, 1)
    return torch.baddbmm(weights["head.bias"][:, None], x, weights["head.weight"].transpose(1, 2))
