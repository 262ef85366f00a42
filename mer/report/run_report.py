"""Write the report of a run: one HTML page without scripts that loads nothing, for phones and paper too."""

from pathlib import Path
from typing import Any

import pandas as pd

from mer.evaluation.finished_run import HELD_OUT, Run, open_run
from mer.evaluation.metrics import detectable_difference, varies_with_seed
from mer.report.html import render_template
from mer.report.publication import SCORE_NAMES, run_reliability_bins, write_files
from mer_core.errors import UnreadableFile
from mer_core.io import write_text

BASELINE_NAMES = {"majority_of_training_subjects": "majority class of the training clips"}
NORMAL_95 = 3.92  # width of a 95 % interval in standard deviations


def write_report(run_dir: str | Path) -> Path:
    """Write `report.html` into a finished run.

    Its pictures come from the faces and flow that the run was made from, if they still exist.

    Parameters
    ----------
    run_dir : path
        A run; for a detection of action units, a page for all units and one for each.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    BadInput
        If `run_dir` is not a finished run.
    """
    from mer.evaluation import au_detection
    from mer.report.gallery import draw_gallery
    from mer.report.unit_report import page_variables

    path, scores = Path(run_dir), au_detection.read_scores(run_dir)
    if scores:
        for name, unit in scores["units"].items():
            if "why" not in unit:
                write_report(path / name)
        return _write_page(path, "unit_page.html", **page_variables(path, scores))
    run = open_run(run_dir)
    write_files(run)
    pictures = draw_gallery(run)
    return _write_page(
        path, "run_page.html", pictures=pictures, **_describe_run(run), **_collect_numbers(run)
    )


def _describe_run(run: Run) -> dict[str, Any]:
    """Return what the page says of the run: data, settings, origin."""
    from mer.report.settings import flatten, markdown_row, read_settings

    prepare = run.origin.get("prepare", [])
    return {
        "run": run,
        "m": run.metrics,
        "origin": run.origin,
        "title": _title(run),
        "left_out": HELD_OUT[run.origin["protocol"]["split"]],
        "mapping": _label_mapping(run),
        "apexes": _apex_sources(run),
        "settings": read_settings(run),
        "table_row": markdown_row(run),
        "data_settings": [flatten(settings) for settings in [*prepare, run.origin.get("flow")] if settings],
        "corrections": [row for settings in prepare for row in settings.get("corrections_applied", [])],
    }


def _collect_numbers(run: Run) -> dict[str, Any]:
    """Return the numbers that the page draws and tabulates."""
    from mer.evaluation import published

    return {
        "varies_with_seed": varies_with_seed(run.metrics),
        "score_names": SCORE_NAMES,
        "score_rows": _score_rows(run.metrics),
        "dataset_rows": _dataset_rows(run.metrics),
        "confusion": _confusion_rows(run.metrics),
        "bins": run_reliability_bins(run),
        "published": published.published_rows(run),
        "published_note": published.NOTE,
        "detectable": _detectable(run.metrics),
        "baselines": _baseline_rows(run.metrics),
        "subjects": _subject_rows(run),
    }


def _write_page(path: Path, template: str, **variables: Any) -> Path:
    """Fill a template of this folder; values are escaped, and a missing variable is an error."""
    from jinja2 import UndefinedError

    try:
        text = render_template(template, **variables)
    except UndefinedError as error:
        raise UnreadableFile(
            f"{path} lacks what the report shows ({error}): another version of mer made it. Evaluate again "
            "into a new folder."
        ) from error
    write_text(path / "report.html", text)
    return path / "report.html"


def _title(run: Run) -> str:
    classifier = run.config["classifier"].split("(")[0]
    if run.origin["kind"] == "arrays":
        return f"{classifier} on features given as arrays"
    if run.origin["kind"] == "maps":
        return f"{classifier} on ready-made motion maps"
    return f"{classifier} on {run.config['feature']}, {run.config['method']} flow"


