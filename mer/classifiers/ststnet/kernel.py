"""The gradients of one STSTNet step for many folds on the CPU, compiled: forward and backward in one pass.

Torch would go through memory a dozen times, and store every filter output although max-pooling keeps a ninth
of them. Here one clip goes forward and backward through the network of one fold while all values stay in
registers and the first-level cache. Each thread has folds of its own, so the number of threads does not
change the result.

    window : 3x3 positions, of which max-pooling keeps the greatest
    tile   : the 5x5 pixels of each channel that the filters see at the positions of a window
    cell   : 2x2 windows, which average-pooling joins
    kind   : first, inner or last window, by row and by column: which edges of the picture it touches

A loop over FILTERS compiles to one or two vector instructions per operation. The compiler recognises that
only in innermost loops with constant strides: hence the flat arrays and the unrolled sums.
"""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch.nn import functional as F

from mer_core.jit import cached_njit

CHANNELS, FILTERS = 3, 16  # of ststnet.Net
TAPS = 32  # the 27 pixels that a filter multiplies, padded with zeros to whole vectors
KINDS = 9

# "contract" lets a * b + c round once, as in matrix products.
inlined = cached_njit(forceinline=True, fastmath={"contract"})


class Kernel:
    """Clips in the memory layout of the kernel: x (N, 3, H, W) float32, not scaled."""

    def __init__(self, x: torch.Tensor):
        tiles = cut_tiles(x)
        h, w = tiles.shape[1:3]
        self.tiles = by_cell(tiles).flatten(2).contiguous()  # (N, windows, 75)
        patches = F.pad(cut_patches(by_cell(tiles)), (0, TAPS - 9 * CHANNELS))
        self.patches = patches.flatten(1)  # (N, windows * 9 * 32)
        row, column = (torch.tensor([0] + [1] * (side - 2) + [2]) for side in (h, w))
        self.kinds = by_cell(3 * row[None, :, None] + column)[0].contiguous()  # (windows,)
        # Which taps lie inside the picture, from the smallest picture with a window of each kind.
        smallest = torch.ones(1, 1, x.shape[2] - 3 * (h - 3), x.shape[3] - 3 * (w - 3))
        self.inside = cut_patches(cut_tiles(smallest)).reshape(KINDS * 9, 9)  # (kinds * 9 positions, taps)

    def backward(self, parameters, labels, positions, clip_weights, means, scales) -> None:
        """Add the gradients of one batch to those of `parameters`.

        Parameters
        ----------
        parameters : dict
            Those of Net, stacked along the first axis.
        labels : (N,) int64
        positions : (n,) int64
            The clips in any fold's batch.
        clip_weights : (folds, n) float32
            Weight of each of them in each fold's loss.
        means, scales : (folds, 1, 3, 1, 1) float32
        """
        n_folds, n_threads = len(clip_weights), torch.get_num_threads()
        weight = parameters["streams.weight"] / scales
        forward = weight.flatten(2).transpose(1, 2).flatten(1)  # filters side by side
        taps = F.pad(weight.flatten(2), (0, TAPS - 9 * CHANNELS)).flatten(1)  # taps of a filter side by side
        start = self.start_values(weight, parameters["streams.bias"], means)
        head = parameters["head.weight"].unflatten(2, (FILTERS, -1)).transpose(2, 3).flatten(2)
        inputs = [taps, start, head, parameters["head.bias"]]
        gradients = [torch.zeros(value.shape) for value in inputs]

        common = [value.numpy() for value in (self.tiles, self.patches, self.kinds, labels, positions)]
        by_fold = [v.detach().contiguous().numpy() for v in (clip_weights, forward, *inputs[1:], *gradients)]
        ends = np.linspace(0, n_folds, n_threads + 1).astype(int)
        with ThreadPoolExecutor(n_threads) as pool:
            futures = [
                pool.submit(_step, *common, *(value[first:last] for value in by_fold))
                for first, last in zip(ends, ends[1:])
            ]
        for future in futures:
            future.result()  # raises what the thread raised
        torch.autograd.backward(inputs, gradients)

    def start_values(self, weight: torch.Tensor, bias: torch.Tensor, means: torch.Tensor) -> torch.Tensor:
        """Return what a filter's sum over unscaled pixels starts from, (folds, 9 kinds * 9 positions * 16).

        It is the bias less what the mean contributes through taps inside the picture; -inf at a position
        outside the picture, so that it is never the maximum.
        """
        mean_part = (weight * means).sum(2).flatten(2) @ self.inside.T  # (folds, 16, 81)
        start = torch.where(self.inside[:, 4] > 0, bias[..., None] - mean_part, -math.inf)
        return start.transpose(1, 2).flatten(1)


