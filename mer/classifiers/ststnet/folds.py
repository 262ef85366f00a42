"""Train STSTNet for all folds of one seed together: equal to `Classifier.fit` of each fold up to rounding.

Folds share most clips and, because a clip keeps its place in the order whichever subject is left out, most of
each batch. So:

- A block of folds goes through a batch together, and work that all of them share is done once.
- Centring and scaling, which each fold fits to its own clips, are folded into the filters.
- A clip outside a fold's batch has weight zero in that fold's loss, so it cannot affect that fold.
- On the CPU, the gradients of three-channel maps come from a compiled kernel (kernel.py), otherwise from
  torch.

Seeds are trained separately: each has its own order of clips, so they share nothing.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch.nn import functional as F

from mer.classifiers._network import NetworkClassifier
from mer.classifiers.ststnet.kernel import CHANNELS, Kernel

BLOCK = 40  # folds trained together at most; each block is yielded before the next one starts
# Clips times folds whose gradients torch computes at once: what fits the CPU's cache, or fills a GPU.
MAX_AT_ONCE = {"cpu": 272, "cuda": 8192, "mps": 8192}

# Numbers of the folds, and their parameters stacked along the first axis.
Block = tuple[list[int], dict[str, torch.Tensor]]


def train(
    net: torch.nn.Module,
    x: torch.Tensor,
    y: torch.Tensor,
    folds: Sequence[np.ndarray],
    means: torch.Tensor,
    scales: torch.Tensor,
    settings: NetworkClassifier,
    orders: list[np.ndarray],
    device: torch.device,
    on_epoch: Callable[[Block], None] | None = None,
) -> Iterator[Block]:
    """Yield the trained parameters, block by block.

    Parameters
    ----------
    net : Net
        As it starts, the same in every fold.
    x : (N, C, H, W) float32
        Maps, not scaled.
    y : (N,) int64
    folds : sequence of (n,) int
        Positions to fit on, one array per fold.
    means, scales : (folds, C) float32
        Of each fold's training clips.
    settings : NetworkClassifier
        For batch_size, learning_rate, balanced and classes_.
    orders : list of (N,) int
        Order of all clips in each epoch; a fold goes through its own clips in that order.
    device : torch.device
    on_epoch : callable or None
        Called with each block after each epoch.
    """
    is_three_channels = x.shape[1] == CHANNELS
    clips = Kernel(x) if device.type == "cpu" and is_three_channels else TorchGradients(x, device)
    is_inside = np.stack([np.isin(np.arange(len(y)), fold) for fold in folds])
    n_batches = -(-is_inside.sum(1) // settings.batch_size)
    for count in np.unique(n_batches):  # folds of one block take the same number of steps
        alike = np.flatnonzero(n_batches == count)
        for block in np.array_split(alike, -(-len(alike) // BLOCK)):
            numbers = block.tolist()
            by_epoch = _train_block(
                net, clips, y, is_inside[block], means[block], scales[block], settings, orders, device
            )
            for parameters in by_epoch:
                if on_epoch:
                    on_epoch((numbers, parameters))
            yield numbers, parameters


def _train_block(
    net: torch.nn.Module,
    clips: "Kernel | TorchGradients",
    y: torch.Tensor,
    is_inside: np.ndarray,
    means: torch.Tensor,
    scales: torch.Tensor,
    settings: NetworkClassifier,
    orders: list[np.ndarray],
    device: torch.device,
) -> Iterator[dict[str, torch.Tensor]]:
    """Yield the parameters of a block of folds after each epoch; `is_inside` (folds, N) bool."""
    n_folds, size = len(is_inside), settings.batch_size
    start = {name: value.detach().to(device) for name, value in net.named_parameters()}
    parameters = {
        name: value.expand(n_folds, *value.shape).clone().requires_grad_() for name, value in start.items()
    }
    optimizer = torch.optim.Adam(parameters.values(), lr=settings.learning_rate)
    means, scales = (v.to(device)[:, None, :, None, None] for v in (means, scales))
    weights = torch.from_numpy(_clip_weights(y.numpy(), is_inside, settings)).float().to(device)
    labels = y.to(device)
    for order in orders:
        ranks = is_inside[:, order].cumsum(1) - 1
        for batch in range(-(-int(is_inside[0].sum()) // size)):
            in_batch = is_inside[:, order] & (ranks // size == batch)  # (folds, N)
            positions = torch.from_numpy(order[in_batch.any(0)]).to(device)
            clip_weights = weights[:, positions] * torch.from_numpy(in_batch[:, in_batch.any(0)]).to(device)
            clip_weights = clip_weights / clip_weights.sum(1, keepdim=True)
            optimizer.zero_grad(set_to_none=True)
            clips.backward(parameters, labels, positions, clip_weights, means, scales)
            optimizer.step()
        yield {name: value.detach() for name, value in parameters.items()}


def _clip_weights(y: np.ndarray, is_inside: np.ndarray, settings: NetworkClassifier) -> np.ndarray:
    """Return the weight of each clip in each fold's loss, (folds, N); 0 for held-out clips."""
    if not settings.balanced:
        return is_inside.astype(np.float64)
    counts = np.stack([np.bincount(y[inside], minlength=len(settings.classes_)) for inside in is_inside])
    return is_inside * (is_inside.sum(1, keepdims=True) / counts.clip(min=1))[:, y]


class TorchGradients:
    """The gradients in torch: for GPUs, other numbers of channels, and as the reference of the kernel.

    x : (N, C, H, W) float32, not scaled
    """

    def __init__(self, x: torch.Tensor, device: torch.device):
        self.size = x.shape[2:]
        # A channel of ones, zero-padded as the others, subtracts the mean only inside the picture.
        x = torch.cat([x, torch.ones_like(x[:, :1])], 1)
        patches = F.unfold(x, 3, padding=1).transpose(1, 2)
        self.patches = patches.contiguous().to(device)  # (N, H * W, 9 C + 9)

    def backward(self, parameters, labels, positions, clip_weights, means, scales) -> None:
        """Add the gradients of one batch to those of `parameters`, a few clips at a time.

        Parameters are those of `Kernel.backward`.
        """
        n_folds = len(clip_weights)
        n_clips = max(1, MAX_AT_ONCE[self.patches.device.type] // n_folds)
        for part, part_weights in zip(positions.split(n_clips), clip_weights.split(n_clips, dim=1)):
            weight = parameters["streams.weight"] / scales
            with_mean = torch.cat([weight, -(weight * means).sum(2, keepdim=True)], 2)
            filters = with_mean.flatten(2).permute(2, 0, 1).flatten(1)  # (9 C + 9, folds * 16)
            maps = self.patches[part] @ filters + parameters["streams.bias"].flatten()
            maps = maps.unflatten(1, self.size).permute(0, 3, 1, 2)  # (n, folds * 16, H, W)
            pooled = F.avg_pool2d(F.relu(F.max_pool2d(maps, 3, 3, padding=1)), 2)
            features = pooled.unflatten(1, (n_folds, -1)).transpose(0, 1).flatten(2)  # (folds, n, 400)
            logits = torch.baddbmm(
                parameters["head.bias"][:, None], features, parameters["head.weight"].transpose(1, 2)
            )
            truth = labels[part].repeat(n_folds)
            losses = F.cross_entropy(logits.flatten(0, 1), truth, reduction="none").view(n_folds, -1)
            (losses * part_weights).sum().backward()
