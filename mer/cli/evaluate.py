"""The commands around a run: make one, write its report, compare runs, audit one, fit a bundle like it."""

from dataclasses import asdict
from typing import Any

import click

from mer.cli.options import (
    FOLDER,
    INPUT_FILE,
    INPUT_FOLDER,
    Classifier,
    Config,
    Name,
    Protocol,
    command,
    device_option,
    emit,
    known,
)
from mer_core.text import format_count
from mer_core.trackers import TRACKERS, load_tracker

# Those of `CvConfig`, whose import would slow down `mer --help`.
DEFAULTS = {
    "protocol": "composite-3",
    "method": "srflownet",
    "feature": "flow_image",
    "classifier": "mer_net",
    "seeds": "3",
}
# What `mer cv` evaluates and `mer train` fits; the names of the settings are those of `CvConfig`.
EXPERIMENT_OPTIONS = [
    click.option(
        "--config",
        type=Config(),
        help="Settings from a YAML file, or by the name of one in configs/; options on the command line "
        "take precedence.",
    ),
    click.option(
        "--protocol",
        type=Protocol(),
        help="Which clips count and how emotions become labels: a YAML file, or one of "
        f"{known('mer.protocols')}.  [default: {DEFAULTS['protocol']}]",
    ),
    click.option(
        "--method",
        type=Name("flow.methods"),
        help="Flow method (run mer flow estimate with it first): "
        f"{known('flow.methods')}.  [default: {DEFAULTS['method']}]",
    ),
    click.option(
        "--feature",
        type=Name("mer.features"),
        help=f"Input of the classifier: {known('mer.features')}.  [default: {DEFAULTS['feature']}]",
    ),
    click.option(
        "--classifier",
        type=Classifier(),
        help=f"Classifier: {known('mer.classifiers')}; or FILE.py:FUNCTION for any scikit-learn one "
        f"with predict_proba (the file is executed).  [default: {DEFAULTS['classifier']}]",
    ),
    click.option(
        "--seeds",
        type=click.IntRange(1),
        help=f"Number of repetitions with different seeds.  [default: {DEFAULTS['seeds']}]",
    ),
    device_option(default=None),  # None: that of the configuration
]


def experiment_options(command):
    """Decorate a command with `EXPERIMENT_OPTIONS`."""
    for option in reversed(EXPERIMENT_OPTIONS):
        command = option(command)
    return command


def read_config(config, **typed):
    """Return the settings of the YAML file updated with the typed ones."""
    from mer.evaluation.config import load_config

    return load_config(config, {key: value for key, value in typed.items() if value is not None})


def check_inputs(prepared, maps, index, typed):
    """Raise `UsageError` unless either prepared folders or maps with their index are given."""
    if bool(prepared) == bool(maps):
        raise click.UsageError("Give either prepared folders, or --maps DIR with --index CSV.")
    if bool(maps) != bool(index):
        raise click.UsageError("--maps DIR and --index CSV go together.")
    unused = [
        f"--{name}" for name in ("protocol", "method", "feature") if maps and typed.get(name) is not None
    ]
    if unused:
        raise click.UsageError(
            f"{', '.join(unused)}: no effect on ready-made maps, which are used unchanged. Remove it."
        )


