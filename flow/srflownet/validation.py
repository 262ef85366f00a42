"""Validation during training on a few pairs of the flow benchmark."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from flow import photometric
from flow.benchmark.pairs import BenchmarkPair, photograph_pairs

VALIDATION_SEED = 20  # not the benchmark's seed: checkpoints must not be chosen on its pairs


@torch.no_grad()
def benchmark_errors(network: nn.Module, count: int, sizes: tuple[int, ...] = (224, 448)) -> dict[str, float]:
    """Return `epe_<size>` over `count` pairs and `still_<size>` over an eighth as many still pairs, px.

    Parameters
    ----------
    network : nn.Module
        On its device, in evaluation mode.
    """
    found = {}
    for size in sizes:
        found[f"epe_{size}"] = float(np.mean([_error(network, pair) for pair in _pairs(size, count, False)]))
        found[f"still_{size}"] = float(
            np.mean([_error(network, pair) for pair in _pairs(size, max(1, count // 8), True)])
        )
    return found


@lru_cache(maxsize=8)
def _pairs(size: int, count: int, still: bool) -> list[BenchmarkPair]:
    return list(photograph_pairs(size, count, VALIDATION_SEED, still=still))


def _error(network: nn.Module, pair: BenchmarkPair) -> float:
    """Return the mean length of the flow error over the face, px."""
    device = next(network.parameters()).device
    flow = network(
        _tensor(pair.frame1, device), _tensor(photometric.match(pair.frame1, pair.frame2), device)
    )[-1]
    flow = flow[0].permute(1, 2, 0).float().cpu().numpy()
    return float(np.linalg.norm(flow - pair.flow, axis=-1)[pair.mask].mean())


def _tensor(frame: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(frame).to(device).permute(2, 0, 1)[None].float()
