"""A light network on levelled maps, trained for any number of folds at once.

Two 3x3 convolutions, each ReLU and max-pooling by two, and one linear layer that knows where on the face it
looks: 14 x 14 maps, 5,955 weights. Folds share every batch: a clip that a fold leaves out has
weight zero in that fold's loss, and so has a mixture that contains it. What such a clip holds cannot reach
the fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from mer.classifiers.light_net import augmentation
from mer.classifiers.mer_net.views import SIDE

FILTERS = (16, 32)
CELLS = (SIDE // 4) ** 2
BLOCK = 17  # folds trained together: their maps stay in the CPU's cache
Weights = dict[str, torch.Tensor]  # each with a first axis of folds


@dataclass(frozen=True)
class Training:
    """How the network is trained; nothing here is chosen by looking at a score.

    steps, batch, learning_rate : AdamW for a fixed number of steps, warmed up and cooled down (half a cosine
        each)
    changes : see augmentation.py;  mixup : alpha of the Beta distribution of shares, 0 for none
    smoothing : fraction of the label given to the other classes;  balanced : clips weigh N / (C N_c)
    """

    steps: int = 150
    batch: int = 64
    learning_rate: float = 3e-3
    changes: augmentation.Changes = augmentation.Changes()
    mixup: float = 0.2
    smoothing: float = 0.1
    balanced: bool = True


def train(
    maps: np.ndarray,
    y: np.ndarray,
    folds: Sequence[np.ndarray],
    classes: int,
    seed: int,
    how: Training,
    places: np.ndarray | None = None,
    total: int | None = None,
    device: torch.device | str = "cpu",
) -> Weights:
    """Return the weights of one network per fold, stacked.

    maps : (N, C, 14, 14) levelled; y : (N,) int; folds : positions to fit on
    places, total : where each clip stands in the table of all folds, and how many clips that has; for a fold
        that is trained alone and is to go through its clips in the same order and with the same changes
    """
    places, total = (np.arange(len(y)), len(y)) if places is None else (places, total)
    parts = [
        _train_block(
            torch.from_numpy(maps).to(device),
            y,
            folds[i : i + BLOCK],
            classes,
            seed,
            how,
            places,
            total,
        )
        for i in range(0, len(folds), BLOCK)
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _train_block(maps, y, folds, classes, seed, how, places, total) -> Weights:
    inside = np.stack([np.isin(np.arange(len(y)), fold) for fold in folds])
    clip_weight = torch.from_numpy(_clip_weights(y, inside, classes, how.balanced)).to(maps.device)
    start = first_weights(maps.shape[1], classes, seed)
    weights = {
        name: value.to(maps.device).expand(len(folds), *value.shape[1:]).clone().requires_grad_()
        for name, value in start.items()
    }
    optimizer = torch.optim.AdamW(weights.values(), lr=how.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, how.learning_rate, total_steps=how.steps + 1)
    targets = (
        torch.eye(classes, device=maps.device)[torch.tensor(y)] * (1 - how.smoothing)
        + how.smoothing / classes
    )
    for clips, partners, share, draws in turns(seed, how, places, total):
        x = augmentation.changed(maps[clips], draws[0], how.changes)
        target, weight = targets[clips].expand(len(folds), -1, -1), clip_weight[:, clips]
        if how.mixup:
            lam = torch.from_numpy(share).to(maps)
            x = lam[:, None, None, None] * x + (1 - lam)[:, None, None, None] * augmentation.changed(
                maps[partners], draws[1], how.changes
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


def turns(seed: int, how: Training, places: np.ndarray, total: int):
    """Yield for each step the clips of the batch, their partners to mix with, the fraction of the first, and
    the draws of both.

    Everything is drawn for all places of the table of all folds, and then kept for the clips that are there.
    """
    position = np.full(total, -1)
    position[places] = np.arange(len(places))
    step = epoch = 0
    while True:
        rng = np.random.default_rng([seed, epoch])
        order, partner = rng.permutation(total), rng.permutation(total)
        share = rng.beta(how.mixup, how.mixup, total) if how.mixup else np.ones(total)
        draws = rng.random((2, total, augmentation.DRAWS))
        for first in range(0, total, how.batch):
            if step == how.steps:
                return
            batch = order[first : first + how.batch]
            there = batch[(position[batch] >= 0) & ((position[partner[batch]] >= 0) | (how.mixup == 0))]
            yield position[there], position[partner[there]], share[there], draws[:, there]
            step += 1
        epoch += 1


def first_weights(channels: int, classes: int, seed: int) -> Weights:
    """Weights of one untrained network, decided by the seed.

    The caller's random numbers stay as they were.
    """
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
    """(folds, N, classes) for maps x (N, C, 14, 14), the same for every network."""
    folds = len(weights["head.bias"])
    x = F.conv2d(
        x, weights["first.weight"].flatten(0, 1), weights["first.bias"].flatten(), padding=1
    )  # (N, folds * 16, 14, 14)
    x = F.relu(F.max_pool2d(x, 2))
    x = F.conv2d(
        x, weights["second.weight"].flatten(0, 1), weights["second.bias"].flatten(), padding=1, groups=folds
    )
    x = F.relu(F.max_pool2d(x, 2))  # (N, folds * 32, 3, 3)
    x = x.reshape(len(x), folds, -1).transpose(0, 1)
    return torch.baddbmm(weights["head.bias"][:, None], x, weights["head.weight"].transpose(1, 2))


def _clip_weights(y: np.ndarray, inside: np.ndarray, classes: int, balanced: bool) -> np.ndarray:
    """(folds, N) float32 weight of each clip in each fold's loss, from the fold's own labels.

    0 for clips it leaves out.
    """
    if not balanced:
        return inside.astype(np.float32)
    counts = np.stack([np.bincount(y[mine], minlength=classes) for mine in inside])
    return (inside * (inside.sum(1, keepdims=True) / counts.clip(min=1))[:, y]).astype(np.float32)
