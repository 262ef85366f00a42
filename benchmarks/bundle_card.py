"""The model card of the bundle that ships (default_bundle.py)."""

from mer.bundle import Recipe

MOTION = "motion of the face"  # name of its range in a recipe
UNFITTED = {"laugh": "laughs", "crying": "crying faces", "yawn": "yawns", "other": "that speak, chew or look"}


def card(recipe: Recipe, small: dict[str, float], large: dict[str, float], real: dict[str, float]) -> str:
    """README of the bundle. small, large, real : scores on portraits moved a little and a lot, on real maps"""
    low, high = recipe.validated_ranges[MOTION]
    moved = (
        f"portraits of {small['people']} people moved by scanned expressions, read through this flow network"
    )
    rows = {
        "real micro-expressions, ready-made maps of 34 subjects (designed on)": real,
        f"{moved}; motion {small['least motion']:.2f} to {small['most motion']:.2f} %": small,
        f"the same people; motion {large['least motion']:.2f} to {large['most motion']:.2f} %": large,
    }
    named = [
        f"{1 - large[f'{kind} without label']:.0%} of {large[f'{kind} clips']} {words}"
        for kind, words in UNFITTED.items()
    ]
    return f"""# Bundle: synthetic

The bundle that comes with mer. `mer score CLIP` uses it where no other is named.

- **Fitted on** {sum(recipe.clips_per_label.values()):,} motion maps of scanned expressions on {recipe.n_subjects} random heads
  (`benchmarks/scanned_maps.py`): emotions as sets of action units, and speech, chewing, gaze, blinks and
  turns of the head as `other`. No clip of a real person was fitted.
- **In**: onset and apex, aligned to {recipe.face_size} px; flow by `{recipe.method}` {recipe.method_options};
  the head's motion taken out; feature `{recipe.feature}` {recipe.feature_settings}.
- **Out**: probabilities of {", ".join(recipe.labels)} (happiness is positive; anger, contempt, disgust, fear,
  sadness and repression are negative). Where `other` is the likeliest, no label is given.

## Measured

| on | clips | UF1 | calibration error | given a label | of these right |
|---|---|---|---|---|---|
{chr(10).join(_row(what, scores) for what, scores in rows.items())}

UF1 and calibration are over all clips, `other` dropped and the rest renormalised. Always negative has UF1
.237 on the first row, which these very weights have read: {real["smiles found"]} of {real["smiles"]} smiles
are found. **The recipes and the noise were designed with the labels of those clips in view**, though no
weight was fitted to them: expect less elsewhere. The other rows play the recipes that were fitted, on other
people and through camera, face mesh and flow; they say what the path costs, not what people do. No score on
real videos of micro-expressions is known; docs/results/acted-clips.md has what it says of a few acted ones.

## When no label is given

Where the likeliest label has less than {recipe.min_confidence}, and outside of the ranges in bundle.json.
Of these, motion of the face (mean of the three parts that move most, % of the inter-ocular distance):

- Below {recipe.min_motion} % it cannot be told from noise, and below {low:g} % no expression was measured.
  {small["rest without label"]:.0%} of the portraits at rest that were not used to set this get no label, and
  {small["other without label"]:.0%} of those that speak, chew, blink, look or turn (small motion).
- From {low:g} to {high:g} % labels are given: the motion of the second row. Above, none is.
- What moves as much as in the third row resembles an expression as surely, emotion or not: without the upper
  end, labels would go to {", ".join(named)}.

An expression that lasts longer than {recipe.validated_ranges["duration"][1]:g} s gets no label either: a smile of two seconds is no
micro-expression, however small it is.

## Limits

- It names the class that a motion between two frames resembles. It does not know what a person feels, and is
  **no lie detector** and no ground for a decision about a person.
- A laugh below the upper end is named as a smile is, as surely.
- The scans come from ICT Face Model Light (Li et al., CVPR 2020; MIT licence, notice in
  flow/weights/head-reduced.md).

Made by `python -m benchmarks.default_bundle`. MIT, as the project.
"""


def _row(what: str, scores: dict[str, float]) -> str:
    return (
        f"| {what} | {scores['clips']} | {scores['uf1']:.3f} | {scores['calibration error']:.3f} | "
        f"{scores['given']:.0%} | {scores['right of given']:.0%} |"
    )
