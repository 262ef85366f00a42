"""What each part and switch of `mer_net` is worth: leave-one-subject-out on ready-made maps with one thing changed at a time.

    python -m benchmarks.mer_net_ablation MAPS INDEX --out runs/ablation

Every variant is a run like those of `mer cv`, kept in its folder, so that an interrupted table goes on where it stopped. Nothing is
chosen by the table; it is printed whole.
"""

import argparse
from pathlib import Path

from mer.evaluation import compare
from mer.evaluation.config import CvConfig
from mer_core.progress import say

# A short way from weights that saw synthetic motion alone; `from scratch` needs longer, as the defaults of mer_net have it.
NETWORK = {"kernel": False, "networks": 1, "start": "box", "steps": 30, "learning_rate": 1e-3}
# First the one that the others are compared with, then what is changed about it.
PARTS = {
    "mer_net": {},
    "kernel without mirror": {"mirror": False},
    "kernel without balance": {"balanced": False},
    "kernel without levelling": {"level": False},
    "network alone": NETWORK,
    "kernel and network": {**NETWORK, "kernel": True},
}
SWITCHES = {
    "network alone": NETWORK,
    "without mirror": {**NETWORK, "mirror": False},
    "without mirror in the test": {**NETWORK, "test_mirror": False},
    "without shift and zoom": {**NETWORK, "shift": 0.0, "zoom": 0.0},
    "without rotation": {**NETWORK, "rotation": 0.0},
    "without amplitude": {**NETWORK, "amplitude": 0.0},
    "without mixup": {**NETWORK, "mixup": 0.0},
    "without label smoothing": {**NETWORK, "smoothing": 0.0},
    "without balance": {**NETWORK, "balanced": False},
    "without weight decay": {**NETWORK, "weight_decay": 0.0},
    "without averaged weights": {**NETWORK, "average": 0.0},
    "without synthetic start": {**NETWORK, "start": "none"},
    "from scratch, 100 steps": {"kernel": False, "networks": 1},
    "three networks": {**NETWORK, "networks": 3},
}


def run(maps: str | Path, index: str | Path, out: str | Path, seeds: int = 5) -> str:
    """Run every variant that is not there yet, and return both tables as Markdown. The kernel alone has no seed, so one is enough."""
    from mer.evaluation.run import cross_validate_maps

    out = Path(out)
    for name, settings in {**PARTS, **SWITCHES}.items():
        if not (out / name / "metrics.json").is_file():
            config = CvConfig(
                classifier="mer_net",
                classifier_settings=settings,
                seeds=seeds if settings.get("networks") else 1,
            )
            cross_validate_maps(maps, index, config, out / name)
            say(f"{name}: done")
    return "\n\n".join(table([out / name for name in group]) for group in (PARTS, SWITCHES))


def table(runs: list[Path]) -> str:
    """Markdown of `runs`, each compared with the first."""
    lines = [
        "| variant | UF1 | 95 % over subjects | UAR | less the first | 95 % |",
        "|---|---|---|---|---|---|",
    ]
    for row in compare.compare(runs):
        less = (
            "| "
            if row.difference is None
            else f"{row.difference:+.3f} | {row.difference_interval[0]:+.3f} to {row.difference_interval[1]:+.3f}"
        )
        lines.append(
            f"| {Path(row.run).name} | {row.uf1:.3f} | {row.interval[0]:.3f} to {row.interval[1]:.3f} | {row.uar:.3f} | {less} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mer_net_ablation", description="Ablation of mer_net on ready-made maps."
    )
    parser.add_argument("maps", type=Path)
    parser.add_argument("index", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    print(run(given.maps, given.index, given.out, given.seeds))


if __name__ == "__main__":
    main()
