"""The gradients of a step of STSTNet for many folds on the CPU: filters, pooling, loss and the way back
in one go.

Torch would pass over memory a dozen times, and write every sum of the filters for only a ninth of them to
survive max-pooling. Here one fold follows one clip through the whole network and back, and all that the two
have in common lies in registers and the nearest cache meanwhile. Each thread has folds of its own, so that
their number changes no result.

    window : 3x3 pixels, its positions, of which max-pooling keeps the greatest
    tile   : the 5x5 pixels of each channel that the filters at these positions see
    cell   : 2x2 windows, of which average-pooling makes one
    kind   : whether a window is first, inner or last, by row and by column: how it meets the edges of the
    picture

Loops over FILTERS become one or two vector instructions for each thing they do. The compiler sees that only
in innermost loops whose places in memory are known beforehand: hence the flat arrays, and the sums written
out.
"""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numba import njit
from torch.nn import functional as F

from mer_core.jit import cached_njit

CHANNELS, FILTERS = 3, 16  # of ststnet.Net
TAPS = 32  # the 27 values that a filter multiplies, and zeros up to whole vectors
KINDS = 9

inlined = njit(
    forceinline=True, fastmath={"contract"}
)  # a * b + c may be rounded once, as in matrix products


class Kernel:
    """Clips laid out for the kernel: x (N, 3, H, W) float32."""

    def __init__(self, x: torch.Tensor):
        seen = cut_tiles(x)
        h, w = seen.shape[1:3]
        self.tiles = by_cell(seen).flatten(2).contiguous()  # (N, windows, 75)
        self.patches = F.pad(cut_patches(by_cell(seen)), (0, TAPS - 9 * CHANNELS)).flatten(
            1
        )  # (N, windows * 9 * 32)
        row, column = (torch.tensor([0] + [1] * (side - 2) + [2]) for side in (h, w))
        self.kinds = by_cell(3 * row[None, :, None] + column)[0].contiguous()  # (windows,)
        # Which taps lie inside: found in the smallest picture that has a window of each kind. (9 kinds * 9
        # positions, 9 taps)
        smallest = torch.ones(1, 1, x.shape[2] - 3 * (h - 3), x.shape[3] - 3 * (w - 3))
        self.inside = cut_patches(cut_tiles(smallest)).reshape(KINDS * 9, 9)

    def backward(self, parameters, labels, clips, share, means, scales) -> None:
        """Add to the gradients of `parameters` those of the loss of one batch.

        parameters : those of Net, stacked along the first axis;  labels : (N,) int64
        clips : positions of the clips in any fold's batch;  share : (folds, clips), what each adds to each
        fold's loss
        means, scales : (folds, 1, 3, 1, 1)
        """
        folds, threads = len(share), torch.get_num_threads()
        weight = parameters["streams.weight"] / scales
        table = weight.flatten(2).transpose(1, 2).flatten(1)  # on the way in, the filters lie side by side
        taps = F.pad(weight.flatten(2), (0, TAPS - 9 * CHANNELS)).flatten(
            1
        )  # and on the way back, the taps of each filter
        start = self.starts(weight, parameters["streams.bias"], means)
        head = parameters["head.weight"].unflatten(2, (FILTERS, -1)).transpose(2, 3).flatten(2)
        joined = [taps, start, head, parameters["head.bias"]]
        slopes = [torch.zeros(value.shape) for value in joined]

        shared = [value.numpy() for value in (self.tiles, self.patches, self.kinds, labels, clips)]
        own = [value.detach().contiguous().numpy() for value in (share, table, *joined[1:], *slopes)]
        ends = np.linspace(0, folds, threads + 1).astype(int)
        with ThreadPoolExecutor(threads) as pool:
            parts = [
                pool.submit(_step, *shared, *(value[first:last] for value in own))
                for first, last in zip(ends, ends[1:])
            ]
        for part in parts:
            part.result()  # raises what was raised there
        torch.autograd.backward(joined, slopes)

    def starts(self, weight: torch.Tensor, bias: torch.Tensor, means: torch.Tensor) -> torch.Tensor:
        """(folds, 9 kinds * 9 positions * 16): what sums over values as given start from, to be those over
        centred ones.

        It is the bias less what the mean adds through taps that lie inside the picture; and -inf at a
        position that itself lies outside, so that it never wins.
        """
        added = (weight * means).sum(2).flatten(2) @ self.inside.T  # (folds, 16, 81)
        return (
            torch.where(self.inside[:, 4] > 0, bias[..., None] - added, -math.inf).transpose(1, 2).flatten(1)
        )


