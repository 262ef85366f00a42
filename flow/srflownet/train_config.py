"""The settings of a training of the flow networks, and their YAML file."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from mer_core.errors import BadInput
from mer_core.settings import describe_errors
from mer_core.yaml_files import read_yaml


class TrainConfig(BaseModel):
    """One experiment, flat; an unknown key is refused."""

    model_config = ConfigDict(extra="forbid")

    network: Literal["compact", "full"] = "compact"
    network_settings: dict[str, int] = {}
    start: str | None = (
        None  # weights to start from, a .safetensors file or the folder of an earlier training
    )
    data: dict[str, float] = {"generic": 1.0}  # fraction of each source, see flow/srflownet/data/mixture.py
    portraits: str | None = None  # folder of portraits, for the sources scanned and pulled
    head_model: str | None = None  # file that mer flow head-model wrote, for the same
    fits: str = "head-fits"  # folder that keeps the head fitted to each portrait
    without_face: float | None = (
        None  # fraction of pairs that train without landmarks; by default all do, and no facial basis is used
    )
    pool: str | None = None  # folder of faces rendered beforehand, see flow/srflownet/data/render_pool.py
    size: int | list[int] = 192  # px, side of a training frame; of several sides, one each step in turn
    peak: tuple[float, float] = (0.1, 8.0)  # px, range of the largest motion in a generic pair
    widen: int = 0  # steps over which generic motion grows from at most 1 px to that range
    batch: int = 8  # pairs per step, over all processes; of the first size, and of larger ones as many pixels
    steps: int = 3000
    learning_rate: float = 6e-4  # the top of the cycle
    weight_decay: float = 1e-4
    warm_up: float = 0.05  # fraction of the steps until the top
    clip: float = 1.0  # largest norm of a gradient
    power: float = 1.0  # of an error in the loss; below one, small errors count more
    gamma: float = 0.8  # weight of a step's prediction against the next one's
    losses: dict[str, float] = {}  # weights of mask, gradient, total_variation, flow_difference
    gradient_kind: Literal["difference", "sobel"] = "difference"
    ema: float = 0.999  # the moving average of the weights keeps this much per step
    precision: Literal["fp32", "bf16"] = "bf16"
    compiled: bool = False  # torch.compile: faster on a GPU, minutes of compiling on a CPU
    workers: int = 0  # processes that make pairs; the pairs do not depend on it
    seed: int = 0
    save_every: int = 250  # steps between checkpoints
    report_every: int = 50
    validate_every: int = 0  # steps between runs of the flow benchmark; 0: never
    validate_pairs: int = 8


def load_config(path: str | Path) -> TrainConfig:
    """Return the experiment in a YAML file; raises `BadInput` naming every key that does not fit."""
    try:
        return TrainConfig(**(read_yaml(path) or {}))
    except ValidationError as error:
        raise BadInput(
            f"{path} is no training configuration: it {describe_errors(error, TrainConfig)}"
        ) from error
    except TypeError as error:
        raise BadInput(f"{path} is no training configuration: {error}") from error


def frame_side(config: TrainConfig, step: int) -> int:
    """Return the side in px of the frames of a step."""
    sizes = config.size if isinstance(config.size, list) else [config.size]
    return sizes[step % len(sizes)]
