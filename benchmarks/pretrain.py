"""A classifier that has seen no real clip: `mer_net`'s network fitted on synthetic maps, frozen in mer/weights.

    python -m benchmarks.pretrain --crop aligned                              fit, and write mer/classifiers/mer_net/weights/synthetic-aligned.*
    python -m benchmarks.pretrain --crop box --score maps index.csv           what the frozen weights get on maps of real clips

The frozen network scores clips as it is (zero-shot), and is where `mer_net` with `start: aligned` or `start: box` goes on from.
`aligned` is for maps of the aligned face (`mer prepare`), `box` for ready-made maps cut along the face's bounding box.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

from benchmarks.synthetic_maps import CROPS, LABELS, make_maps
from mer.classifiers.mer_net import Classifier
from mer.classifiers.mer_net.network import FROZEN, frozen
from mer.evaluation import metrics
from mer.evaluation.flow_maps import read_maps
from mer_core.io import replacing, write_text
from mer_core.progress import say

# A network alone, because the kernel would keep all maps; the changes of training come on top of the variety of the maps.
SETTINGS = dict(kernel=False, networks=1, steps=800, mixup=0.0, weight_decay=1e-3)
MAPS, SEED = 12_000, 0


def fit_synthetic(crop: str = "aligned", maps: int = MAPS, seed: int = SEED, **settings) -> Classifier:
    """Return `mer_net` fitted on synthetic maps alone; the labels are those of `synthetic_maps.LABELS`."""
    X, y, _ = make_maps(maps, seed, crop)
    return Classifier(random_state=seed, **{**SETTINGS, **settings}).fit(X, y)


def load(crop: str = "aligned") -> Classifier:
    """The frozen zero-shot classifier: `predict_proba(X)` for maps (N, 3, H, W) gives negative, positive, surprise.

    Raises `BadInput` for a name without frozen weights.
    """
    fitted = Classifier(classes=range(len(LABELS)), random_state=SEED, **SETTINGS)
    fitted.classes_ = np.arange(len(LABELS))
    fitted.networks_, fitted.kernel_ = [frozen(crop)], None
    return fitted


def score(crop: str, maps: str, index: str) -> tuple[np.ndarray, float]:
    """Confusion counts (rows are the truth) and UF1 of the frozen classifier on maps of real clips, none of which it has seen."""
    table, X = read_maps(maps, index)
    said = [LABELS[i] for i in load(crop).predict_proba(X).argmax(1)]
    counts = metrics.confusion(table["label"], said, LABELS)
    return counts, float(metrics.scores(counts)["uf1"])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pretrain",
        description="Fit mer_net on synthetic motion maps, or score the frozen weights.",
    )
    parser.add_argument("--crop", choices=CROPS, default="aligned")
    parser.add_argument("--maps", type=int, default=MAPS, help="synthetic maps to fit on")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=FROZEN, help="folder of the weights")
    parser.add_argument(
        "--score", nargs=2, metavar=("MAPS", "INDEX"), help="score the frozen weights on these maps instead"
    )
    given = parser.parse_args()
    if given.score:
        counts, uf1 = score(given.crop, *given.score)
        print(
            "\n".join(
                [
                    f"truth {label}: " + ", ".join(f"{n} {name}" for name, n in zip(LABELS, row))
                    for label, row in zip(LABELS, counts)
                ]
            )
        )
        print(f"UF1 {uf1:.4f}, no real clip seen")
        return
    torch.set_num_threads(1)  # so that the weights come out the same on any machine of a kind
    fitted = fit_synthetic(given.crop, given.maps, given.seed)
    path = given.out / f"synthetic-{given.crop}.safetensors"
    with replacing(path) as temporary:
        save_file(fitted.state()[0], temporary)
    write_text(path.with_suffix(".md"), card(given.crop, given.maps, given.seed))
    say(f"Wrote {path}")


def card(crop: str, maps: int, seed: int) -> str:
    """The model card of the frozen weights."""
    cut = {
        "aligned": "the aligned face of `mer prepare`",
        "box": "the face's bounding box with the forehead, stretched to a square",
    }[crop]
    return f"""# synthetic-{crop}

`mer_net`'s network (`mer/classifiers/mer_net/network.py`, 5,955 weights, 24 kB), fitted on synthetic motion and nothing else.

- **Data.** {maps} motion maps of {maps // 20} people who do not exist (`benchmarks/synthetic_maps.py`, seed {seed}, cut along {cut}): muscles of
  `flow/splatting/muscles.py`, emotions as sets of action units (`recipes.py`, from published coding manuals), head motion, lids,
  stray units, blur and noise. No picture, no person, no licensed data.
- **Made by** `python -m benchmarks.pretrain --crop {crop} --maps {maps} --seed {seed}`; settings in `benchmarks/pretrain.py`.
- **In**: u, v and strain, (N, 3, H, W) in any unit, each levelled by itself. **Out**: probabilities of negative, positive, surprise.
- **Score** on real clips, zero-shot and as a start for training: docs/results/real-flow-dev.md.
- **Cannot**: read minds. It names the recipe whose muscles a motion resembles; that happiness is `positive` is a convention of
  the datasets. Its probabilities are not calibrated, and its negative is six recipes that have little in common.
- **Licence**: MIT, as the project.
"""


if __name__ == "__main__":
    main()
