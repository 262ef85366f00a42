"""The model card of the bundle that ships (default_bundle.py)."""

from mer.recipe import Recipe
from mer_core import markdown

MOTION = "motion of the face"  # name of its range in a recipe
UNFITTED = {"laugh": "laughs", "crying": "crying faces", "yawn": "yawns", "other": "that speak, chew or look"}
HEADER = ["measured on", "clips", "UF1", "calibration error", "given a label", "of these right"]
CARD = """# Bundle: synthetic

The bundle that ships with mer and that `mer score CLIP` uses by default.

- **Fitted on** motion of scanned expressions and of muscles made by hand: {recorded:,} recorded pairs, which
  count ten times each, and {modelled:,} modelled maps (two thirds of them `benchmarks/scanned_maps.py`, the
  others `benchmarks/synthetic_maps.py`; motion with blur and noise); {people} people in all. Recorded are
  portraits and rendered heads (`benchmarks/recorded_maps.py`), read as a clip is: through cameras like those
  of the datasets (200 fps grey, 100 fps colour, 30 fps H.264), aligned, and measured by the flow network
  (hashes of weights and code: {network}). Emotions are sets of action units; speech, chewing, gaze, blinks,
  yawns, smirks and turns of the head are `other`. No video of a real person was fitted.
- **Input**: onset and apex, aligned to {recipe.face_size} px; landmarks by MediaPipe {recipe.face_model};
  flow by `{recipe.method}` {recipe.method_options};
  the head's motion removed; feature `{recipe.feature}` {recipe.feature_settings}.
- **Output**: probabilities of {labels} (happiness is positive; anger, contempt, disgust, fear, sadness and
  repression are negative). Where `other` is the likeliest, no label is given.

## Scores

{table}

UF1 and calibration error are over all clips, without `other`, the other probabilities renormalised.

- **First row**: read by exactly these weights; no flow network is involved. Always negative has UF1 .237.
  {smiles_found} of {smiles} smiles are found. **The recipes and the noise were designed with the labels of
  these clips in view**, though no weight was fitted to them: expect less elsewhere.
- **Other rows**: the recipes of training, played by other people and measured through camera, face mesh and
  flow network ({network}). Rendered people and portraits move by the same muscles and scans as those
  that were fitted, so they show what measuring costs. Neither shows how well real people are read.
- No score on real videos of micro-expressions is known. docs/results/acted-clips.md shows what the bundle
  says of a few acted expressions.

## When no label is given

Where the likeliest label has a probability below {recipe.min_confidence:g}
(docs/results/label-validation.md says why), and outside the ranges in bundle.json. Two of them:

- **Motion of the face** (mean of the three parts that move most, % of the inter-ocular distance), with the
  flow network {network}. Labels are given from {low:g} %, which most films at the detection limit reach
  (docs/results/label-validation.md), to {high:g} %, the most motion of the third row; below
  {recipe.min_motion} % motion cannot be told from noise. {rest:.0%} of the portraits at rest that did not
  set this limit get no label, and {other:.0%} of those that speak, chew, blink, look or turn. Larger motion
  gets confident labels whether it is an emotion or not. Without the upper limit, labels would go to
  {unfitted}.
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


def card(recipe: Recipe, network: str, n_recorded: int, found: dict[str, dict[str, float]]) -> str:
    """Return the README of the bundle.

    Parameters
    ----------
    recipe : Recipe
        Of the bundle.
    network : str
        The flow network that read all that was recorded, `measured_clips.People.network`.
    n_recorded : int
        Number of recorded pairs that were fitted on.
    found : dict of dict
        Scores of `default_bundle.score_recorded`, and under `real` those of `default_bundle.score_real`.
    """
    low, high = recipe.validated_ranges[MOTION]
    small, large, strangers, real = (found[name] for name in ("small", "large", "strangers", "real"))
    rows = {
        f"real micro-expressions of {real['people']} subjects, ready-made maps (designed on)": real,
        f"{strangers['people']} rendered people with muscles made by hand, motion "
        f"{strangers['least motion']:.2f} to {strangers['most motion']:.2f} %": strangers,
        f"portraits of {small['people']} people moved by scanned expressions, motion "
        f"{small['least motion']:.2f} to {small['most motion']:.2f} %": small,
        f"the same people, motion {large['least motion']:.2f} to {large['most motion']:.2f} %": large,
    }
    unfitted = [
        f"{round((1 - large[f'{kind} without label']) * large[f'{kind} clips'])} "
        f"of {large[f'{kind} clips']} {words}"
        for kind, words in UNFITTED.items()
        if f"{kind} clips" in large
    ]
    return CARD.format(
        recipe=recipe,
        recorded=n_recorded,
        modelled=sum(recipe.clips_per_label.values()) - n_recorded,
        people=recipe.n_subjects,
        labels=", ".join(recipe.labels),
        table=markdown.format_table(HEADER, [_cells(what, scores) for what, scores in rows.items()]),
        smiles_found=real["smiles found"],
        smiles=real["smiles"],
        network=network,
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
