"""Pictures of the clips that were got right and wrong with most confidence: onset, apex and flow on one fixed
scale.
"""

import base64
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mer.evaluation.finished_run import Run
from mer_core.errors import MerError

PER_LABEL = 2  # clips shown of each label, right and wrong
SIDE = 144  # px of a picture in the page
RADIUS_PX = 2.0  # full colour in the flow pictures, px of a 224 px face


@dataclass(frozen=True)
class Picture:
    """One clip as the page shows it; the three images are data addresses."""

    clip_id: str
    label: str
    prediction: str
    probability: float  # of the prediction, mean over seeds
    onset: str
    apex: str
    flow: str


@dataclass(frozen=True)
class Gallery:
    """What there is to show; `why_empty` says so where there is nothing."""

    right: list[Picture]
    wrong: list[Picture]
    legend: str = ""
    why_empty: str = ""


def gallery(run: Run, prepared: list[str | Path] | None, method: str | None) -> Gallery:
    """Choose and draw clips of `run`: of each label the surest right and wrong ones, by the mean probability
    over seeds.
    """
    if method is None or (prepared is None and run.origin["kind"] in ("maps", "arrays")):
        why = "This run read ready-made motion maps; there are no faces or flow in pixels to show."
        return Gallery([], [], why_empty=why)
    if prepared is None:
        prepared = [run.path / folder for folder in run.origin["folders"]]
    from data_prep.prepared import open_prepared
    from flow.visualize import draw_legend

    try:
        opened = open_prepared(prepared)
        of_dataset = {name: folder for folder in opened for name in folder.clips["dataset"].unique()}
        sure = _confidence(run)
        right = [
            _draw(clip, of_dataset, method) for clip in _surest(sure[sure["label"] == sure["prediction"]])
        ]
        wrong = [
            _draw(clip, of_dataset, method) for clip in _surest(sure[sure["label"] != sure["prediction"]])
        ]
    except (MerError, KeyError, OSError) as error:
        return Gallery([], [], why_empty=f"The faces and flow of this run could not be read again ({error}).")
    return Gallery(right, wrong, _address(draw_legend(RADIUS_PX)))


def _confidence(run: Run) -> pd.DataFrame:
    """`clip_id, dataset, label, prediction, probability` of each clip, from its probabilities averaged over
    seeds.
    """
    columns = [f"p_{label}" for label in run.metrics["labels"]]
    mean = run.predictions.groupby(["clip_id", "dataset", "label"], as_index=False)[columns].mean()
    best = mean[columns].to_numpy().argmax(1)
    return mean.assign(
        prediction=[run.metrics["labels"][i] for i in best], probability=mean[columns].to_numpy().max(1)
    )


def _surest(clips: pd.DataFrame) -> list:
    ranked = clips.sort_values(["probability", "clip_id"], ascending=[False, True])
    return list(
        ranked.groupby("label", sort=True).head(PER_LABEL).sort_values(["label", "clip_id"]).itertuples()
    )


def _draw(clip, of_dataset: dict, method: str) -> Picture:
    from flow import prepared_flow
    from flow.visualize import draw_flow

    folder = of_dataset[clip.dataset]
    onset, apex = folder.faces(clip.clip_id)
    flow = prepared_flow.read(folder, method, clip.clip_id)
    drawn = draw_flow(flow, RADIUS_PX * flow.shape[0] / 224)
    return Picture(
        clip.clip_id,
        clip.label,
        clip.prediction,
        clip.probability,
        *(_address(image) for image in (onset, apex, drawn)),
    )


def _address(image: np.ndarray) -> str:
    """An image (H, W, 3) uint8 RGB, shrunk to at most `SIDE`, as a data address."""
    import cv2

    scale = SIDE / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, png = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
    return "data:image/png;base64," + base64.b64encode(png.tobytes()).decode()
