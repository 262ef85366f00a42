"""Training of the flow networks; continues from its own checkpoint.

One experiment is one YAML file in `configs/`. Every pair depends on `(seed, index)` only, and a checkpoint
holds weights, their moving average, optimiser and step, so an interrupted training reproduces the same bits.
`torchrun --nproc-per-node N -m flow.srflownet.train CONFIG OUT` distributes each batch over N processes.
"""

import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import yaml
from torch import Tensor, nn
from torch.utils.data import DataLoader

from flow import srflownet
from flow.srflownet import losses
from flow.srflownet.facial_basis import load_basis
from flow.srflownet.facial_solution import PlacedBasis
from flow.srflownet.train_config import TrainConfig, frame_side, load_config
from flow.srflownet.train_pairs import TrainingPairs
from flow.srflownet.training_log import TrainingLog
from mer_core import claims
from mer_core.device import choose_device
from mer_core.errors import BadSetting
from mer_core.io import atomic_replace
from mer_core.progress import say
from mer_core.trackers import load_tracker

# Keys that may change when a training continues.
UNCHECKED_KEYS = {
    "pool_folder",
    "portraits",
    "head_model",
    "head_fit_cache",
    "n_workers",
    "save_every",
    "report_every",
    "validate_every",
    "n_validation_pairs",
}


def train(
    config: str | Path | TrainConfig, out: str | Path, *, device: str = "auto", tracker: str | None = None
) -> Path:
    """Train one network and return its weights, OUT/weights.safetensors.

    Parameters
    ----------
    config : path or TrainConfig
        YAML file of `TrainConfig`'s keys.
    out : path
        Folder for config.yaml, checkpoint.pt, log.csv and weights. A training continues from its checkpoint
        if the configuration is unchanged.
    device : str
        `auto`, `cpu`, `cuda` or `mps`.
    tracker : str or None
        `mlflow` or `tensorboard`, which also get the log.

    Raises
    ------
    MissingDependency
        If the tracker is not installed.
    """
    if tracker:
        load_tracker(tracker)  # before anything is written
    config = config if isinstance(config, TrainConfig) else load_config(config)
    process = TrainingProcess(device)
    torch.manual_seed(config.seed)
    network = _initial_network(config).to(process.device, memory_format=torch.channels_last)
    optimizer, schedule = _optimizer(config, network)
    average = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    out = Path(out)
    state = {"network": network, "optimizer": optimizer, "schedule": schedule, "average": average}
    done = _resume(out, config, state, process.device)
    runner = process.wrap(torch.compile(network) if config.torch_compile else network)
    extra = losses.combine_losses(config.loss_weights, config.gradient_operator)
    log = TrainingLog(out, done, config, tracker) if process.first else None
    for step, pairs in enumerate(_batches(config, process, done), start=done):
        onset, apex, truth, mask, *placed = (t.to(process.device, non_blocking=True) for t in pairs)
        face = {"face": PlacedBasis(placed[0], placed[1], load_basis().n_scanned)} if placed else {}
        with process.autocast(config.precision):
            predictions = runner(onset, apex, **face)
        predictions = [p.float() for p in predictions]
        loss = losses.sequence_loss(predictions, truth, config.step_loss_decay, config.loss_exponent)
        loss = loss + extra(predictions[-1], truth, mask)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(network.parameters(), config.grad_clip_norm)
        optimizer.step()
        schedule.step()
        _update_average(average, network, min(config.ema_decay, (1 + step) / (10 + step)))
        if log is None:
            continue
        log.add(step + 1, loss, norm, predictions[-1].detach(), truth, schedule.get_last_lr()[0])
        if (step + 1) % config.report_every == 0:
            log.write(step + 1, (onset, apex, predictions[-1], truth))
        last = step + 1 == config.steps
        if last or (step + 1) % config.save_every == 0:
            _save(out, config, state, step + 1)
        if config.validate_every and (last or (step + 1) % config.validate_every == 0):
            log.record_validation(step + 1, _validate(config, average, process.device))
    if log:
        log.close()
    process.close()
    return out / "weights.safetensors"


