"""Export of the flow network as an ONNX file, for programs without torch."""

from pathlib import Path

from mer_core.dependencies import import_extra
from mer_core.io import atomic_replace

OPSET = 17  # grid_sample needs 16; most runtimes support 17


def export(weights: str | Path, path: str | Path, size: tuple[int, int] = (224, 224)) -> Path:
    """Write a network as ONNX and return the path.

    The model takes `onset` and `apex`, (N, 3, H, W) float32 RGB in 0..255, the apex at the brightness of the
    onset (flow/photometric.py), and returns `flow`, (N, 2, H, W) float32 px.

    Parameters
    ----------
    weights : path
        .safetensors file of SRFlowNet.
    size : (H, W) px of the frames; fixed in the file, unlike the number of pairs

    Raises
    ------
    MissingDependency
        If the package onnx is not installed.
    """
    import torch

    from flow.srflownet import load_network

    import_extra("onnx", "onnx", "Exporting to ONNX")

    class Last(torch.nn.Module):
        """The network's final prediction only."""

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
