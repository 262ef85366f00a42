"""Fine-tuning of RAFT on the flow networks' training pairs, for `benchmarks/first_claim.py`.

Not a method of its own: the result is a weights file that flow method `raft` reads.
"""

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import interpolate

from flow import photometric
from flow.methods.raft import read_network
from flow.srflownet.data.mixture import SourceMixture
from flow.srflownet.losses import sequence_loss
from mer_core import claims
from mer_core.io import atomic_replace, write_json
from mer_core.progress import say

SCALE = 3  # frames are enlarged as in use: the best scale of the released network
SAVE_EVERY = 25  # steps


@dataclass(frozen=True)
class FineTuning:
    """What a training depends on, besides the weights it starts from and the folder of rendered faces.

    Attributes
    ----------
    shares : dict
        Source -> fraction of the pairs, see `flow.srflownet.data.mixture.SourceMixture`.
    size : int
        Side of a training frame, px.
    batch : int
        Pairs per step.
    updates : int
        Refinement steps of RAFT.
    peak : (float, float)
        Range of the largest motion of a generic pair, px.
    learning_rate : float
        Top of its one cycle.
    clip : float
        Largest norm of a gradient.
    """

    shares: dict[str, float]
    seed: int
    steps: int
    size: int = 96
    batch: int = 1
    updates: int = 4
    peak: tuple[float, float] = (0.1, 12.0)
    learning_rate: float = 1e-4
    weight_decay: float = 1e-5
    clip: float = 1.0


def fine_tune(start: Path, settings: FineTuning, pool: Path, out: Path) -> Path:
    """Train RAFT on from `start` and return OUT/weights.safetensors.

    A training that was interrupted goes on from OUT/checkpoint.pt, one that is done is not repeated. The loss
    is that of the flow networks (`flow.srflownet.losses.sequence_loss`); brightness is matched as in use.
    """
    network = read_network(start).train()
    optimizer = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        settings.learning_rate,
        total_steps=settings.steps,
        pct_start=0.1,
        anneal_strategy="linear",
    )
    state = {"network": network, "optimizer": optimizer, "schedule": schedule}
    step, seconds, losses = _resume(out, settings, state)
    pairs = SourceMixture(settings.shares, settings.seed, settings.size, settings.peak, pool_folder=pool)
    while step < settings.steps:
        began = time.process_time()
        onset, apex, truth = _batch(pairs, range(step * settings.batch, (step + 1) * settings.batch))
        flows = network(onset, apex, num_flow_updates=settings.updates)
        loss = sequence_loss([_to_frame(flow) for flow in flows], truth)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
        optimizer.step()
        schedule.step()
        step, seconds = step + 1, seconds + time.process_time() - began
        losses.append(float(loss.detach()))
        if step % SAVE_EVERY == 0 or step == settings.steps:
            _save(out, settings, state, {"step": step, "seconds": seconds, "losses": losses})
            mean = np.mean(losses[-SAVE_EVERY:])
            say(
                f"{out.name}: step {step} of {settings.steps}, loss {mean:.4f}, {seconds / step:.2f} s a step"
            )
    return out / "weights.safetensors"


def _batch(pairs: SourceMixture, indices: range) -> tuple[Tensor, Tensor, Tensor]:
    """Return frames (N, 3, H', W') in [-1, 1], enlarged, and motion (N, 2, H, W) px of the frame."""
    drawn = [pairs[index] for index in indices]
    apexes = [photometric.match(pair.onset, pair.apex) for pair in drawn]
    frames = (np.stack([pair.onset for pair in drawn]), np.stack(apexes))
    onset, apex = (
        interpolate(
            torch.from_numpy(side).permute(0, 3, 1, 2).float() / 127.5 - 1,
            scale_factor=SCALE,
            mode="bicubic",
            align_corners=False,
        )
        for side in frames
    )
    motion = np.stack([pair.flow for pair in drawn]).astype(np.float32)
    return onset, apex, torch.from_numpy(motion).permute(0, 3, 1, 2)


def _to_frame(flow: Tensor) -> Tensor:
    """Bring the flow of enlarged frames back to the frame and its px."""
    return interpolate(flow, scale_factor=1 / SCALE, mode="bilinear", align_corners=False) / SCALE


def _save(out: Path, settings: FineTuning, state: dict, progress: dict) -> None:
    parts = {name: part.state_dict() for name, part in state.items()}
    with atomic_replace(out / "checkpoint.pt") as path:
        torch.save({**parts, **progress, "settings": asdict(settings)}, path)
    with atomic_replace(out / "weights.safetensors") as path:
        save_file({name: tensor.contiguous() for name, tensor in parts["network"].items()}, path)
    write_json(out / "progress.json", progress)


def _resume(out: Path, settings: FineTuning, state: dict) -> tuple[int, float, list[float]]:
    """Load OUT's checkpoint into `state`; return its step, CPU seconds and the loss of each step."""
    path = out / "checkpoint.pt"
    if not path.exists():
        return 0, 0.0, []
    saved = torch.load(path, weights_only=True)
    claims.check_unchanged(out, saved["settings"], asdict(settings), "a training")
    for name, part in state.items():
        part.load_state_dict(saved[name])
    return saved["step"], saved["seconds"], saved["losses"]