@command()
@click.argument("prepared", type=INPUT_FOLDER, nargs=-1)
@click.option(
    "--maps",
    type=INPUT_FOLDER,
    help="Folder of ready-made motion maps (PNG, NPY) instead of prepared clips.",
)
@click.option("--index", type=INPUT_FILE, help="Table of the maps: file, dataset, subject, clip, label.")
@experiment_options
@click.option("--out", type=FOLDER, required=True, help="Folder of the run; an interrupted one continues.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Number of processes for the folds; ststnet, light_net and mer_net fit all at once and ignore it.",
)
@click.option(
    "--scheduler",
    help="Address of a Dask cluster for the folds instead; needs the extra [cluster].",
)
@click.option(
    "--track",
    type=click.Choice(TRACKERS),
    help="Also send settings, scores and report to this tracker; needs the extra of that name.",
)
def cv(prepared, config, maps, index, out, jobs, scheduler, track, **typed):
    """Cross-validate a classifier, one subject left out at a time.

    Writes predictions, scores and a report. A protocol may instead leave one dataset out, or detect action
    units one by one.

    \b
    Examples:
      mer cv prepared/casme2 prepared/samm prepared/smic --classifier ststnet --out runs/first
      mer cv prepared --protocol cd6me --classifier logistic --out runs/action-units
      mer cv --maps maps --index maps.csv --classifier logistic --out runs/maps
    """
    from mer.evaluation import tracking
    from mer.evaluation.au_detection import UnitScores
    from mer.evaluation.finished_run import Run
    from mer.evaluation.run import cross_validate_maps
    from mer.experiment import cross_validate, finish_run
    from mer_core.parallel import Workers

    check_inputs(prepared, maps, index, typed)
    settings = read_config(config, **typed)
    if track:
        load_tracker(track)  # before a long run
    finished: Run | UnitScores
    if maps:
        cross_validate_maps(maps, index, settings, out, workers=Workers(jobs, scheduler))
        finished = finish_run(out)
    else:
        finished = cross_validate(prepared, settings, out, jobs, scheduler)
    if track:
        tracking.send(out, track)
    page = out / "report.html"
    emit(f"{finished}\nReport: {page}", {**finished.metrics, "report": str(page)})


@command()
@click.argument("run", type=INPUT_FOLDER)
def report(run):
    """Rewrite the HTML report of a finished run.

    \b
    Example:
      mer report runs/first
    """
    from mer.report.run_report import write_report

    page = write_report(run)
    emit(f"Report: {page}", {"report": str(page)})


@command()
@click.argument("runs", type=INPUT_FOLDER, nargs=-1, required=True)
@click.option(
    "--published",
    is_flag=True,
    help="Also print published scores on the MEGC 2019 composite, with their caveats.",
)
@click.option(
    "--out", type=FOLDER, help="Write compare.csv, compare.tex and the figure (PNG, SVG, PDF) here."
)
def compare(runs, published, out):
    """Compare runs on the same clips, each with the first.

    Prints paired differences with intervals over subjects.

    \b
    Examples:
      mer compare runs/logistic runs/ststnet --out comparison
      mer compare runs/ststnet --published
    """
    from mer.evaluation.compare import compare as compare_runs
    from mer.evaluation.compare import write_comparison
    from mer.evaluation.published import format_table, read_published

    text: list[str] = []
    data: dict[str, Any] = {}
    if len(runs) > 1 or not published:
        comparison = compare_runs(runs)
        if out:
            write_comparison(comparison, out)
        text.append(str(comparison))
        data |= {"runs": comparison.table.to_dict("records"), "subjects": comparison.n_subjects}
    if published:
        text.append(format_table(runs))
        data["published"] = read_published()
    emit("\n".join(text), data)


@command()
@click.argument("run", type=INPUT_FOLDER)
def audit(run):
    """Show how much a leak would inflate the score (never a result).

    Trains every fold again and lets each test subject choose its best epoch, as much published code does.

    \b
    Example:
      mer audit runs/first
    """
    from mer.evaluation import leakage

    result = leakage.audit(run)
    emit(leakage.format_audit(result), {"warning": leakage.WARNING, **asdict(result)})


@command()
@click.argument("prepared", type=INPUT_FOLDER, nargs=-1, required=True)
@experiment_options
@click.option("--out", type=FOLDER, required=True, help="Folder of the bundle.")
def train(prepared, config, out, **typed):
    """Fit a classifier on all clips and write a bundle.

    `mer score`, `mer spot` and `mer app` use it with --bundle.

    \b
    Example:
      mer train prepared/casme2 prepared/samm --classifier ststnet --out bundles/mine
    """
    from mer import training

    recipe = training.train(prepared, read_config(config, **typed), out).recipe
    n_clips = sum(recipe.clips_per_label.values())
    emit(
        f"Bundle: {out} ({format_count(n_clips, 'clip')} of {format_count(recipe.n_subjects, 'subject')})",
        {"bundle": out, "clips": n_clips, "subjects": recipe.n_subjects},
    )
