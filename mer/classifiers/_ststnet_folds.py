"""STSTNet for every fold of one seed in one pass: what `Classifier.fit` does fold after fold, to rounding, many times faster.

Folds differ in which clips they leave out, and hardly in anything else: they share their clips and, because every clip
keeps its place in the order whoever is left out, almost all of each batch. So:

- The first layer of all folds is one matrix product of the patches of a clip with the filters of all folds side by side.
  Centring and scaling, which each fold fits to its own clips, are joined to the filters instead of done to the clips.
- Only the greatest of nine positions passes max-pooling, so the gradient of the filters is a weighted sum of a ninth of
  the patches: a lookup of embeddings, with a ninth of the arithmetic of a convolution's backward pass.
- A clip that is not in a fold's batch has weight zero in that fold's loss. What it holds cannot reach that fold.
- Gradients are summed over a few clips at a time, so that all intermediate values stay in the processor's cache.

Seeds are passes of their own: each has its own order of clips, so that nothing could be shared.
"""

from typing import Callable, Iterator

import numpy as np
import torch
from torch.nn import functional as F

BLOCK = 40  # folds trained together at most; the next block starts when this one is saved
AT_ONCE = {"cpu": 272, "cuda": 8192}  # clips times folds between two sums of gradients: what fits the cache, or fills the card

Block = tuple[list[int], dict[str, torch.Tensor]]  # numbers of folds, and their parameters stacked along the first axis


