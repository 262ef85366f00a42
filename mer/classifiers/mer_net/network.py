"""A light network on levelled maps, trained for any number of folds at once.

Two 3x3 convolutions, each ReLU and max-pooling by two, and one linear layer that knows where on the face it looks: 14 x 14 maps,
5,955 weights for one phase. Folds share every batch: a clip that a fold leaves out has weight zero in that fold's loss, and so has a mixture
that contains it. What such a clip holds cannot reach the fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from mer.classifiers.mer_net import augmentation
from mer.classifiers.mer_net.levelling import SIDE
from mer_core.errors import BadInput

FILTERS = (16, 32)
CELLS = (SIDE // 4) ** 2
BLOCK = 17  # folds trained together: their maps stay in the processor's cache
FROZEN = (
    Path(__file__).parent / "weights"
)  # of networks fitted on synthetic motion, see benchmarks/pretrain.py
Weights = dict[str, torch.Tensor]  # each with a first axis of folds


@dataclass(frozen=True)
class Training:
    """How the network is trained; nothing here is chosen by looking at a score.

    steps, batch, learning_rate : AdamW for a fixed number of steps, warmed up and cooled down (half a cosine each)
    changes : see mer/classifiers/mer_net/augmentation.py;  mixup : alpha of the Beta distribution of shares, 0 for none
    smoothing : share of the label given to the other classes;  balanced : clips weigh N / (C N_c)
    weight_decay : of AdamW;  average : decay of the running mean of the weights, which is what is kept; 0 keeps the last ones
    """

    steps: int = 150
    batch: int = 64
    learning_rate: float = 3e-3
    changes: augmentation.Changes = augmentation.Changes()
    mixup: float = 0.2
    smoothing: float = 0.1
    balanced: bool = True
    weight_decay: float = 1e-2
    average: float = 0.98


def train(
    maps: np.ndarray,
    y: np.ndarray,
    folds: Sequence[np.ndarray],
    classes: int,
    seed: int,
    how: Training,
    start: Weights | None = None,
    places: np.ndarray | None = None,
    total: int | None = None,
    device: torch.device | str = "cpu",
) -> Weights:
    """Return the weights of one network per fold, stacked.

    maps : (N, C, 14, 14) levelled, three channels for each phase; y : (N,) int; folds : positions to fit on
    start : weights of one network to go on from (first axis 1); those that know fewer channels give the others no say to begin with
    places, total : where each clip stands in the table of all folds, and how many clips that has; for a fold that is trained alone
        and is to go through its clips in the same order and with the same changes
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
            start,
            places,
            total,
        )
        for i in range(0, len(folds), BLOCK)
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _train_block(maps, y, folds, classes, seed, how, start, places, total) -> Weights:
    inside = np.stack([np.isin(np.arange(len(y)), fold) for fold in folds])
    clip_weight = torch.from_numpy(_clip_weights(y, inside, classes, how.balanced)).to(maps.device)
    start = (
        first_weights(maps.shape[1], classes, seed) if start is None else with_channels(start, maps.shape[1])
    )
    weights = {
        name: value.to(maps.device).expand(len(folds), *value.shape[1:]).clone().requires_grad_()
        for name, value in start.items()
    }
    running = {name: value.detach().clone() for name, value in weights.items()}
    optimizer = torch.optim.AdamW(weights.values(), lr=how.learning_rate, weight_decay=how.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, how.learning_rate, total_steps=how.steps + 1)
    targets = (
        torch.eye(classes, device=maps.device)[torch.tensor(y)] * (1 - how.smoothing)
        + how.smoothing / classes
    )
    for step, (clips, partners, share, draws) in enumerate(turns(seed, how, places, total)):
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
        decay = min(how.average, step / (step + 1))
        with torch.no_grad():
            for name, value in weights.items():
                running[name].lerp_(value, 1 - decay)
    return running


def turns(seed: int, how: Training, places: np.ndarray, total: int):
    """Yield for each step the clips of the batch, their partners to mix with, the share of the first, and the draws of both.

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
    """Weights of one untrained network, decided by the seed; the caller's random numbers stay as they were."""
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


def frozen(name: str) -> Weights:
    """The weights of one network that was fitted on synthetic motion. Raises `BadInput` for a name without any."""
    path = FROZEN / f"synthetic-{name}.safetensors"
    if not path.is_file():
        known = ", ".join(
            sorted(file.stem.removeprefix("synthetic-") for file in FROZEN.glob("synthetic-*.safetensors"))
        )
        raise BadInput(
            f"There are no frozen weights called {name!r}. Known: {known or 'none'}. Make them with: python -m benchmarks.pretrain --crop {name}"
        )
    return {key.removeprefix("network0."): value for key, value in load_file(path).items()}


def with_channels(weights: Weights, channels: int) -> Weights:
    """The same network for maps of more channels, of which it does not use the further ones."""
    return {
        **weights,
        "first.weight": F.pad(
            weights["first.weight"], (0, 0, 0, 0, 0, channels - weights["first.weight"].shape[2])
        ),
    }


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
    """(folds, N) float32 weight of each clip in each fold's loss, from the fold's own labels; 0 for clips it leaves out."""
    if not balanced:
        return inside.astype(np.float32)
    counts = np.stack([np.bincount(y[mine], minlength=classes) for mine in inside])
    return (inside * (inside.sum(1, keepdims=True) / counts.clip(min=1))[:, y]).astype(np.float32)
