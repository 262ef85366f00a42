"""torchvision's RAFT-small as a peer in the ablation: a network that must learn from its data all that it knows.

It is not SRFlowNet and not shipped. The tensors keep torchvision's names, so a training's weights.safetensors serves
`--method raft` as well.

Source: Z. Teed, J. Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020.
"""

import torch.nn.functional as F
from torch import Tensor
from torchvision.models.optical_flow import RAFT, raft_small

LEAST = 128  # px; a smaller frame has no four levels of correlation


class RaftSmall(RAFT):
    """Motion of two RGB frames (N, 3, H, W) in 0..255 -> (N, 2, H, W) px; any H and W.

    updates : refinement steps
    """

    def __init__(self, updates: int = 12):
        parts = raft_small()
        names = ("feature_encoder", "context_encoder", "corr_block", "update_block", "mask_predictor")
        super().__init__(**{name: getattr(parts, name) for name in names})
        self.updates = updates

    def forward(self, onset: Tensor, apex: Tensor) -> list[Tensor]:
        """Return the motion after every update, each (N, 2, H, W) px."""
        height, width = onset.shape[-2:]
        pad = (0, max(LEAST, -(-width // 8) * 8) - width, 0, max(LEAST, -(-height // 8) * 8) - height)
        onset, apex = (F.pad(frame / 127.5 - 1, pad, mode="replicate") for frame in (onset, apex))
        return [flow[..., :height, :width] for flow in super(RaftSmall, self).forward(onset, apex, num_flow_updates=self.updates)]
