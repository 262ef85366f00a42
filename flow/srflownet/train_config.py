"""Settings of a training of the flow networks, and their YAML file."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from mer_core.errors import BadSetting
from mer_core.settings import describe_errors
from mer_core.yaml_files import read_yaml


class TrainConfig(BaseModel):
    """One experiment, flat; an unknown key is refused."""

    model_config = ConfigDict(extra="forbid")

    network: Literal["compact", "full"] = "compact"
    network_settings: dict[str, int] = {}
    init_weights: str | None = None  # .safetensors file, or folder of an earlier training

    data_fractions: dict[str, float] = {"generic": 1.0}  # per source, see flow/srflownet/data/mixture.py
    pool_folder: str | None = None  # of rendered faces, see flow/srflownet/data/render_pool.py
    portraits: str | None = None  # folder, for animated_portraits and pulled_portraits
    head_model: str | None = None  # file of mer flow head-model, for the same sources
    head_fit_cache: str = "head-fits"  # folder for the heads fitted to portraits
    no_face_fraction: float | None = None  # pairs without facial basis; None: all, the basis is not used
    frame_size_px: int | list[int] = 192  # side of a frame; several sides take turns, one per step
    motion_range_px: tuple[float, float] = (0.1, 8.0)  # largest motion of a generic pair
    motion_curriculum_steps: int = 0  # steps over which the upper end of that range grows from 1 px
    batch_size: int = 8  # pairs per step over all processes, at the first size; fewer at larger sizes

    steps: int = 3000
    learning_rate: float = 6e-4  # peak of the cycle
    warmup_fraction: float = 0.05  # of the steps, until the peak
    weight_decay: float = 1e-4
    grad_clip_norm: float = 1.0
    ema_decay: float = 0.999  # of the moving average of the weights
    loss_exponent: float = 1.0  # of an error; below one, small errors count more
    step_loss_decay: float = 0.8  # weight of a step's prediction relative to the next one
    loss_weights: dict[str, float] = {}  # of mask, gradient, total_variation, flow_difference
    gradient_operator: Literal["difference", "sobel"] = "difference"

    precision: Literal["fp32", "bf16"] = "bf16"
    torch_compile: bool = False  # faster on a GPU; compiling takes minutes on a CPU
    n_workers: int = 0  # processes that make pairs; the pairs do not depend on it
    seed: int = 0
    save_every: int = 250  # steps between checkpoints
    report_every: int = 50  # steps
    validate_every: int = 0  # steps; 0: never
    n_validation_pairs: int = 8


def load_config(path: str | Path) -> TrainConfig:
    """Load the experiment in a YAML file.

    Raises
    ------
    BadInput
        Naming every key that does not fit.
    """
    try:
        return TrainConfig(**(read_yaml(path) or {}))
    except ValidationError as error:
        raise BadSetting(
            f"{path} is not a training configuration: it {describe_errors(error, TrainConfig)}"
        ) from error
    except TypeError as error:
        raise BadSetting(f"{path} is not a training configuration: {error}") from error


def frame_side(config: TrainConfig, step: int) -> int:
    """Return the side in px of the frames of a step."""
    sizes = config.frame_size_px if isinstance(config.frame_size_px, list) else [config.frame_size_px]
    return sizes[step % len(sizes)]
