"""A run -> one HTML page that carries everything it shows: no script, nothing fetched, readable on a phone
and on paper.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from mer.evaluation.finished_run import Run, open_run
from mer.evaluation.metrics import by_chance, detectable
from mer_core.errors import BadInput
from mer_core.io import write_text

BASELINES = {"majority_of_training_subjects": "majority of the clips fitted on"}
SCORES = {"uf1": "UF1", "uar": "UAR", "accuracy": "Accuracy", "macro_precision": "Macro precision"}


def write_report(
    run_dir: str | Path, prepared: list[str | Path] | None = None, method: str | None = None
) -> Path:
    """Write `report.html` into a finished run and return its path.

    prepared, method : where faces and flow for the pictures lie; those the run was made from where not given.
    A run whose
        folders are gone, or that was made from ready-made maps, gets its report without pictures.
    A detection of action units gets one page for all units, and one for each.
    Raises `BadInput` if `run_dir` is not a finished run.
    """
    from mer.evaluation import au_detection
    from mer.report import publication
    from mer.report.gallery import gallery
    from mer.report.unit_report import units_shown

    path, scores = Path(run_dir), au_detection.read(run_dir)
    if scores:
        for name, unit in scores["units"].items():
            if "why" not in unit:
                write_report(path / name)
        return _write(path, "unit_page.html", **units_shown(path, scores))
    run = open_run(run_dir)
    publication.write_files(run)
    pictures = gallery(run, prepared, method or run.config["method"])
    return _write(path, "run_page.html", pictures=pictures, **_facts(run), **_figures(run))


def _facts(run: Run) -> dict[str, Any]:
    """What the page says of the run: data, settings, where it came from."""
    from mer.report.settings import flat, settings_of, table_row

    prepare = run.origin.get("prepare", [])
    return {
        "run": run,
        "m": run.metrics,
        "origin": run.origin,
        "title": _title(run),
        "left_out": {"loso": "subject", "lodo": "dataset"}[run.origin["protocol"]["split"]],
        "mapping": _mapping(run),
        "apexes": _apexes(run),
        "settings": settings_of(run),
        "table_row": table_row(run),
        "data_settings": [flat(settings) for settings in [*prepare, run.origin.get("flow")] if settings],
        "corrections": [one for settings in prepare for one in settings.get("corrections_applied", [])],
    }


def _figures(run: Run) -> dict[str, Any]:
    """The numbers that the page draws and tabulates."""
    from mer.evaluation import published
    from mer.report import publication

    return {
        "chance": by_chance(run.metrics),
        "score_names": SCORES,
        "strips": _strips(run.metrics),
        "dataset_strips": _dataset_strips(run.metrics),
        "confusion": _confusion(run.metrics),
        "bins": publication.reliability_bins(run),
        "published": published.rows_for(run),
        "published_note": published.NOTE,
        "detectable": _detectable(run.metrics),
        "baselines": _baselines(run.metrics),
        "subjects": _subjects(run),
    }


def _write(path: Path, template: str, **shown: Any) -> Path:
    """Fill a template of this folder: names are escaped, and a name that is not given is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError

    folder = FileSystemLoader(Path(__file__).parent)
    pages = Environment(
        loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    try:
        text = pages.get_template(template).render(**shown)
    except UndefinedError as error:
        raise BadInput(
            f"{path} lacks what the report shows ({error}): another mer made it. Evaluate again into a new "
            "folder."
        ) from error
    write_text(path / "report.html", text)
    return path / "report.html"


def _title(run: Run) -> str:
    if run.origin["kind"] == "arrays":
        return f"{run.config['classifier'].split('(')[0]} on features given as arrays"
    if run.origin["kind"] == "maps":
        return f"{run.config['classifier']} on ready-made motion maps"
    return f"{run.config['classifier']} on {run.config['feature']} of {run.config['method']} flow"


def _mapping(run: Run) -> list[tuple[str, str, str, int]]:
    """Dataset, emotion, label and number of clips, as the protocol mapped them; empty where no emotion is
    known.
    """
    if not run.clips["emotion"].any():
        return []
    clips = run.clips.assign(label=pd.Categorical(run.clips["label"], run.metrics["labels"]))
    counts = clips.groupby(["dataset", "label", "emotion"], observed=True).size()
    return [(dataset, emotion or "(none)", label, n) for (dataset, label, emotion), n in counts.items()]


def _apexes(run: Run) -> str:
    """Where the apex frames come from, such as "278 annotated, 164 midpoint"; empty where it is not known."""
    counts = run.clips.get("apex_source", pd.Series(dtype=str)).value_counts()
    return ", ".join(f"{n} {source}" for source, n in counts.items() if source)


def _strips(m: dict[str, Any]) -> list[dict[str, Any]]:
    """One line per score: what the figure at the top draws, all in 0..1."""
    floor = m["baselines"]["majority_of_training_subjects"]
    return [
        {
            "name": name,
            "mean": m[key],
            "sd": _sd(m, key),
            "seeds": [seed[key] for seed in m["per_seed"]],
            "interval": m["interval95"][key],
            "floor": floor[key],
        }
        for key, name in SCORES.items()
    ]


def _dataset_strips(m: dict[str, Any]) -> list[dict[str, Any]]:
    """One row per dataset, and one for all of them."""
    most = max(m["clips_per_label"], key=m["clips_per_label"].get)
    whole = {**m, "always": {"label": most, **m["baselines"][f"always_{most}"]}}
    rows = {**m["per_dataset"], "all": whole} if len(m["per_dataset"]) > 1 else m["per_dataset"]
    return [{"name": name, **row, "uf1_sd": _sd(row, "uf1")} for name, row in rows.items()]


def _sd(scores: dict[str, Any], key: str) -> float | None:
    """The SD of a score over seeds; None where there is one seed, or no seed changes anything."""
    return scores["sd"][key] if by_chance(scores) else None


def _confusion(m: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of the confusion matrix: mean count over seeds, and its fraction of the row (0..1)."""
    seeds = len(m["seeds"])
    rows = []
    for label, counts in zip(m["labels"], m["confusion"]["summed_over_seeds"]):
        clips = sum(counts)
        rows.append(
            {
                "label": label,
                "clips": clips // seeds,
                "cells": [(n / seeds, n / clips if clips else 0.0) for n in counts],
            }
        )
    return rows


def _detectable(m: dict[str, Any]) -> float:
    """Return the UF1 difference that these subjects can show, were another run as variable and its errors
    half shared.
    """
    low, high = m["interval95"]["uf1"]
    return detectable((high - low) / 3.92)


def _baselines(m: dict[str, Any]) -> list[tuple[str, dict[str, float]]]:
    return [(BASELINES.get(name, name.replace("_", " ")), scores) for name, scores in m["baselines"].items()]


def _subjects(run: Run) -> list[dict[str, Any]]:
    """Each subject with its clips, in the order of labels, and how many seeds got each clip right."""
    seeds = len(run.metrics["seeds"])
    order = {label: i for i, label in enumerate(run.metrics["labels"])}
    p = run.predictions.assign(right=run.predictions["label"] == run.predictions["prediction"])
    clips = p.groupby(["dataset", "subject", "clip_id", "label"], as_index=False)["right"].sum()
    clips["order"] = clips["label"].map(order)
    rows = []
    for (dataset, subject), part in clips.sort_values(["order", "clip_id"]).groupby(["dataset", "subject"]):
        marks = [
            {
                "clip_id": c.clip_id,
                "label": c.label,
                "right": int(c.right),
                "how": "all" if c.right == seeds else "some" if c.right else "none",
            }
            for c in part.itertuples()
        ]
        rows.append(
            {
                "dataset": dataset,
                "subject": subject,
                "marks": marks,
                "clips": len(part),
                "right": part["right"].sum() / seeds,
            }
        )
    return rows
