"""The model card of the bundle that ships (default_bundle.py)."""

from mer.recipe import Recipe
from mer_core import markdown

MOTION = "motion of the face"  # name of its range in a recipe
UNFITTED = {"laugh": "laughs", "crying": "crying faces", "yawn": "yawns", "other": "that speak, chew or look"}
HEADER = ["measured on", "clips", "UF1", "calibration error", "given a label", "of these right"]
CARD = """# Bundle: synthetic

The bundle that ships with mer and that `mer score CLIP` uses by default.

- **Fitted on** {fitted:,} motion maps of scanned expressions on {people} random heads
  (`benchmarks/scanned_maps.py`): emotions as sets of action units, and speech, chewing, gaze, blinks and
  turns of the head as `other`. No clip of a real person was fitted.
- **Input**: onset and apex, aligned to {recipe.face_size} px; landmarks by MediaPipe {recipe.face_model};
  flow by `{recipe.method}` {recipe.method_options};
  the head's motion removed; feature `{recipe.feature}` {recipe.feature_settings}.
- **Output**: probabilities of {labels} (happiness is positive; anger, contempt, disgust, fear, sadness and
  repression are negative). Where `other` is the likeliest, no label is given.

## Scores

{table}

UF1 and calibration error are over all clips, without `other`, the other probabilities renormalised.

- **First row**: read by exactly these weights; no flow network is involved. Always negative has UF1 .237. {smiles_found} of
  {smiles} smiles are found. **The recipes and the noise were designed with the labels of these clips in view**,
  though no weight was fitted to them: expect less elsewhere.
- **Other rows**: the recipes of training, played by other people and measured through camera, face mesh and flow
  network (weights {flow_weights}). They show what measuring costs, not how well real people are read.
- No score on real videos of micro-expressions is known. docs/results/acted-clips.md shows what the bundle says of
  a few acted expressions.

## When no label is given

Where the likeliest label has a probability below {recipe.min_confidence}, and outside the ranges in bundle.json. Two of them:

- **Motion of the face** (mean of the three parts that move most, % of the inter-ocular distance), with flow
  weights {flow_weights}. Labels are given from {low:g} to {high:g} %, the motion of the second row; below
  {recipe.min_motion} % motion cannot be told from noise. {rest:.0%} of the portraits at rest that did not set
  this limit get no label, and {other:.0%} of those that speak, chew, blink, look or turn. Larger motion gets confident
  labels whether it is an emotion or not. Without the upper limit, labels would go to {unfitted}.
- **Duration**: an expression longer than {duration:g} s gets no label. A smile of two seconds is not a
  micro-expression, however small.

## Limits

- The bundle names the class that a motion between two frames resembles. It does not know what a person feels,
  is **not a lie detector**, and is no ground for a decision about a person.
- A small laugh gets the label of a smile, with the same confidence.
- The scans come from ICT Face Model Light (Li et al., CVPR 2020; MIT licence, notice in
  flow/weights/head-reduced.md).

Made by `python -m benchmarks.default_bundle`. MIT, as the project.
"""


def card(
    recipe: Recipe,
    flow_weights: str,
    small: dict[str, float],
    large: dict[str, float],
    real: dict[str, float],
) -> str:
    """Return the README of the bundle.

    Parameters
    ----------
    flow_weights : str
        First digits of the SHA-256 of the flow network's weights that read the portraits.
    small, large, real : dict
        Scores of `default_bundle.on_portraits` on small and on large motion, and of `score_real`.
    """
    low, high = recipe.validated_ranges[MOTION]
    rows = {
        f"real micro-expressions of {real['people']} subjects, ready-made maps (designed on)": real,
        f"portraits of {small['people']} people moved by scanned expressions, motion "
        f"{small['least motion']:.2f} to {small['most motion']:.2f} %": small,
        f"the same people, motion {large['least motion']:.2f} to {large['most motion']:.2f} %": large,
    }
    unfitted = [
        f"{round((1 - large[f'{kind} without label']) * large[f'{kind} clips'])} of {large[f'{kind} clips']} {words}"
        for kind, words in UNFITTED.items()
        if f"{kind} clips" in large
    ]
    return CARD.format(
        recipe=recipe,
        fitted=sum(recipe.clips_per_label.values()),
        people=recipe.n_subjects,
        labels=", ".join(recipe.labels),
        table=markdown.format_table(HEADER, [_cells(what, scores) for what, scores in rows.items()]),
        smiles_found=real["smiles found"],
        smiles=real["smiles"],
        flow_weights=flow_weights,
        low=low,
        high=high,
        rest=small["rest without label"],
        other=small["other without label"],
        unfitted=", ".join(unfitted),
        duration=recipe.validated_ranges["duration"][1],
    )


def _cells(what: str, scores: dict[str, float]) -> list[str]:
    return [
        what,
        str(scores["clips"]),
        f"{scores['uf1']:.3f}",
        f"{scores['calibration error']:.3f}",
        f"{scores['given']:.0%}",
        f"{scores['right of given']:.0%}",
    ]
