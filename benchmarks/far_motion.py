"""From which motion on is flow less wrong if landmarks begin it?

    python -m benchmarks.far_motion --page docs/results/far-motion.md

Rendered people smile or open the mouth, while the head stays or moves. The motion of the sites of the face,
without the head's, is compared with the truth: as flow gives it, as flow begun by landmarks does
(`mer.inference.far_motion`), and as landmarks alone do.
"""

import argparse
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_prep.align import transform_points
from data_prep.landmarks import interocular
from flow.splatting.actor import Actor, face_state
from flow.splatting.camera import HeadPose
from flow.splatting.expression import GOOD_CAMERA
from mer.bundle import default_path
from mer.inference import models
from mer.inference.head_motion import POINTS, head_motion_basis, subtract_head_motion
from mer.inference.motion import FAR, AlignedPair, align_pair, measure_pair
from mer.inference.site_motion import PER_CENT, at_sites, strength
from mer_core import markdown
from mer_core.io import write_text
from mer_core.progress import track

PEOPLE, SIDE = (301, 302), 320  # seeds; px of a frame
EXPRESSIONS = ({"12": 1.0, "6": 0.6}, {"26": 1.0, "25": 0.5})
PEAKS, SHIFTS = (2, 8, 16, 24), (0, 10, 30)  # per cent of the inter-ocular distance: farthest point, head
ROLL = 1 / 6  # degrees per per cent of the head's shift


class Case(NamedTuple):
    """One pair; per cent of the inter-ocular distance."""

    peak: int
    shift: int
    true: float  # strength of the true motion
    flow: float  # strength of the error of flow
    begun: float  # the same, begun by landmarks
    landmarks: float  # the same, of landmarks alone


def measure(person: int, actions: dict[str, float], peak: int, shift: int) -> Case | None:
    """Render and measure one pair; None if no face is found in it."""
    actor, mesh = Actor(person, SIDE), models.get_mesh()
    unit = interocular(np.pad(actor.landmarks(), ((0, 10), (0, 0)), mode="edge")) / PER_CENT
    intensity = actor.intensity(actions, peak * unit)
    shown = {name: intensity * value for name, value in actions.items()}
    cm_per_px = actor.scene.camera.distance / actor.scene.camera.focal
    pose = HeadPose(shift=(shift * unit * cm_per_px, 0.0, 0.0), roll=ROLL * shift)
    rng = np.random.default_rng(person)
    images = [
        actor.frame(sensor=GOOD_CAMERA, number=0, rng=rng),
        actor.frame(shown, head=pose, sensor=GOOD_CAMERA, number=1, rng=rng),
    ]
    found = [mesh.landmarks(image) for image in images]
    if any(points is None for points in found):
        return None
    boxes = [np.concatenate([points.min(0), points.max(0)]) for points in found]
    recipe = models.get_recipe(str(default_path()))
    pairs = [align_pair(images, boxes[0], recipe.clip_input.face_size, box) for box in (None, boxes[1])]
    true_points = [actor.landmarks(), actor.landmarks(face_state(shown, pose))]
    truth = _sites(pairs[0], *(transform_points(points, pairs[0].matrix) for points in true_points))
    size = interocular(pairs[0].landmarks) / PER_CENT
    measured = [at_sites(measure_pair(pair, recipe).facial.points) / size for pair in pairs]
    if (apex := pairs[1].apex_landmarks) is None:
        return None
    measured.append(_sites(pairs[1], pairs[1].landmarks[:POINTS], apex[:POINTS]))
    return Case(peak, shift, float(strength(truth)), *(float(strength(one - truth)) for one in measured))


def _sites(pair: AlignedPair, onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
    """Return the motion of the sites without the head's, (17, 2) per cent of the inter-ocular distance."""
    motion = subtract_head_motion(head_motion_basis(onset.astype(float)), (apex - onset).astype(float))
    return at_sites(motion) / interocular(pair.landmarks) * PER_CENT


PAGE = """# From which motion on is flow less wrong if landmarks begin it?

From about a tenth of the inter-ocular distance, of face or head. Beyond {far:g} %, `mer score` therefore
measures regions and action units on flow that landmarks begin; the bundle still reads the plain flow, as it
did in training. Such motion is outside the bundle's ranges, so no label depends on it.

{table}

Median errors of the three sites that move most wrongly, per cent of the inter-ocular distance, as the motion.

**Data**: {n} pairs of {people} rendered people, smiling or opening the mouth; the head stays or shifts and
rolls (by a degree per six per cent). Flow weights {flow}.

```
python -m benchmarks.far_motion --page docs/results/far-motion.md
```
"""


def summary(cases: list[Case]) -> str:
    """Return Markdown: a row for each shift of the head and peak of the expression."""
    header = ["head", "farthest point of the face", "motion", "flow", "begun by landmarks", "landmarks alone"]
    rows = []
    for shift, peak in product(SHIFTS, PEAKS):
        part = [case for case in cases if (case.shift, case.peak) == (shift, peak)]
        medians = np.median([case[2:] for case in part], axis=0)
        rows.append([str(shift), str(peak), *(f"{value:.1f}" for value in medians)])
    return markdown.format_table(header, rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.far_motion", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--page", type=Path, required=True, help="Markdown page to write")
    given = parser.parse_args()
    todo = list(product(PEOPLE, EXPRESSIONS, PEAKS, SHIFTS))
    cases = [case for one in track(todo, "Pairs") if (case := measure(*one))]
    recipe = models.get_recipe(str(default_path()))
    flow = models.get_method(recipe.clip_input.method, recipe.method_options).weights
    page = PAGE.format(
        far=FAR, table=summary(cases), n=len(cases), people=len(PEOPLE), flow=(flow or "none")[:8]
    )
    write_text(given.page, page)


if __name__ == "__main__":
    main()
