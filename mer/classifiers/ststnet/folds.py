"""Train STSTNet for all folds of one seed together: equal to `Classifier.fit` of each fold up to rounding.

Folds share most clips and, because a clip keeps its place in the order whichever subject is left out, most of
each batch. So:

- A block of folds goes through a batch together, and work that all of them share is done once.
- Centring and scaling, which each fold fits to its own clips, are folded into the filters.
- A clip outside a fold's batch has weight zero in that fold's loss, so it cannot affect that fold.
- On the CPU, the gradients of three-channel maps come from a compiled kernel (kernel.py), without numba and
  in other cases from torch.

Seeds are trained separately: each has its own order of clips, so they share nothing.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch.nn import functional as F

from mer.classifiers._network import NetworkClassifier, clip_weights
from mer.classifiers.ststnet.kernel import CHANNELS, Kernel
from mer_core.jit import HAS_NUMBA, say_what_numba_saves

BLOCK = 40  # folds trained together at most; each block is yielded before the next one starts
# Clips times folds whose gradients torch computes at once: what fits the CPU's cache, or fills a GPU.
MAX_AT_ONCE = {"cpu": 272, "cuda": 8192, "mps": 8192}

# Numbers of the folds, and their parameters stacked along the first axis.
Block = tuple[list[int], dict[str, torch.Tensor]]


class JointTraining:
    """Train all folds of one seed.

    Parameters
    ----------
    net : Net
        As it starts, the same in every fold.
    x : (N, C, H, W) float32
        Maps, not scaled.
    y : (N,) int64
    settings : NetworkClassifier
        For batch_size, learning_rate, balanced and classes_.
    orders : list of (N,) int
        Order of all clips in each epoch; a fold goes through its own clips in that order.
    device : torch.device
    """

    def __init__(
        self,
        net: torch.nn.Module,
        x: torch.Tensor,
        y: torch.Tensor,
        settings: NetworkClassifier,
        orders: list[np.ndarray],
        device: torch.device,
    ):
        self.net, self.y, self.settings, self.orders, self.device = net, y, settings, orders, device
        suits_kernel = device.type == "cpu" and x.shape[1] == CHANNELS
        if suits_kernel:
            say_what_numba_saves()
        self.clips = Kernel(x) if suits_kernel and HAS_NUMBA else TorchGradients(x, device)

    def train(
        self,
        folds: Sequence[np.ndarray],
        means: torch.Tensor,
        scales: torch.Tensor,
        on_epoch: Callable[[Block], None] | None = None,
    ) -> Iterator[Block]:
        """Yield the trained parameters, block by block.

        Parameters
        ----------
        folds : sequence of (n,) int
            Positions to fit on, one array per fold.
        means, scales : (folds, C) float32
            Of each fold's training clips.
        on_epoch : callable or None
            Called with each block after each epoch.
        """
        is_inside = np.stack([np.isin(np.arange(len(self.y)), fold) for fold in folds])
        n_batches = -(-is_inside.sum(1) // self.settings.batch_size)
        for count in np.unique(n_batches):  # folds of one block take the same number of steps
            alike = np.flatnonzero(n_batches == count)
            for block in np.array_split(alike, -(-len(alike) // BLOCK)):
                numbers = block.tolist()
                for parameters in self._train_block(is_inside[block], means[block], scales[block]):
                    if on_epoch:
                        on_epoch((numbers, parameters))
                yield numbers, parameters

    def _train_block(
        self, is_inside: np.ndarray, means: torch.Tensor, scales: torch.Tensor
    ) -> Iterator[dict[str, torch.Tensor]]:
        """Yield the parameters of a block of folds after each epoch; `is_inside` (folds, N) bool."""
        n_folds, size, device = len(is_inside), self.settings.batch_size, self.device
        start = {name: value.detach().to(device) for name, value in self.net.named_parameters()}
        parameters = {
            name: value.expand(n_folds, *value.shape).clone().requires_grad_()
            for name, value in start.items()
        }
        optimizer = torch.optim.Adam(parameters.values(), lr=self.settings.learning_rate)
        means, scales = (v.to(device)[:, None, :, None, None] for v in (means, scales))
        n_classes, balanced = len(self.settings.classes_), self.settings.balanced
        weights = torch.from_numpy(clip_weights(self.y.numpy(), is_inside, n_classes, balanced)).to(device)
        labels = self.y.to(device)
        for order in self.orders:
            ranks = is_inside[:, order].cumsum(1) - 1
            for batch in range(-(-int(is_inside[0].sum()) // size)):
                in_batch = is_inside[:, order] & (ranks // size == batch)  # (folds, N)
                in_any = in_batch.any(0)
                positions = torch.from_numpy(order[in_any]).to(device)
                in_loss = weights[:, positions] * torch.from_numpy(in_batch[:, in_any]).to(device)
                in_loss = in_loss / in_loss.sum(1, keepdim=True)
                optimizer.zero_grad(set_to_none=True)
                self.clips.backward(parameters, labels, positions, in_loss, means, scales)
                optimizer.step()
            yield {name: value.detach() for name, value in parameters.items()}


class TorchGradients:
    """The gradients in torch: for GPUs, other numbers of channels, and as the reference of the kernel.

    Parameters
    ----------
    x : (N, C, H, W) float32
        Maps, not scaled.
    device : torch.device
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
