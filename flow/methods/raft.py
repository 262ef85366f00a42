"""RAFT, small or large (torchvision), with weights from a local file.

Nothing is downloaded. torchvision publishes the weights at https://download.pytorch.org/models/ as
raft_small_C_T_V2-01064c6d.pth and raft_large_C_T_SKHT_V2-ff5fadd5.pth. The authors' raft-small.pth, part of
https://github.com/princeton-vl/RAFT (BSD-3), works as well.

References
----------
Teed and Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020;
`torchvision.models.optical_flow`, whose presets give the range [-1, 1] and 12 updates.
"""

from pathlib import Path

import numpy as np

from flow.methods._batches import estimate_in_batches
from mer_core.dependencies import import_extra
from mer_core.errors import BadSetting, NotFound, UnreadableFile

NETWORK = True
AUTHORS_FIRST_TENSOR = "module.fnet.conv1.weight"
MIN_SIDE = 128  # px; smaller frames have fewer than four levels of correlation


def load(device: str = "cpu", weights: str | Path | None = None, scale: float = 2.0, updates: int = 12):
    """Load the network.

    Parameters
    ----------
    device : str
        Torch device.
    weights : path or None
        Torchvision's .pth, the authors' raft-small.pth, or the same tensors as .safetensors; their shapes
        tell small from large.
    scale : float
        Enlarge the frames by this factor first; 1 is as published, 2 is better for small motion and takes
        four times as long (docs/results/first-claim.md).
    updates : int
        Refinement steps.

    Raises
    ------
    BadInput
        If `weights` is missing or not RAFT's.
    """
    path = _check_weights_file(weights)  # before torch, whose import takes seconds
    import torch
    from torch.nn.functional import interpolate, pad

    net = read_network(path).to(device).eval()

    def to_input(frames: np.ndarray) -> torch.Tensor:
        """Convert (N, H, W, 3) uint8 to (N, 3, H', W') in [-1, 1], enlarged, and padded as RAFT requires."""
        batch = (
            torch.from_numpy(np.ascontiguousarray(frames)).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
        )
        if scale != 1:
            batch = interpolate(batch, scale_factor=scale, mode="bicubic", align_corners=False)
        height, width = (max(MIN_SIDE, -(-n // 8) * 8) - n for n in batch.shape[-2:])
        return pad(batch, (0, width, 0, height), mode="replicate")

    def run(onsets: np.ndarray, apexes: np.ndarray) -> np.ndarray:
        height, width = onsets.shape[1:3]

        def estimate(part: slice) -> np.ndarray:
            onset, apex = to_input(onsets[part]), to_input(apexes[part])
            flow = net(onset, apex, num_flow_updates=updates)[-1]  # (N, 2, H', W') px
            flow = flow[..., : int(height * scale), : int(width * scale)]
            if scale != 1:
                flow = interpolate(flow, (height, width), mode="bilinear", align_corners=False) / scale
            return flow.permute(0, 2, 3, 1).cpu().numpy()

        return estimate_in_batches(estimate, len(onsets), round(height * width * scale**2), device)

    run.weights = path  # type: ignore[attr-defined]
    return run


def _check_weights_file(weights: str | Path | None) -> Path:
    """Return the path of the weights; raise `BadInput` if there is none."""
    if weights is None:
        raise BadSetting(
            "Flow method raft needs a local file: --weights FILE, torchvision's .pth or the same tensors as "
            ".safetensors, for example raft_small_C_T_V2-01064c6d.pth from "
            "https://download.pytorch.org/models/"
        )
    if not Path(weights).is_file():
        raise NotFound(f"There are no RAFT weights at {weights}.")
    return Path(weights)


def read_network(path: Path):
    """Return torchvision's RAFT, a `torch.nn.Module`, with the tensors of the file at `path`.

    Raises
    ------
    BadInput
        If they are not RAFT's.
    """
    import pickle

    import torch
    from safetensors.torch import load_file

    models = import_extra("torchvision.models.optical_flow", "raft", "Flow method raft")
    try:
        # weights_only: a .pth is a pickle, and a pickle could run code.
        tensors = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
        if AUTHORS_FIRST_TENSOR in tensors:  # their small network has the same tensors in the same order
            names = models.raft_small().state_dict()
            tensors = dict(zip(names, tensors.values(), strict=True))
        small = tensors["feature_encoder.convnormrelu.0.weight"].shape[0] == 32
        net = models.raft_small() if small else models.raft_large()
        net.load_state_dict(tensors)
    except pickle.UnpicklingError as error:  # torch's own message suggests to load it anyway
        raise UnreadableFile(
            f"{path} does not hold torchvision's RAFT weights: it contains more than tensors."
        ) from error
    except Exception as error:  # many kinds: pickle, zip, safetensors, missing or misshapen tensors
        raise UnreadableFile(
            f"{path} does not hold torchvision's RAFT weights "
            f"({type(error).__name__}: {str(error).splitlines()[0]})."
        ) from error
    return net
