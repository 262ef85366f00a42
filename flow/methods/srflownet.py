"""SRFlowNet, our facial flow network, with the weights that ship with the package.

The default on every device is the compact network (1.9 M parameters) in float32. flow/weights/*.md describe
training data and scores, flow/srflownet/ holds the networks.

References
----------
arXiv 2601.06479 for the idea; network, training data and weights are ours.
"""

from pathlib import Path

import numpy as np

from flow.methods._batches import estimate_in_batches
from mer_core.errors import NotFound

NETWORK = True
LANDMARKS = True
WEIGHTS_FOLDER = Path(__file__).parents[1] / "weights"
MAX_UNTILED_PIXELS = 1800 * 1800  # px of a frame; larger ones are estimated in tiles


def load(
    device: str = "cpu", network: str = "auto", weights: str | Path | None = None, detect_landmarks=True
):
    """Load the network.

    Parameters
    ----------
    device : str
        Torch device.
    network : str
        `compact`, `full`, or `auto` for compact.
    weights : path or None
        A file of `mer flow train`; by default the shipped weights of `network`.
    detect_landmarks : bool
        Detect faces without given landmarks; otherwise they are estimated without the facial basis.

    Raises
    ------
    BadInput
        If the weights are missing or belong to something else.
    """
    path = _default_weights(network) if weights is None else Path(weights)
    if not path.is_file():
        raise NotFound(
            f"There are no SRFlowNet weights at {path}. Train them with mer flow train, or use the compact "
            "network, the default."
        )
    import torch

    from flow.srflownet import load_network
    from flow.srflownet.compact import CompactSRFlowNet
    from flow.srflownet.face_placer import BasisPlacer
    from flow.srflownet.tiled import estimate_tiled
    from mer_core.jit import say_what_numba_saves

    say_what_numba_saves()
    # channels last: a quarter faster on a CPU
    net = load_network(path).to(device, memory_format=torch.channels_last)
    place = BasisPlacer(detect_landmarks) if isinstance(net, CompactSRFlowNet) else None

    def run(onsets: np.ndarray, apexes: np.ndarray, landmarks: list[np.ndarray | None]) -> np.ndarray:
        area = onsets.shape[1] * onsets.shape[2]

        def estimate(part: slice) -> np.ndarray:
            onset, apex = (_to_input(frames[part], device) for frames in (onsets, apexes))
            if area > MAX_UNTILED_PIXELS:
                flow = estimate_tiled(net, onset, apex)
            else:
                face = {"face": place(onsets[part], landmarks[part], device)} if place else {}
                flow = net(onset, apex, **face)[-1]
            return flow.permute(0, 2, 3, 1).cpu().numpy()

        return estimate_in_batches(estimate, len(onsets), area, device)

    run.weights = path  # type: ignore[attr-defined]
    return run


def _to_input(frames: np.ndarray, device: str):
    """Convert frames (N, H, W, 3) uint8 to a tensor (N, 3, H, W) float32 on `device`."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(frames)).to(device).permute(0, 3, 1, 2).float()


def _default_weights(network: str) -> Path:
    """Return the path of the shipped weights of `network` (auto, compact, full)."""
    from flow.srflownet import NETWORKS
    from mer_core.registry import check_name

    check_name(network, ["auto", *NETWORKS], "SRFlowNet network")
    return WEIGHTS_FOLDER / f"srflownet-{'compact' if network == 'auto' else network}.safetensors"
