"""Does recognition hold up on the flow of other methods? Reads what claim_two.py has left in FOLDER.

    python -m benchmarks.recognition_by_flow FOLDER

Both synthetic composites, every flow method: `mer_net`, its predecessor and logistic regression, leave one
subject out, and the bundle that ships, which has seen none of these people. Runs are kept in FOLDER. Writes
FOLDER/recognition-by-flow.md.
"""

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pandas as pd

from benchmarks import default_bundle, hard_composite
from benchmarks.claim_two import GROUND_TRUTH
from flow import io
from flow.estimate import file_digest
from mer import bundle
from mer.evaluation import compare, run
from mer.evaluation.config import CvConfig
from mer.features import flow_image
from mer_core import markdown
from mer_core.io import write_text
from mer_core.progress import say

BEFORE = {"remove_head_motion": False, "deformation": False}  # an earlier mer_net
HEADER = [
    *("people", "flow", "logistic", "before", "mer_net", "vs. logistic", "95 %", "vs. before", "95 %"),
    *("bundle", "calibration error"),
]


@dataclass(frozen=True)
class FlowSource:
    """The flow of one method on one composite, as claim_two.py keeps it."""

    people: str
    label: str  # of the row in claim-two.md
    folder: Path  # of the composite
    name: str  # of its folders in `folder`/flow, maps and runs

    def run(self, classifier: str) -> Path:
        return self.folder / "runs" / classifier / self.name

    def clips(self) -> list[hard_composite.Clip]:
        return [
            clip
            for clip in hard_composite.clips()
            if (self.folder / "maps" / self.name / f"{clip.name}.npy").is_file()
        ]

    def flow(self, clip: hard_composite.Clip, frames: hard_composite.Frames) -> np.ndarray:
        """Return (H, W, 2) float32 px."""
        if self.label == GROUND_TRUTH:
            return frames.flow
        return io.read(self.folder / "flow" / self.name / f"{clip.name}.npz")


def sources(folder: Path) -> list[FlowSource]:
    """Return the rows of FOLDER/claim-two.csv, each once."""
    table = pd.read_csv(folder / "claim-two.csv").drop_duplicates(["people", "folder"])
    return [
        FlowSource(row.people, row.label, folder / row.people, row.folder)
        for row in table.itertuples(index=False)
    ]


def cross_validated(source: FlowSource) -> list[compare.ComparedRun]:
    """Return the scores of `mer_net`, and of logistic regression and the predecessor compared with it."""
    before = source.run("mer_net-before")
    if not (before / "metrics.json").is_file():
        maps = source.folder / "maps" / source.name
        config = CvConfig(classifier="mer_net", classifier_settings=BEFORE, seeds=1)
        run.cross_validate_maps(maps, maps / "index.csv", config, before, synthetic=True)
    return list(compare.compare([source.run("mer_net"), source.run("logistic"), before]))


def bundle_scores(shipped: bundle.Bundle, source: FlowSource) -> dict[str, float]:
    """Return UF1 and calibration error of the bundle over the emotions, see `default_bundle.scores`."""
    features, labels = [], []
    for clip in source.clips():
        frames = hard_composite.read(source.folder / "frames", clip)
        flow = source.flow(clip, frames)
        features.append(flow_image.extract(flow, frames.landmarks, **shipped.recipe.feature_settings))
        labels.append(default_bundle.EMOTIONS.index(clip.label))
    p = default_bundle.three_classes(shipped.predict_proba(np.stack(features)))
    return default_bundle.scores(p, np.array(labels))


def measure(shipped: bundle.Bundle, source: FlowSource) -> dict[str, object]:
    """Return one line of the table under the names of `HEADER`; differences are those of `mer_net`."""
    say(f"{source.people}: {source.label}")
    ours, *others = cross_validated(source)
    zero_shot = bundle_scores(shipped, source)
    line: dict[str, object] = {"people": source.people, "flow": source.label, "mer_net": ours.uf1}
    line |= {"bundle": zero_shot["uf1"], "calibration error": zero_shot["calibration error"]}
    for name, other in zip(("logistic", "before"), others):
        assert other.difference is not None and other.difference_interval is not None
        low, high = other.difference_interval
        line |= {
            name: other.uf1,
            f"vs. {name}": -other.difference,
            f"{name} low": -high,
            f"{name} high": -low,
        }
    return line


def page(table: pd.DataFrame) -> str:
    """Return docs/results/recognition-by-flow.md."""
    rows = []
    for line in table.to_dict("records"):
        cells = [line["people"], line["flow"], *(f"{line[name]:.3f}" for name in HEADER[2:5])]
        for name in ("logistic", "before"):
            cells += [
                f"{line[f'vs. {name}']:+.3f}",
                f"{line[f'{name} low']:+.3f} to {line[f'{name} high']:+.3f}",
            ]
        rows.append([*cells, f"{line['bundle']:.3f}", f"{line['calibration error']:.3f}"])
    above = {name: int((table[f"vs. {name}"] > 0).sum()) for name in ("logistic", "before")}
    sure = int((table["logistic low"] > 0).sum())
    people = table.groupby("people", sort=False)
    mean = {name: people[f"vs. {name}"].mean() for name in above}
    gains = ", ".join(
        f"{mean['logistic'][who]:+.3f} and {mean['before'][who]:+.3f} on {who} people"
        for who in people.groups
    )
    return f"""# Recognition by flow method

`mer_net` is above logistic regression with {above["logistic"]} of {len(table)} sources of flow (the
interval excludes zero with {sure}) and above its predecessor with {above["before"]}; on average by {gains}.
The bundle that ships, which has seen none of these people, has UF1 {table["bundle"].min():.3f} to
{table["bundle"].max():.3f}.

{markdown.format_table(HEADER, rows, numbers_from=2)}

- **Data**: the synthetic composites of [claim-two](claim-two.md), which was not made for this question.
  What the bundle is fitted on was chosen with some of its scores here in view, nothing else. Leave one
  subject out; the differences are those of `mer_net`, with 95 % over subjects, resampled jointly.
- *Before* is an earlier `mer_net`: head motion kept, no view of the deformation.
- **The bundle** (weights {file_digest(bundle.default_path() / bundle.WEIGHTS_FILE)[:8]}) was fitted on
  motion of the same scans as those of the *scanned* people and of muscles like those of the *rendered*
  people, on other heads. Its calibration error is over the three emotions, `other` dropped and the rest
  renormalised.
- **These are not scores of people.** The table shows what changes with the flow.

```
python -m benchmarks.recognition_by_flow FOLDER
```
"""


@click.command(help=__doc__.splitlines()[0])
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    shipped = bundle.load(bundle.default_path())
    text = page(pd.DataFrame([measure(shipped, source) for source in sources(folder)]))
    write_text(folder / "recognition-by-flow.md", text)
    click.echo(text)


if __name__ == "__main__":
    main()
