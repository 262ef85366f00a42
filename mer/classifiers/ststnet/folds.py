"""STSTNet for every fold of one seed in one pass: what `Classifier.fit` does fold after fold, to rounding,
many times faster.

Folds differ in which clips they leave out, and hardly in anything else: they share their clips and, because
every clip keeps its place in the order whoever is left out, almost all of each batch. So:

- A block of folds goes through a batch together, and whatever is done to a clip for all of them is done once.
- Centring and scaling, which each fold fits to its own clips, are joined to the filters instead of done to
  the clips.
- A clip that is not in a fold's batch has weight zero in that fold's loss. What it holds cannot reach that
  fold.
- The gradients of a batch come from a kernel written for the CPU and three channels (kernel.py), else
  from torch.

Seeds are passes of their own: each has its own order of clips, so that nothing could be shared.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch.nn import functional as F

from mer.classifiers.ststnet.kernel import CHANNELS, Kernel

BLOCK = 40  # folds trained together at most; the next block starts when this one is saved
AT_ONCE = {
    "cpu": 272,
    "cuda": 8192,
    "mps": 8192,
}  # clips times folds between two sums of gradients in torch: what fits the cache, or fills the card

Block = tuple[
    list[int], dict[str, torch.Tensor]
]  # numbers of folds, and their parameters stacked along the first axis


def train(
    net: torch.nn.Module,
    x,
    y,
    folds,
    means,
    scales,
    settings,
    orders,
    device,
    on_epoch: Callable[[Block], None] | None = None,
) -> Iterator[Block]:
    """Yield for each block of folds their numbers and their trained parameters, stacked along the first axis.

    net : Net as it starts, the same in every fold;  x : (N, C, H, W) float, as given;  y : (N,) int64
    folds : positions to fit on, one array per fold;  means, scales : (folds, C), as float as x
    orders : for each epoch the N clips in order; a fold goes through its own clips in that order, in batches
    settings : the classifier, for its batch_size, learning_rate, balanced and classes_
    on_epoch : is called with each block as it stands after each epoch
    """
    size = settings.batch_size
    laid_out = Kernel(x) if device.type == "cpu" and x.shape[1] == CHANNELS else InTorch(x, device)
    inside = np.stack([np.isin(np.arange(len(y)), fold) for fold in folds])
    batches = -(-inside.sum(1) // size)
    for count in np.unique(
        batches
    ):  # folds of one block take their steps together, so they must have as many
        alike = np.flatnonzero(batches == count)
        for block in np.array_split(alike, -(-len(alike) // BLOCK)):
            numbers = block.tolist()
            epochs = _train_block(
                net, laid_out, y, inside[block], means[block], scales[block], settings, orders, device
            )
            for trained in epochs:
                if on_epoch:
                    on_epoch((numbers, trained))
            yield numbers, trained


def _train_block(
    net, laid_out, y, inside, means, scales, settings, orders, device
) -> Iterator[dict[str, torch.Tensor]]:
    """Yield the parameters of a block of folds as they stand after each epoch."""
    folds, size = len(inside), settings.batch_size
    start = {name: value.detach().to(device) for name, value in net.named_parameters()}
    parameters = {
        name: value.expand(folds, *value.shape).clone().requires_grad_() for name, value in start.items()
    }
    optimizer = torch.optim.Adam(parameters.values(), lr=settings.learning_rate)
    means, scales = (v.to(device)[:, None, :, None, None] for v in (means, scales))
    weights = torch.from_numpy(_weights(y.numpy(), inside, settings)).float().to(device)
    labels = y.to(device)
    for order in orders:
        ranks = inside[:, order].cumsum(1) - 1
        for batch in range(-(-int(inside[0].sum()) // size)):
            chosen = inside[:, order] & (ranks // size == batch)  # (folds, N)
            clips = torch.from_numpy(order[chosen.any(0)]).to(device)
            share = weights[:, clips] * torch.from_numpy(chosen[:, chosen.any(0)]).to(device)
            share = share / share.sum(1, keepdim=True)
            optimizer.zero_grad(set_to_none=True)
            laid_out.backward(parameters, labels, clips, share, means, scales)
            optimizer.step()
        yield {name: value.detach() for name, value in parameters.items()}


def _weights(y: np.ndarray, inside: np.ndarray, settings) -> np.ndarray:
    """(folds, N) weight of each clip in each fold's loss, from the fold's own counts of labels; 0 for clips
    it leaves out.
    """
    if not settings.balanced:
        return inside.astype(np.float64)
    counts = np.stack([np.bincount(y[mine], minlength=len(settings.classes_)) for mine in inside])
    return inside * (inside.sum(1, keepdims=True) / counts.clip(min=1))[:, y]


class InTorch:
    """Clips laid out for torch: for GPUs and other than three channels, and what the kernel is
    tested against.

    x : (N, C, H, W) float32, as given
    """

    def __init__(self, x: torch.Tensor, device: torch.device):
        self.size = x.shape[2:]
        x = torch.cat(
            [x, torch.ones_like(x[:, :1])], 1
        )  # the ones take the mean off again, and only inside the picture
        self.patches = (
            F.unfold(x, 3, padding=1).transpose(1, 2).contiguous().to(device)
        )  # (N, H * W, 9 C + 9)

    def backward(self, parameters, labels, clips, share, means, scales) -> None:
        """Add to the gradients of `parameters` those of the loss of one batch, a few clips at a time: see
        `Kernel.backward`.
        """
        folds, at_once = len(share), max(1, AT_ONCE[self.patches.device.type] // len(share))
        for few, part in zip(clips.split(at_once), share.split(at_once, dim=1)):
            weight = parameters["streams.weight"] / scales
            table = (
                torch.cat([weight, -(weight * means).sum(2, keepdim=True)], 2)
                .flatten(2)
                .permute(2, 0, 1)
                .flatten(1)
            )
            maps = (
                self.patches[few] @ table + parameters["streams.bias"].flatten()
            )  # (few, H * W, folds * 16)
            pooled = F.relu(F.max_pool2d(maps.unflatten(1, self.size).permute(0, 3, 1, 2), 3, 3, padding=1))
            features = (
                F.avg_pool2d(pooled, 2).unflatten(1, (folds, -1)).transpose(0, 1).flatten(2)
            )  # (folds, few, 400)
            logits = torch.baddbmm(
                parameters["head.bias"][:, None], features, parameters["head.weight"].transpose(1, 2)
            )
            losses = F.cross_entropy(logits.flatten(0, 1), labels[few].repeat(folds), reduction="none").view(
                folds, -1
            )
            (losses * part).sum().backward()
