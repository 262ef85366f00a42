"""SRFlowNet: the published network and its compact variant, by name, and their weight files."""

import json
from pathlib import Path

from torch import Tensor, nn

from mer_core.errors import UnreadableFile
from mer_core.io import atomic_replace

NETWORKS = ("compact", "full")


def build_network(name: str, **settings: int) -> nn.Module:
    """Return the untrained network `compact` or `full`: two (N, 3, H, W) frames in 0..255 -> motion in px."""
    if name == "compact":
        from flow.srflownet.compact import CompactSRFlowNet

        return CompactSRFlowNet(**settings)
    from flow.srflownet.skflow import SRFlowNet

    return SRFlowNet(**settings)


def save_weights(
    path: str | Path, tensors: dict[str, Tensor], name: str, settings: dict[str, int], note: str = ""
) -> None:
    """Write weights, with name, settings and a note of their network in the file's header."""
    from safetensors.torch import save_file

    header = {"network": name, "settings": json.dumps(settings), "note": note}
    with atomic_replace(path) as temporary:
        save_file({k: t.detach().cpu().contiguous() for k, t in tensors.items()}, str(temporary), header)


def write_half_precision(weights: str | Path, path: str | Path) -> None:
    """Write the weights of a training in half precision, as shipped with the package."""
    from safetensors.torch import load_file

    tensors = {name: t.half() if t.is_floating_point() else t for name, t in load_file(str(weights)).items()}
    header = _read_header(weights)
    save_weights(path, tensors, header["network"], json.loads(header["settings"]), header["note"])


def load_weights(network: nn.Module, path: str | Path) -> None:
    """Load a weights file into `network`; half precision is widened.

    Raises
    ------
    BadInput
        Unless every tensor fits.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(str(path))
        network.load_state_dict(
            {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
        )
    except (OSError, RuntimeError, SafetensorError) as error:
        raise UnreadableFile(
            f"{path} does not hold weights of this network: {str(error).splitlines()[0]}"
        ) from error


def load_matching_weights(network: nn.Module, path: str | Path) -> None:
    """Load an older weights file into `network`; parts that the file lacks keep their initial values.

    Raises
    ------
    BadInput
        If the file holds a part that the network lacks or that has another size.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(str(path))
        network.load_state_dict(network.state_dict() | {name: t.float() for name, t in tensors.items()})
    except (OSError, RuntimeError, SafetensorError) as error:
        raise UnreadableFile(
            f"{path} does not hold weights to start from: {str(error).splitlines()[0]}"
        ) from error


def load_network(path: str | Path) -> nn.Module:
    """Return the network described by a weights file, in evaluation mode.

    Raises
    ------
    BadInput
        If the file describes no network.
    """
    header = _read_header(path)
    if header.get("network") not in NETWORKS:
        raise UnreadableFile(f"{path} does not name its network. Use a file written by mer flow train.")
    network = build_network(header["network"], **json.loads(header["settings"]))
    load_weights(network, path)
    return network.eval()


def _read_header(path: str | Path) -> dict[str, str]:
    """Return the metadata of a weights file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), "pt") as file:
            return file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise UnreadableFile(f"{path} is not a weights file: {error}") from error
