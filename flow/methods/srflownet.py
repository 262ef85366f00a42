"""SRFlowNet, our facial flow network, with the frozen weights that come with the package.

The compact network (1.9 M parameters) is used on a CPU, the full one on a GPU as soon as its weights are
shipped; see flow/weights/*.md for their data and scores, and flow/srflownet/ for the networks.

Source: arXiv 2601.06479 for the idea; network, training data and weights are ours.
"""

from pathlib import Path

import numpy as np

from mer_core.errors import BadInput

NETWORK = True
LANDMARKS = True
WEIGHTS = Path(__file__).parents[1] / "weights"
PIXELS = {"cpu": 448 * 448, "cuda": 64 * 448 * 448}  # of all frames estimated at once
TILED_ABOVE = 1800 * 1800  # px of a frame; larger ones are estimated in tiles


def load(
    device: str = "cpu", network: str = "auto", weights: str | Path | None = None, detect_landmarks=True
):
    """network : `compact`, `full`, or `auto`: full on a GPU if its weights are there, else compact

    weights          : a file of `mer flow train`; by default the frozen weights of `network`
    detect_landmarks : find the face in each onset whose landmarks are not given; else go without the facial
        solution

    Raises `BadInput` for weights that are missing or of something else.
    """
    path = _weights(device, network) if weights is None else Path(weights)
    if not path.is_file():
        raise BadInput(
            f"There are no SRFlowNet weights at {path}. Train them (mer flow train), or take --network "
            "compact."
        )
    import torch

    from flow.srflownet import load_network
    from flow.srflownet.compact import CompactSRFlowNet
    from flow.srflownet.face_placer import FacePlacer
    from flow.srflownet.tiled import estimate_tiled

    # channels last, as the frames come: a quarter faster on a CPU
    net = load_network(path).to(device, memory_format=torch.channels_last)
    kind = torch.device(device).type
    at_once, half = PIXELS.get(kind, PIXELS["cpu"]), kind == "cuda"
    place = FacePlacer(detect_landmarks) if isinstance(net, CompactSRFlowNet) else None

    @torch.inference_mode()
    def run(onsets: np.ndarray, apexes: np.ndarray, landmarks: list[np.ndarray | None]) -> np.ndarray:
        area = onsets.shape[1] * onsets.shape[2]
        batch = max(1, at_once // area)
        flows = []
        for start in range(0, len(onsets), batch):
            part = slice(start, start + batch)
            onset, apex = (_to_input(frames[part], device) for frames in (onsets, apexes))
            with torch.autocast(kind, torch.bfloat16, enabled=half):
                if area > TILED_ABOVE:
                    flow = estimate_tiled(net, onset, apex)
                else:
                    face = {"face": place(onsets[part], landmarks[part], device)} if place else {}
                    flow = net(onset, apex, **face)[-1]
            flows.append(flow.float().permute(0, 2, 3, 1).cpu().numpy())
        return np.ascontiguousarray(np.concatenate(flows), np.float32)

    run.weights, run.precision = path, "bfloat16" if half else "float32"
    return run


def _to_input(frames: np.ndarray, device: str):
    """Frames (N, H, W, 3) uint8 as a tensor (N, 3, H, W) float32 on `device`."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(frames)).to(device).permute(0, 3, 1, 2).float()


def _weights(device: str, network: str) -> Path:
    """The frozen weights of `network` (auto, compact, full)."""
    from flow.srflownet import NETWORKS
    from mer_core.registry import check

    check(network, ["auto", *NETWORKS], "SRFlowNet network")
    full = WEIGHTS / "srflownet-full.safetensors"
    if network == "full" or (network == "auto" and device.startswith("cuda") and full.is_file()):
        return full
    return WEIGHTS / "srflownet-compact.safetensors"
