"""SKFlow's block: large depthwise kernels between two pointwise networks.

References
----------
S. Sun et al., "SKFlow: Learning Optical Flow with Super Kernels", NeurIPS 2022, and its MIT-licensed code.
"""

import torch.nn.functional as F
from torch import Tensor, nn


def pointwise(width: int, out: int) -> nn.Sequential:
    """Return two 1x1 convolutions with 1.5 times as many channels between them."""
    inner = int(1.5 * width)
    return nn.Sequential(nn.Conv2d(width, inner, 1), nn.GELU(), nn.Conv2d(inner, out, 1))


class SuperKernelBlock(nn.Module):
    """(N, width, H, W) -> (N, out, H, W): residual parts, then a change of width without residual.

    Parameters
    ----------
    kernels : tuple of int
        Sides of the depthwise kernels, in order.
    """

    def __init__(self, width: int, out: int, kernels: tuple[int, ...]):
        super().__init__()
        self.ffn1 = pointwise(width, width)
        self.depthwise = nn.ModuleList(
            nn.Conv2d(width, width, k, padding=k // 2, groups=width) for k in kernels
        )
        self.pointwise = nn.Conv2d(width, width, 1)
        self.ffn2 = pointwise(width, out)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(x + self.ffn1(x))
        for convolution in self.depthwise:
            x = F.gelu(x + convolution(x))
        x = F.gelu(x + self.pointwise(x))
        return self.ffn2(x)
