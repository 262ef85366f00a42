"""SRFlowNet: the published network and its compact sibling, by name, and their weights on disk."""

import json
from pathlib import Path

from torch import Tensor, nn

from mer_core.errors import BadInput
from mer_core.io import atomic_replace

NETWORKS = ("compact", "full")


def build_network(name: str, **settings: int) -> nn.Module:
    """Return the untrained network `compact` or `full`.

    Both map two (N, 3, H, W) frames in 0..255 to motions in px.
    """
    if name == "compact":
        from flow.srflownet.compact import CompactSRFlowNet

        return CompactSRFlowNet(**settings)
    from flow.srflownet.skflow import SRFlowNet

    return SRFlowNet(**settings)


def save_weights(
    path: str | Path, tensors: dict[str, Tensor], name: str, settings: dict[str, int], note: str = ""
) -> None:
    """Write weights with what is needed to build their network: name, settings and a note travel in the
    file's header.
    """
    from safetensors.torch import save_file

    header = {"network": name, "settings": json.dumps(settings), "note": note}
    with atomic_replace(path) as temporary:
        save_file({k: t.detach().cpu().contiguous() for k, t in tensors.items()}, str(temporary), header)


def write_half_precision(weights: str | Path, path: str | Path) -> None:
    """Write a training's weights in half precision, as they come with the package."""
    from safetensors.torch import load_file

    tensors = {name: t.half() if t.is_floating_point() else t for name, t in load_file(str(weights)).items()}
    header = _read_header(weights)
    save_weights(path, tensors, header["network"], json.loads(header["settings"]), header["note"])


def load_weights(network: nn.Module, path: str | Path) -> None:
    """Fill `network` from a weights file.

    Half precision is widened. Raises `BadInput` unless every tensor fits.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(str(path))
        network.load_state_dict(
            {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
        )
    except (OSError, RuntimeError, SafetensorError) as error:
        raise BadInput(
            f"{path} does not hold weights of this network: {str(error).splitlines()[0]}"
        ) from error


def load_matching_weights(network: nn.Module, path: str | Path) -> None:
    """Fill those parts of `network` that an older weights file has; the others keep their initial values.

    Raises `BadInput` if the file holds a part that the network lacks or that has another size.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(str(path))
        network.load_state_dict(network.state_dict() | {name: t.float() for name, t in tensors.items()})
    except (OSError, RuntimeError, SafetensorError) as error:
        raise BadInput(f"{path} holds no weights to start from: {str(error).splitlines()[0]}") from error


def load_network(path: str | Path) -> nn.Module:
    """Return the network that a weights file describes, filled and ready to estimate.

    `BadInput` if it describes none.
    """
    header = _read_header(path)
    if header.get("network") not in NETWORKS:
        raise BadInput(
            f"{path} does not say which network it belongs to. Use a file that mer flow train wrote."
        )
    network = build_network(header["network"], **json.loads(header["settings"]))
    load_weights(network, path)
    return network.eval()


def _read_header(path: str | Path) -> dict[str, str]:
    """Return what a weights file says of itself."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), "pt") as file:
            return file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise BadInput(f"{path} is no weights file: {error}") from error