def _label_mapping(run: Run) -> list[tuple[str, str, str, int]]:
    """Return dataset, emotion, label and number of clips; empty if the emotions are unknown."""
    if not run.clips["emotion"].any():
        return []
    clips = run.clips.assign(label=pd.Categorical(run.clips["label"], run.metrics["labels"]))
    counts = clips.groupby(["dataset", "label", "emotion"], observed=True).size()
    return [(dataset, emotion or "(none)", label, n) for (dataset, label, emotion), n in counts.items()]


def _apex_sources(run: Run) -> str:
    """Return counts of apex sources, such as "278 annotated, 164 midpoint"; empty if unknown."""
    counts = run.clips.get("apex_source", pd.Series(dtype=str)).value_counts()
    return ", ".join(f"{n} {source}" for source, n in counts.items() if source)


def _score_rows(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row per score of the figure at the top, all values in 0..1."""
    majority = metrics["baselines"]["majority_of_training_subjects"]
    return [
        {
            "name": name,
            "mean": metrics[key],
            "sd": _sd(metrics, key),
            "seeds": [seed[key] for seed in metrics["per_seed"]],
            "interval": metrics["interval95"][key],
            "majority": majority[key],
        }
        for key, name in SCORE_NAMES.items()
    ]


def _dataset_rows(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row per dataset, and one for all if there are several."""
    majority = max(metrics["clips_per_label"], key=metrics["clips_per_label"].get)
    whole = {**metrics, "always": {"label": majority, **metrics["baselines"][f"always_{majority}"]}}
    rows = (
        {**metrics["per_dataset"], "all": whole}
        if len(metrics["per_dataset"]) > 1
        else metrics["per_dataset"]
    )
    return [{"name": name, **row, "uf1_sd": _sd(row, "uf1")} for name, row in rows.items()]


def _sd(scores: dict[str, Any], key: str) -> float | None:
    """Return the SD of a score over seeds; None if there is none or it is 0."""
    return scores["sd"][key] if varies_with_seed(scores) else None


def _confusion_rows(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the confusion matrix: mean count over seeds and fraction of the row."""
    n_seeds = len(metrics["seeds"])
    rows = []
    for label, counts in zip(metrics["labels"], metrics["confusion"]["summed_over_seeds"]):
        total = sum(counts)
        cells = [(n / n_seeds, n / total if total else 0.0) for n in counts]
        rows.append({"label": label, "clips": total // n_seeds, "cells": cells})
    return rows


def _detectable(metrics: dict[str, Any]) -> float:
    """Return the UF1 difference from another run that these subjects can show.

    Assumes that the other run varies as much over subjects and that half of the variance is shared: the SD of
    the difference then equals that of one run.
    """
    low, high = metrics["interval95"]["uf1"]
    return detectable_difference((high - low) / NORMAL_95)


def _baseline_rows(metrics: dict[str, Any]) -> list[tuple[str, dict[str, float]]]:
    return [
        (BASELINE_NAMES.get(name, name.replace("_", " ")), scores)
        for name, scores in metrics["baselines"].items()
    ]


def _subject_rows(run: Run) -> list[dict[str, Any]]:
    """Return each subject with its clips, in the order of labels, and how many seeds predict each right."""
    n_seeds, labels = len(run.metrics["seeds"]), run.metrics["labels"]
    predictions = run.predictions.assign(n_right=run.predictions["label"] == run.predictions["prediction"])
    groups = predictions.groupby(["dataset", "subject", "clip_id", "label"], as_index=False)
    clips = groups["n_right"].sum()
    clips = clips.assign(order=clips["label"].map(labels.index)).sort_values(["order", "clip_id"])
    return [
        {
            "dataset": dataset,
            "subject": subject,
            "clips": [_clip_mark(clip, n_seeds) for clip in part.itertuples()],
            "n_right": part["n_right"].sum() / n_seeds,
        }
        for (dataset, subject), part in clips.groupby(["dataset", "subject"])
    ]


def _clip_mark(clip: Any, n_seeds: int) -> dict[str, Any]:
    n_right = int(clip.n_right)
    seeds = "all" if n_right == n_seeds else "some" if n_right else "none"
    return {"clip_id": clip.clip_id, "label": clip.label, "n_right": n_right, "right_seeds": seeds}
