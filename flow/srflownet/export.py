"""The flow network as an ONNX file, for programs without torch: `export(weights, path)`."""

from pathlib import Path

from mer_core.errors import BadInput
from mer_core.io import atomic_replace

OPSET = 17  # reading at moved positions needs 16; 17 is what most runtimes take today


def export(weights: str | Path, path: str | Path, size: tuple[int, int] = (224, 224)) -> Path:
    """Write the network in `weights` as ONNX and return its path.

    weights : a .safetensors file of SRFlowNet
    size    : (H, W) px of the frames; it is part of the file, the number of pairs is not

    The model takes `onset` and `apex`, (N, 3, H, W) float32 RGB in 0..255, the apex at the brightness of the
    onset (flow/photometric.py), and gives `flow`, (N, 2, H, W) float32 px. Raises `BadInput` without the
    package onnx.
    """
    import torch

    from flow.srflownet import load_network

    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise BadInput("Exporting needs the package onnx, an extra: pip install 'mer[onnx]'.") from error

    class Last(torch.nn.Module):
        """The network's last prediction alone."""

        def __init__(self):
            super().__init__()
            self.network = load_network(weights)

        def forward(self, onset: torch.Tensor, apex: torch.Tensor) -> torch.Tensor:
            return self.network(onset, apex)[-1]

    frames = tuple(torch.rand(2, 3, *size) * 255 for _ in range(2))
    names = ("onset", "apex", "flow")
    with atomic_replace(path) as temporary, torch.no_grad():
        torch.onnx.export(
            Last().eval(), frames, str(temporary), opset_version=OPSET, dynamo=False, input_names=names[:2],
            output_names=names[2:], dynamic_axes={name: {0: "pairs"} for name in names},
        )  # fmt: skip
    return Path(path)