def train(net: torch.nn.Module, x, y, folds, means, scales, settings, orders, device, watch: Callable[[Block], None] | None = None) -> Iterator[Block]:
    """Yield for each block of folds their numbers and their trained parameters, stacked along the first axis.

    net : Net as it starts, the same in every fold;  x : (N, C, H, W) float, as given;  y : (N,) int64
    folds : positions to fit on, one array per fold;  means, scales : (folds, C), as float as x
    orders : for each epoch the N clips in order; a fold goes through its own clips in that order, in batches
    watch : is shown each block as it stands after each epoch
    """
    size = settings["batch_size"]
    patches = unfolded(x).to(device)
    inside = np.stack([np.isin(np.arange(len(y)), fold) for fold in folds])
    batches = -(-inside.sum(1) // size)
    for count in np.unique(batches):  # folds of one block take their steps together, so they must have as many
        alike = np.flatnonzero(batches == count)
        for block in np.array_split(alike, -(-len(alike) // BLOCK)):
            numbers = block.tolist()
            epochs = _train_block(net, patches, x.shape, y, inside[block], means[block], scales[block], settings, orders, device)
            for trained in epochs:
                if watch:
                    watch((numbers, trained))
            yield numbers, trained


def _train_block(net, patches, shape, y, inside, means, scales, settings, orders, device) -> Iterator[dict[str, torch.Tensor]]:
    """Yield the parameters of a block of folds as they stand after each epoch."""
    folds, size = len(inside), settings["batch_size"]
    start = {name: value.detach().to(device, patches.dtype) for name, value in net.named_parameters()}
    parameters = {name: value.expand(folds, *value.shape).clone().requires_grad_() for name, value in start.items()}
    optimizer = torch.optim.Adam(parameters.values(), lr=settings["learning_rate"])
    means, scales = (v.to(device)[:, None, :, None, None] for v in (means, scales))
    weights = torch.from_numpy(_weights(y.numpy(), inside, settings)).to(device, patches.dtype)
    labels = y.to(device)
    for order in orders:
        ranks = inside[:, order].cumsum(1) - 1
        for batch in range(-(-int(inside[0].sum()) // size)):
            chosen = inside[:, order] & (ranks // size == batch)  # (folds, N)
            clips = torch.from_numpy(order[chosen.any(0)]).to(device)
            share = weights[:, clips] * torch.from_numpy(chosen[:, chosen.any(0)]).to(device)
            share = share / share.sum(1, keepdim=True)
            optimizer.zero_grad(set_to_none=True)
            _backward(parameters, patches, shape, labels, clips, share, means, scales)
            optimizer.step()
        yield {name: value.detach() for name, value in parameters.items()}


def _backward(parameters, patches, shape, labels, clips, share, means, scales) -> None:
    """Add to the gradients of `parameters` those of the loss of one batch, a few clips at a time.

    clips : positions of the clips in any fold's batch;  share : (folds, clips), what each adds to each fold's loss
    """
    folds, at_once = len(share), max(1, AT_ONCE[patches.device.type] // len(share))
    joined = filters(parameters["streams.weight"], parameters["streams.bias"], means, scales)
    table, corners = (value.detach().requires_grad_() for value in joined)
    head = parameters["head.weight"].transpose(1, 2)
    halved = halving(*shape[2:]).to(patches)
    step = 1 if patches.device.type == "cpu" else at_once  # clips whose unpooled maps exist at one time
    room = patches.new_empty(step * patches.shape[1], table.shape[1])  # taken once: fresh memory costs more than the product
    for few, part in zip(clips.split(at_once), share.split(at_once, dim=1)):
        pooled = Pooled.apply(table, corners, patches[few], shape[2], shape[3], room)
        features = F.relu(pooled).flatten(0, 1) @ halved  # (folds * 16 * few, 25)
        features = features.view(folds, -1, len(few), halved.shape[1]).transpose(1, 2).flatten(2)  # (folds, few, 400)
        logits = torch.baddbmm(parameters["head.bias"][:, None], features, head)  # (folds, few, classes)
        truth = labels[few].expand(folds, -1).reshape(-1)
        losses = F.cross_entropy(logits.flatten(0, 1), truth, reduction="none").view(folds, -1)
        (losses * part).sum().backward()
    torch.autograd.backward(joined, (table.grad, corners.grad))


def _weights(y: np.ndarray, inside: np.ndarray, settings: dict) -> np.ndarray:
    """(folds, N) weight of each clip in each fold's loss, from the fold's own counts of labels; 0 for clips it leaves out."""
    if not settings["balanced"]:
        return inside.astype(np.float64)
    counts = np.stack([np.bincount(y[mine], minlength=settings["classes"]) for mine in inside])
    return inside * (inside.sum(1, keepdims=True) / counts.clip(min=1))[:, y]


def unfolded(x: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) -> (N, H * W, 9 C + 5): the 3x3 patch around each pixel, 1, and whether it lies at the top, bottom, left, right."""
    n, _, height, width = x.shape
    edges = x.new_zeros(5, height, width)
    edges[0] = edges[1, 0] = edges[2, -1] = edges[3, :, 0] = edges[4, :, -1] = 1
    return torch.cat([F.unfold(x, 3, padding=1), edges.flatten(1).expand(n, -1, -1)], 1).transpose(1, 2).contiguous()


def filters(weight: torch.Tensor, bias: torch.Tensor, means: torch.Tensor, scales: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Filters for values as given, equal to `weight` for centred and scaled values with zeros around the picture.

    weight : (folds, 16, C, 3, 3);  bias : (folds, 16);  means, scales : (folds, 1, C, 1, 1)
    returns (9 C + 5, folds * 16), to multiply `unfolded` with, and (4, folds * 16), to add at the corner pixels: at an edge
    the mean of what lies outside must not be taken off, and at a corner two edges have counted one value twice
    """
    scaled = weight / scales
    off = (scaled * means).sum(2)  # (folds, 16, 3, 3): what the mean of each tap takes off
    sides = [off[..., 0, :], off[..., 2, :], off[..., :, 0], off[..., :, 2]]
    edges = torch.stack([bias - off.sum((2, 3)), *(side.sum(2) for side in sides)]).flatten(1)
    corners = -torch.stack([off[..., i, j] for i in (0, 2) for j in (0, 2)]).flatten(1)
    return torch.cat([scaled.flatten(2).permute(2, 0, 1).flatten(1), edges]), corners


def halving(height: int, width: int) -> torch.Tensor:
    """Average-pooling 2/2 of the max-pooled picture as a matrix, (h * w, h // 2 * w // 2)."""
    h, w = ((side + 2 - 3) // 3 + 1 for side in (height, width))
    return F.avg_pool2d(torch.eye(h * w).view(-1, h, w), 2).flatten(1)


class Pooled(torch.autograd.Function):
    """Filters and max-pooling (3, stride 3, padding 1) of a few clips: (folds * 16, few, h * w)."""

    @staticmethod
    def forward(ctx, table, corners, patches, height, width, room):
        few, pixels = patches.shape[:2]
        h, w = ((side + 2 - 3) // 3 + 1 for side in (height, width))
        pooled = patches.new_empty(table.shape[1], few, h * w)
        rows = torch.empty(pooled.shape, dtype=torch.int32, device=pooled.device)  # of `patches`, flattened over clips and pixels
        step = len(room) // pixels
        for i in range(0, few, step):
            some = patches[i : i + step]
            maps = torch.mm(some.flatten(0, 1), table, out=room[: len(some) * pixels]).view(len(some), height, width, -1)
            maps[:, [0, 0, -1, -1], [0, -1, 0, -1]] += corners
            highest, place = F.max_pool2d(maps.permute(0, 3, 1, 2), 3, 3, padding=1, return_indices=True)
            # Turned clip by clip, while it is still in the cache.
            pooled[:, i : i + step], rows[:, i : i + step] = (value.flatten(2).transpose(0, 1) for value in (highest, place))
        first = pixels * torch.arange(few, dtype=torch.int32, device=pooled.device)
        rows += first[:, None]
        ctx.save_for_backward(patches, rows)
        ctx.windows = h, w
        ctx.corners = first[:, None] + torch.tensor([0, width - 1, pixels - width, pixels - 1], dtype=torch.int32, device=first.device)
        return pooled

    @staticmethod
    def backward(ctx, gradient):
        patches, rows = ctx.saved_tensors
        table = F.embedding_bag(rows.flatten(1), patches.flatten(0, 1), per_sample_weights=gradient.flatten(1), mode="sum").T
        windows = [0, ctx.windows[1] - 1, -ctx.windows[1], -1]  # the only ones that a corner pixel can win
        won = torch.stack([rows[:, :, i] == ctx.corners[:, k] for k, i in enumerate(windows)])
        there = torch.stack([gradient[:, :, i] for i in windows])
        return table, (won * there).sum(2), None, None, None, None
