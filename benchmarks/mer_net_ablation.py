"""Ablation of `mer_net`: leave-one-subject-out on ready-made maps with one thing changed at a time.

    python -m benchmarks.mer_net_ablation MAPS INDEX --out runs/ablation

Every variant is a run like those of `mer cv`, kept in its folder, so that an interrupted table goes on where
it stopped. Nothing is chosen by the table; it is printed whole.
"""

import argparse
from pathlib import Path

from mer.evaluation import compare
from mer.evaluation.config import CvConfig
from mer_core.progress import say

# First the one that the others are compared with, then what is changed about it: classifier and settings.
VARIANTS = {
    "mer_net": ("mer_net", {}),
    "without deformation": ("mer_net", {"deformation": False}),
    "head motion kept": ("mer_net", {"remove_head_motion": False}),
    "without both, as before": ("mer_net", {"deformation": False, "remove_head_motion": False}),
    "without mirror": ("mer_net", {"mirror": False}),
    "without balance": ("mer_net", {"balanced": False}),
    "without levelling": ("mer_net", {"level": False}),
    "light_net": ("light_net", {}),
    "logistic": ("logistic", {}),
}


def run(maps: str | Path, index: str | Path, out: str | Path, seeds: int = 5) -> str:
    """Run every variant that is not there yet, and return the table as Markdown."""
    from mer.evaluation.run import cross_validate_maps

    out = Path(out)
    for name, (classifier, settings) in VARIANTS.items():
        if not (out / name / "metrics.json").is_file():
            config = CvConfig(
                classifier=classifier,
                classifier_settings=settings,
                seeds=seeds if classifier == "light_net" else 1,  # nothing else is random
            )
            cross_validate_maps(maps, index, config, out / name)
            say(f"{name}: done")
    return table([out / name for name in VARIANTS])


def table(runs: list[Path]) -> str:
    """Return Markdown of `runs`, each compared with the first."""
    lines = [
        "| variant | UF1 | 95 % over subjects | UAR | ΔUF1 | 95 % |",
        "|---|---|---|---|---|---|",
    ]
    for row in compare.compare(runs):
        gain = "| "
        if row.difference is not None and row.difference_interval is not None:
            low, high = row.difference_interval
            gain = f"{row.difference:+.3f} | {low:+.3f} to {high:+.3f}"
        lines.append(
            f"| {Path(row.run).name} | {row.uf1:.3f} | {row.interval[0]:.3f} to {row.interval[1]:.3f} | "
            f"{row.uar:.3f} | {gain} |"
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