class TrainingProcess:
    """Device of this process and its rank among those started by `torchrun`."""

    def __init__(self, device: str):
        self.many = "WORLD_SIZE" in os.environ
        self.world = int(os.environ.get("WORLD_SIZE", 1))
        self.rank = int(os.environ.get("RANK", 0))
        self.first = self.rank == 0
        self.device = choose_device(device)
        if self.device.type == "cuda":
            self.device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        if self.many:
            dist.init_process_group("nccl" if self.device.type == "cuda" else "gloo")

    def wrap(self, network: nn.Module) -> nn.Module:
        """Wrap the network such that `backward` averages gradients over all processes."""
        if not self.many:
            return network
        # Without landmarks the facial parts have no gradient.
        return nn.parallel.DistributedDataParallel(network, find_unused_parameters=True)

    def autocast(self, precision: str) -> Any:
        """Return the context in which the network runs at `precision`."""
        return torch.autocast(self.device.type, torch.bfloat16) if precision == "bf16" else nullcontext()

    def close(self) -> None:
        if self.many:
            dist.destroy_process_group()


def _batches(config: TrainConfig, process: TrainingProcess, done: int) -> Iterator[list[Tensor]]:
    """Yield this process's part of each batch, from step `done` on."""
    if config.batch_size % process.world:
        raise BadSetting(
            f"A batch of {config.batch_size} pairs cannot be divided among {process.world} processes. Change "
            "batch_size."
        )
    share = config.batch_size // process.world
    order = []
    for step in range(done, config.steps):
        first = step * config.batch_size + process.rank * share
        pixels = (frame_side(config, 0) / frame_side(config, step)) ** 2
        order.append(list(range(first, first + max(1, round(share * min(1, pixels))))))
    return iter(DataLoader(TrainingPairs(config), batch_sampler=order, num_workers=config.n_workers))


def _optimizer(config: TrainConfig, network: nn.Module) -> tuple[torch.optim.Optimizer, Any]:
    """Return AdamW and a one-cycle learning rate schedule."""
    optimizer = torch.optim.AdamW(
        network.parameters(), config.learning_rate, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        config.learning_rate,
        total_steps=config.steps,
        pct_start=config.warmup_fraction,
        anneal_strategy="linear",
    )
    return optimizer, schedule


def _initial_network(config: TrainConfig) -> nn.Module:
    """Return the network to train, with `config.init_weights` if given."""
    network = srflownet.build_network(config.network, **config.network_settings)
    if config.init_weights is not None:
        path = Path(config.init_weights)
        srflownet.load_matching_weights(network, path / "weights.safetensors" if path.is_dir() else path)
    return network


@torch.no_grad()
def _update_average(average: dict[str, Tensor], network: nn.Module, keep: float) -> None:
    """Update the moving average of the network's weights."""
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            average[name].lerp_(tensor, 1 - keep)
        else:
            average[name].copy_(tensor)


def _save(out: Path, config: TrainConfig, state: dict[str, Any], step: int) -> None:
    """Write the checkpoint and the averaged weights."""
    parts = {name: part if name == "average" else part.state_dict() for name, part in state.items()}
    with atomic_replace(out / "checkpoint.pt") as path:
        torch.save({**parts, "step": step, "config": config.model_dump()}, path)
    note = f"step {step} of {config.steps}"
    srflownet.save_weights(
        out / "weights.safetensors", state["average"], config.network, config.network_settings, note
    )


def _resume(out: Path, config: TrainConfig, state: dict[str, Any], device: torch.device) -> int:
    """Load the checkpoint of `out` into `state` and return its number of steps; 0 without one."""
    path = out / "checkpoint.pt"
    if not path.exists():
        out.mkdir(parents=True, exist_ok=True)
        (out / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
        return 0
    saved = torch.load(path, map_location=device, weights_only=True)
    wanted = {key: value for key, value in config.model_dump().items() if key not in UNCHECKED_KEYS}
    claims.check_unchanged(out, saved["config"], wanted, "a training")
    for name in ("network", "optimizer", "schedule"):
        state[name].load_state_dict(saved[name])
    for name, tensor in saved["average"].items():
        state["average"][name].copy_(tensor)
    say(f"{out}: continuing after step {saved['step']} of {config.steps}.")
    return saved["step"]


def _validate(config: TrainConfig, average: dict[str, Tensor], device: torch.device) -> dict[str, float]:
    """Return the errors of the averaged network on pairs of the flow benchmark, px."""
    from flow.srflownet import validation

    network = srflownet.build_network(config.network, **config.network_settings).to(device)
    network.load_state_dict(average)
    return validation.benchmark_errors(network.eval(), config.n_validation_pairs)


if __name__ == "__main__":  # the entry point of torchrun
    import sys

    train(sys.argv[1], sys.argv[2])
