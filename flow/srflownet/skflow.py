"""SRFlowNet as published: the SKFlow network, which matches at 1/8 and refines the motion iteratively.

The paper (arXiv 2601.06479) changes the training, not the network, so this is SKFlow: 6,273,149 parameters.
The numbers in the code are SKFlow's.

References
----------
S. Sun et al., "SKFlow: Learning Optical Flow with Super Kernels", NeurIPS 2022; the attention: S. Jiang et
al., "Learning to Estimate Hidden Motions with Global Motion Aggregation", ICCV 2021.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flow.srflownet.correlation import N_CHANNELS, correlate
from flow.srflownet.encoder import FeatureEncoder
from flow.srflownet.super_kernel import SuperKernelBlock

N_HIDDEN = 128
N_CONTEXT = 128
CELL_PX = 8


class SRFlowNet(nn.Module):
    """Motion of two RGB frames (N, 3, H, W) in 0..255 -> (N, 2, H, W) px; any H and W.

    Parameters
    ----------
    iterations : int
        Refinement steps.
    """

    def __init__(self, iterations: int = 12):
        super().__init__()
        self.iterations = iterations
        self.fnet = FeatureEncoder(256, "instance")
        self.cnet = FeatureEncoder(N_HIDDEN + N_CONTEXT, "batch")
        self.attention = Attention(N_CONTEXT)
        self.update = UpdateBlock()

    def forward(self, onset: Tensor, apex: Tensor, flow: Tensor | None = None) -> list[Tensor]:
        """Return the motion after every iteration, each (N, 2, H, W) px.

        Parameters
        ----------
        onset, apex : (N, 3, H, W) float, 0..255
        flow : (N, 2, H, W) px, initial motion; zero by default
        """
        height, width = onset.shape[-2:]
        pad = (0, -width % CELL_PX, 0, -height % CELL_PX)
        onset, apex = (F.pad(frame, pad, mode="replicate") * (2 / 255) - 1 for frame in (onset, apex))
        first, second = self.fnet(torch.cat([onset, apex])).float().chunk(2)  # (N, 256, h, w), h = H/8
        with torch.autocast(first.device.type, enabled=False):
            alike = correlate(first, second)
        net, inp = self.cnet(onset).split([N_HIDDEN, N_CONTEXT], dim=1)
        net, inp = torch.tanh(net), torch.relu(inp)
        query_key = self.attention(inp)

        start = _cell_positions(first)
        places = start
        if flow is not None:
            places = start + F.avg_pool2d(F.pad(flow, pad, mode="replicate"), CELL_PX) / CELL_PX
        predictions = []
        for _ in range(self.iterations):
            places = places.detach()
            net, mask, step = self.update(net, inp, alike(places), places - start, query_key)
            places = places + step.float()
            predictions.append(convex_upsample(places - start, mask.float())[..., :height, :width])
        return predictions


class Attention(nn.Module):
    """Queries and keys, from the context alone, of places in the first frame that move together."""

    def __init__(self, width: int):
        super().__init__()
        self.to_qk = nn.Conv2d(width, 2 * width, 1, bias=False)
        # Relative positions, part of the published network and its parameter count but never read.
        self.rel_height, self.rel_width = (
            nn.Embedding(2 * 160 - 1, width).requires_grad_(False) for _ in range(2)
        )

    def forward(self, context: Tensor) -> tuple[Tensor, Tensor]:
        """Return queries and keys, each (N, 1, h w, width)."""
        query, key = self.to_qk(context).flatten(2).transpose(1, 2)[:, None].chunk(2, dim=-1)
        return query, key


class MotionAggregator(nn.Module):
    """Add the motion of similar places, with a learned weight that starts at zero.

    The attention is computed each time instead of stored: at 1100x1604 it would take 3 GB.
    """

    def __init__(self, width: int):
        super().__init__()
        self.to_v = nn.Conv2d(width, width, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, query_key: tuple[Tensor, Tensor], motion: Tensor) -> Tensor:
        value = self.to_v(motion).flatten(2).transpose(1, 2)[:, None]  # (N, 1, h w, width)
        gathered = F.scaled_dot_product_attention(*query_key, value)
        return motion + self.gamma * gathered[:, 0].transpose(1, 2).reshape(motion.shape)


class MotionEncoder(nn.Module):
    """Correlation and motion so far -> 128 channels, of which the last two are the motion itself."""

    def __init__(self, kernels: tuple[int, ...] = (1, 15)):
        super().__init__()
        self.convc1 = SuperKernelBlock(N_CHANNELS, 256, kernels)
        self.convc2 = SuperKernelBlock(256, 192, kernels)
        self.convf1 = nn.Conv2d(2, 128, 1)
        self.convf2 = SuperKernelBlock(128, 64, kernels)
        self.conv = SuperKernelBlock(192 + 64, 128 - 2, kernels)

    def forward(self, flow: Tensor, corr: Tensor) -> Tensor:
        corr = self.convc2(F.gelu(self.convc1(corr)))
        motion = self.conv(torch.cat([corr, self.convf2(self.convf1(flow))], dim=1))
        return torch.cat([motion, flow], dim=1)


class UpdateBlock(nn.Module):
    """One iteration: the next hidden state, the weights of the upsampling, and the step in cells."""

    def __init__(self):
        super().__init__()
        self.encoder = MotionEncoder()
        self.aggregator = MotionAggregator(128)
        self.gru = SuperKernelBlock(N_HIDDEN + N_CONTEXT + 128 + 128, N_HIDDEN, (1, 7))
        self.flow_head = SuperKernelBlock(N_HIDDEN, 2, (1, 15))
        self.mask = nn.Sequential(
            nn.Conv2d(N_HIDDEN, 256, 3, padding=1), nn.ReLU(), nn.Conv2d(256, CELL_PX**2 * 9, 1)
        )

    def forward(
        self, net: Tensor, inp: Tensor, corr: Tensor, flow: Tensor, query_key: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        motion = self.encoder(flow, corr)  # (N, 128, h, w)
        motion_global = self.aggregator(query_key, motion)
        net = self.gru(torch.cat([net, inp, motion, motion_global], dim=1))
        return net, 0.25 * self.mask(net), self.flow_head(net)


def convex_upsample(flow: Tensor, mask: Tensor) -> Tensor:
    """Upsample motion in cells (N, 2, h, w) to px (N, 2, 8h, 8w).

    Each pixel is a convex combination of the 9 cells around it.

    Parameters
    ----------
    mask : (N, 576, h, w), weights before the softmax
    """
    n, _, height, width = flow.shape
    weights = mask.reshape(n, 1, 9, CELL_PX, CELL_PX, height, width).softmax(dim=2)
    cells = F.unfold(CELL_PX * flow, 3, padding=1).reshape(n, 2, 9, 1, 1, height, width)
    fine = (weights * cells).sum(dim=2)  # (N, 2, 8, 8, h, w)
    return fine.permute(0, 1, 4, 2, 5, 3).reshape(n, 2, CELL_PX * height, CELL_PX * width)


def _cell_positions(like: Tensor) -> Tensor:
    """Return the position of each cell, (N, 2, h, w), x and y."""
    n, _, height, width = like.shape
    x = torch.arange(width, device=like.device, dtype=like.dtype).expand(height, width)
    y = torch.arange(height, device=like.device, dtype=like.dtype)[:, None].expand(height, width)
    return torch.stack([x, y]).expand(n, -1, -1, -1)
