"""What a feature is worth on synthetic motion, with the head's motion kept and removed.

    python -m benchmarks.features --people 24

The motion is that of benchmarks/synthetic_maps.py in the crop of `mer prepare`: twenty clips a person, the
head moving between a twentieth and seven tenths as far as the expression, or `--head` times that. Leave one
person out. It says how features cope with a moving head when the flow is known but for blur and noise, and
nothing about how well they do on people.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.synthetic_maps import LABELS, label_of, motions
from mer.evaluation import cross_validation, metrics
from mer.evaluation.config import CvConfig
from mer_core import markdown, registry
from mer_core.progress import say, track

# feature -> the classifier that reads it
FEATURES = {"flow_image": "mer_net", "roi_flow": "logistic", "hoof": "logistic", "mdmo": "logistic"}


def clips(people: int, seed: int, head: float) -> tuple[pd.DataFrame, list[tuple[np.ndarray, np.ndarray]]]:
    """Return the table of clips, and flow and landmarks of each."""
    rows, found = [], []
    for person in track(range(people), "synthetic people"):
        for i, (flow, landmarks, emotion) in enumerate(motions([seed, person], head)):
            rows.append(
                {
                    "clip_id": f"engine/{person:03d}/{i:02d}",
                    "dataset": "engine",
                    "subject": f"{person:03d}",
                    "clip": f"{i:02d}",
                    "label": label_of(emotion),
                }
            )
            found.append((flow, landmarks))
    return pd.DataFrame(rows), found


def measure(people: int, seed: int = 1, head: float = 1.0) -> str:
    """Return Markdown: UF1 of each feature with its interval over people, head motion kept and removed."""
    table, found = clips(people, seed, head)
    rows = []
    for feature, classifier in FEATURES.items():
        extract = registry.load("mer.features", feature).extract
        cells = []
        for remove_head_motion in (False, True):
            X = np.stack(
                [extract(flow, landmarks, remove_head_motion=remove_head_motion) for flow, landmarks in found]
            )
            with tempfile.TemporaryDirectory() as out:
                predictions = cross_validation.cross_validate(
                    table, X, CvConfig(classifier=classifier, seeds=1), Path(out) / "run", LABELS
                )
            scores = metrics.summarize(predictions, LABELS)
            low, high = scores["interval95"]["uf1"]
            cells += [f"{scores['uf1']:.3f}", f"{low:.3f} to {high:.3f}"]
        rows.append([f"`{feature}`", f"`{classifier}`", *cells])
        say(" ".join(rows[-1]))
    over = "95 % over people"
    return markdown.format_table(["feature", "classifier", "head motion kept", over, "removed", over], rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.features",
        description="Features on synthetic motion, with and without head motion.",
    )
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--head", type=float, default=1.0, help="times the usual head motion")
    given = parser.parse_args()
    print(measure(given.people, given.seed, given.head))


if __name__ == "__main__":
    main()