def cut_tiles(x: torch.Tensor) -> torch.Tensor:
    """Cut (N, C, H, W) into the tiles of the max-pooling windows, (N, h, w, C, 5, 5)."""
    h, w = ((side + 2 - 3) // 3 + 1 for side in x.shape[2:])
    return F.unfold(x, 5, padding=2, stride=3).view(*x.shape[:2], 5, 5, h, w).permute(0, 4, 5, 1, 2, 3)


def cut_patches(tile: torch.Tensor) -> torch.Tensor:
    """Cut tiles (..., C, 5, 5) into the pixels that the filters see at each position, (..., 9, 9 C)."""
    return tile.unfold(-2, 3, 1).unfold(-2, 3, 1).movedim(-5, -3).flatten(-3).flatten(-3, -2)


def by_cell(windows: torch.Tensor) -> torch.Tensor:
    """Reorder windows (N, h, w, ...) cell by cell, (N, 4 * cells, ...), without those in no cell."""
    h, w = (side // 2 for side in windows.shape[1:3])
    return (
        windows[:, : 2 * h, : 2 * w].unflatten(2, (w, 2)).unflatten(1, (h, 2)).transpose(2, 3).flatten(1, 4)
    )


@cached_njit(nogil=True)
def _step(
    tiles,
    patches,
    kinds,
    labels,
    clips,
    clip_weights,
    table,
    start,
    head,
    bias,
    d_table,
    d_start,
    d_head,
    d_bias,
):
    """Add the gradients of table, start, head and bias to the last four arrays, fold by fold."""
    maxima = np.empty(len(kinds) * FILTERS, np.float32)  # maximum of each window and filter
    argmax = np.empty(len(maxima), np.uint32)  # its position
    features = np.empty(len(maxima) // 4, np.float32)
    d_features = np.empty(len(maxima) // 4, np.float32)
    for n in range(len(clips)):
        for k in range(len(clip_weights)):
            if clip_weights[k, n] > 0:
                _filter(tiles[clips[n]], kinds, table[k], start[k], maxima, argmax)
                _average(maxima, features)
                _classify(
                    features,
                    labels[clips[n]],
                    clip_weights[k, n],
                    head[k],
                    bias[k],
                    d_features,
                    d_head[k],
                    d_bias[k],
                )
                _pass_back(patches[clips[n]], kinds, maxima, argmax, d_features, d_table[k], d_start[k])


@inlined
def _filter(tiles, kinds, table, start, maxima, argmax):
    """Find the maximum of each window and filter, and its position."""
    for w in range(len(kinds)):
        x = tiles[w]
        begin = start[kinds[w] * 9 * FILTERS : (kinds[w] + 1) * 9 * FILTERS]
        for f in range(FILTERS):
            s = (begin[f], begin[FILTERS + f], begin[2 * FILTERS + f],
                 begin[3 * FILTERS + f], begin[4 * FILTERS + f], begin[5 * FILTERS + f],
                 begin[6 * FILTERS + f], begin[7 * FILTERS + f], begin[8 * FILTERS + f])  # fmt: skip
            s = _channel(s, x, 0, table, f)
            s = _channel(s, x, 25, table, 9 * FILTERS + f)
            s = _channel(s, x, 50, table, 18 * FILTERS + f)
            best, place = s[0], np.uint32(0)
            best, place = _greater(best, place, s[1], np.uint32(1))
            best, place = _greater(best, place, s[2], np.uint32(2))
            best, place = _greater(best, place, s[3], np.uint32(3))
            best, place = _greater(best, place, s[4], np.uint32(4))
            best, place = _greater(best, place, s[5], np.uint32(5))
            best, place = _greater(best, place, s[6], np.uint32(6))
            best, place = _greater(best, place, s[7], np.uint32(7))
            best, place = _greater(best, place, s[8], np.uint32(8))
            maxima[w * FILTERS + f], argmax[w * FILTERS + f] = best, place


@inlined
def _channel(s, x, i, table, j):
    """Add the nine taps of one channel to the sums at nine positions; it begins at x[i] and table[j]."""
    s = _tap(s, x, i, table[j])
    s = _tap(s, x, i + 1, table[j + FILTERS])
    s = _tap(s, x, i + 2, table[j + 2 * FILTERS])
    s = _tap(s, x, i + 5, table[j + 3 * FILTERS])
    s = _tap(s, x, i + 6, table[j + 4 * FILTERS])
    s = _tap(s, x, i + 7, table[j + 5 * FILTERS])
    s = _tap(s, x, i + 10, table[j + 6 * FILTERS])
    s = _tap(s, x, i + 11, table[j + 7 * FILTERS])
    return _tap(s, x, i + 12, table[j + 8 * FILTERS])


@inlined
def _tap(s, x, i, a):
    return (s[0] + a * x[i], s[1] + a * x[i + 1], s[2] + a * x[i + 2],
            s[3] + a * x[i + 5], s[4] + a * x[i + 6], s[5] + a * x[i + 7],
            s[6] + a * x[i + 10], s[7] + a * x[i + 11], s[8] + a * x[i + 12])  # fmt: skip


@inlined
def _greater(best, place, value, position):
    """Return the greater value; the first of equal ones, as in torch."""
    return (value, position) if value > best else (best, place)


@inlined
def _average(maxima, features):
    """Average each cell after ReLU."""
    for cell in range(len(features) // FILTERS):
        for f in range(FILTERS):
            n = 4 * cell * FILTERS + f
            total = max(maxima[n], np.float32(0)) + max(maxima[n + FILTERS], np.float32(0))
            total += max(maxima[n + 2 * FILTERS], np.float32(0)) + max(maxima[n + 3 * FILTERS], np.float32(0))
            features[cell * FILTERS + f] = np.float32(0.25) * total


@cached_njit(fastmath={"contract", "reassoc"})
def _classify(features, label, clip_weight, head, bias, d_features, d_head, d_bias):
    """Add the gradients of the weighted cross-entropy with respect to features, head and bias."""
    p = np.empty(len(bias), np.float32)
    top, total = np.float32(-np.inf), np.float32(0)
    for c in range(len(bias)):
        p[c] = bias[c]
        for i in range(len(features)):
            p[c] += features[i] * head[c, i]
        top = max(top, p[c])
    for c in range(len(bias)):
        p[c] = math.exp(p[c] - top)
        total += p[c]
    d_features[:] = 0
    for c in range(len(bias)):
        slope = clip_weight * (p[c] / total - np.float32(c == label))
        d_bias[c] += slope
        for i in range(len(features)):
            d_head[c, i] += slope * features[i]
            d_features[i] += slope * head[c, i]


@inlined
def _pass_back(patches, kinds, maxima, argmax, d_features, d_table, d_start):
    """Add the patch at each window's maximum to the filter's gradient, unless ReLU blocks it.

    The four windows of a cell go together, so that the gradients are loaded and stored once for them.
    """
    zero = np.float32(0)
    for cell in range(len(d_features) // FILTERS):
        w = 4 * cell
        for f in range(FILTERS):
            n = w * FILTERS + f
            slope = np.float32(0.25) * d_features[cell * FILTERS + f]
            slope0 = slope if maxima[n] > 0 else zero
            slope1 = slope if maxima[n + FILTERS] > 0 else zero
            slope2 = slope if maxima[n + 2 * FILTERS] > 0 else zero
            slope3 = slope if maxima[n + 3 * FILTERS] > 0 else zero
            place0, place1, place2, place3 = (
                argmax[n],
                argmax[n + FILTERS],
                argmax[n + 2 * FILTERS],
                argmax[n + 3 * FILTERS],
            )
            x0, x1, x2, x3 = (
                (9 * w + place0) * TAPS,
                (9 * w + 9 + place1) * TAPS,
                (9 * w + 18 + place2) * TAPS,
                (9 * w + 27 + place3) * TAPS,
            )
            for t in range(TAPS):
                d_table[f * TAPS + t] += (
                    slope0 * patches[x0 + t]
                    + slope1 * patches[x1 + t]
                    + slope2 * patches[x2 + t]
                    + slope3 * patches[x3 + t]
                )
            d_start[(9 * kinds[w] + place0) * FILTERS + f] += slope0
            d_start[(9 * kinds[w + 1] + place1) * FILTERS + f] += slope1
            d_start[(9 * kinds[w + 2] + place2) * FILTERS + f] += slope2
            d_start[(9 * kinds[w + 3] + place3) * FILTERS + f] += slope3
