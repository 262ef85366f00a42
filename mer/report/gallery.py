"""Pictures of the most confident right and wrong predictions of a run: onset, apex and flow."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mer.evaluation.finished_run import Run
from mer.report.html import image_url
from mer_core.errors import MerError

if TYPE_CHECKING:
    from data_prep.prepared import PreparedDataset

N_PER_LABEL = 2  # right and wrong clips per label
SIDE = 144  # px of a picture in the page
MAX_FLOW_PX = 2.0  # motion with full colour, px of a 224 px face


@dataclass(frozen=True)
class Picture:
    """One clip as the page shows it; its images are data URLs."""

    clip_id: str
    label: str
    prediction: str
    probability: float  # of the prediction, mean over seeds
    onset: str
    apex: str
    flow: str


@dataclass(frozen=True)
class Gallery:
    """The pictures, or `why_empty` if there are none."""

    right: list[Picture]
    wrong: list[Picture]
    legend: str = ""
    why_empty: str = ""


def draw_gallery(run: Run) -> Gallery:
    """Draw the clips with the greatest mean probability over seeds, right and wrong, of each label."""
    if run.origin["kind"] in ("maps", "arrays"):
        why = "This run read maps or features made elsewhere; there are no faces or flow in pixels to show."
        return Gallery([], [], why_empty=why)
    from data_prep.prepared import open_prepared
    from flow.visualize import draw_legend

    try:
        opened = open_prepared(run.path / folder for folder in run.origin["folders"])
        folder_of_dataset = {name: folder for folder in opened for name in folder.clips["dataset"].unique()}
        clips = _mean_predictions(run)
        is_right = clips["label"] == clips["prediction"]
        right, wrong = (
            [_draw(clip, folder_of_dataset, run.config["method"]) for clip in _most_confident(clips[chosen])]
            for chosen in (is_right, ~is_right)
        )
    except (MerError, KeyError, OSError) as error:
        return Gallery([], [], why_empty=f"The faces and flow of this run cannot be read ({error}).")
    return Gallery(right, wrong, _thumbnail_url(draw_legend(MAX_FLOW_PX)))


def _mean_predictions(run: Run) -> pd.DataFrame:
    """Return `clip_id, dataset, label, prediction, probability`, from probabilities averaged over seeds."""
    columns = [f"p_{label}" for label in run.metrics["labels"]]
    mean = run.predictions.groupby(["clip_id", "dataset", "label"], as_index=False)[columns].mean()
    best = mean[columns].to_numpy().argmax(1)
    return mean.assign(
        prediction=[run.metrics["labels"][i] for i in best], probability=mean[columns].to_numpy().max(1)
    )


def _most_confident(clips: pd.DataFrame) -> list:
    ranked = clips.sort_values(["probability", "clip_id"], ascending=[False, True])
    return list(
        ranked.groupby("label", sort=True).head(N_PER_LABEL).sort_values(["label", "clip_id"]).itertuples()
    )


def _draw(clip: Any, folder_of_dataset: dict[str, "PreparedDataset"], method: str) -> Picture:
    from flow import prepared_flow
    from flow.visualize import draw_flow

    folder = folder_of_dataset[clip.dataset]
    onset, apex = folder.faces(clip.clip_id)
    flow = prepared_flow.read(folder, method, clip.clip_id)
    drawn = draw_flow(flow, MAX_FLOW_PX * flow.shape[0] / 224)
    return Picture(
        clip.clip_id,
        clip.label,
        clip.prediction,
        clip.probability,
        *(_thumbnail_url(image) for image in (onset, apex, drawn)),
    )


def _thumbnail_url(image: np.ndarray) -> str:
    """Return an image (H, W, 3) uint8 RGB, shrunk to at most `SIDE` px, as a data URL."""
    import cv2

    scale = SIDE / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return image_url(image)