def cut_tiles(x: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) -> (N, h, w, C, 5, 5): tiles of the windows of max-pooling (3, stride 3, padding 1)."""
    h, w = ((side + 2 - 3) // 3 + 1 for side in x.shape[2:])
    return F.unfold(x, 5, padding=2, stride=3).view(*x.shape[:2], 5, 5, h, w).permute(0, 4, 5, 1, 2, 3)


def cut_patches(tile: torch.Tensor) -> torch.Tensor:
    """(..., C, 5, 5) -> (..., 9, 9 C): the values that the filters multiply at each position of a window."""
    return tile.unfold(-2, 3, 1).unfold(-2, 3, 1).movedim(-5, -3).flatten(-3).flatten(-3, -2)


def by_cell(windows: torch.Tensor) -> torch.Tensor:
    """(N, h, w, ...) -> (N, 4 * cells, ...), the windows of a cell after each other; those that are in no
    cell are left out.
    """
    h, w = (side // 2 for side in windows.shape[1:3])
    return (
        windows[:, : 2 * h, : 2 * w].unflatten(2, (w, 2)).unflatten(1, (h, 2)).transpose(2, 3).flatten(1, 4)
    )


@cached_njit
def _step(
    tiles, patches, kinds, labels, clips, share, table, start, head, bias, d_table, d_start, d_head, d_bias
):
    """Add to the last four what these folds' losses change with table, start, head and bias; the first axis
    is the fold.
    """
    high = np.empty(len(kinds) * FILTERS, np.float32)  # the greatest sum of each window and filter
    won = np.empty(len(high), np.uint32)  # the position that has it
    features = np.empty(len(high) // 4, np.float32)
    d_features = np.empty(len(high) // 4, np.float32)
    for n in range(len(clips)):
        for k in range(len(share)):
            if share[k, n] > 0:
                _filter(tiles[clips[n]], kinds, table[k], start[k], high, won)
                _average(high, features)
                _classify(
                    features,
                    labels[clips[n]],
                    share[k, n],
                    head[k],
                    bias[k],
                    d_features,
                    d_head[k],
                    d_bias[k],
                )
                _pass_back(patches[clips[n]], kinds, high, won, d_features, d_table[k], d_start[k])


@inlined
def _filter(tiles, kinds, table, start, high, won):
    """The greatest sum of each window and filter, and its position."""
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
            high[w * FILTERS + f], won[w * FILTERS + f] = best, place


@inlined
def _channel(s, x, i, table, j):
    """Add to the sums at the nine positions what the nine taps of one channel see; i and j are where it
    begins in tile and table.
    """
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
    """Of equals the first, as in torch."""
    return (value, position) if value > best else (best, place)


@inlined
def _average(high, features):
    """ReLU, and the mean of each cell."""
    for cell in range(len(features) // FILTERS):
        for f in range(FILTERS):
            n = 4 * cell * FILTERS + f
            total = max(high[n], np.float32(0)) + max(high[n + FILTERS], np.float32(0))
            total += max(high[n + 2 * FILTERS], np.float32(0)) + max(high[n + 3 * FILTERS], np.float32(0))
            features[cell * FILTERS + f] = np.float32(0.25) * total


@njit(fastmath={"contract", "reassoc"})
def _classify(features, label, share, head, bias, d_features, d_head, d_bias):
    """The cross-entropy of the head's softmax, weighted by `share`: what it changes with features, head and
    bias.
    """
    p = np.empty(len(bias), np.float32)
    highest, total = np.float32(-np.inf), np.float32(0)
    for c in range(len(bias)):
        p[c] = bias[c]
        for i in range(len(features)):
            p[c] += features[i] * head[c, i]
        highest = max(highest, p[c])
    for c in range(len(bias)):
        p[c] = math.exp(p[c] - highest)
        total += p[c]
    d_features[:] = 0
    for c in range(len(bias)):
        slope = share * (p[c] / total - np.float32(c == label))
        d_bias[c] += slope
        for i in range(len(features)):
            d_head[c, i] += slope * features[i]
            d_features[i] += slope * head[c, i]


@inlined
def _pass_back(patches, kinds, high, won, d_features, d_table, d_start):
    """Add to the slopes of each filter the patch of the position that won, window by window, unless ReLU
    stopped it.

    The four windows of a cell go together, so that the slopes are loaded and stored once for them.
    """
    zero = np.float32(0)
    for cell in range(len(d_features) // FILTERS):
        w = 4 * cell
        for f in range(FILTERS):
            n = w * FILTERS + f
            slope = np.float32(0.25) * d_features[cell * FILTERS + f]
            slope0 = slope if high[n] > 0 else zero
            slope1 = slope if high[n + FILTERS] > 0 else zero
            slope2 = slope if high[n + 2 * FILTERS] > 0 else zero
            slope3 = slope if high[n + 3 * FILTERS] > 0 else zero
            place0, place1, place2, place3 = (
                won[n],
                won[n + FILTERS],
                won[n + 2 * FILTERS],
                won[n + 3 * FILTERS],
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
