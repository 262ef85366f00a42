"""The commands around a run: make it (`mer cv`), show it again, set it beside others, and show what a leak
would make of it.
"""

from dataclasses import asdict

import click

from mer.cli.options import (
    FOLDER,
    INPUT_FILE,
    INPUT_FOLDER,
    Classifier,
    Config,
    Name,
    command,
    device_option,
    emit,
    known,
)

TRACKERS = ("mlflow", "tensorboard")


# As in `CvConfig`, which is not imported here so that `mer --help` stays quick.
DEFAULTS = {
    "protocol": "composite-3",
    "method": "srflownet",
    "feature": "flow_image",
    "classifier": "mer_net",
    "seeds": "3",
}


def experiment(command):
    """The options that say what is evaluated or fitted, of `cv` and `train`; named as in `CvConfig`."""
    for option in reversed(
        [
            click.argument("prepared", type=INPUT_FOLDER, nargs=-1),
            click.option(
                "--config", type=Config(), help="YAML with any of these settings; options typed here win."
            ),
            click.option(
                "--maps",
                type=INPUT_FOLDER,
                help="Ready-made motion maps (PNG or NPY) instead of prepared clips.",
            ),
            click.option(
                "--index", type=INPUT_FILE, help="CSV of the maps: file, dataset, subject, clip, label."
            ),
            click.option(
                "--protocol",
                help="Which clips count and how emotions become labels: a YAML file, or one of "
                f"{known('mer.protocols')}.",
                show_default=DEFAULTS["protocol"],
            ),
            click.option(
                "--method",
                type=Name("flow.methods"),
                help=f"Flow method, whose flow must have been estimated: {known('flow.methods')}.",
                show_default=DEFAULTS["method"],
            ),
            click.option(
                "--feature",
                type=Name("mer.features"),
                help=f"What the classifier reads: {known('mer.features')}.",
                show_default=DEFAULTS["feature"],
            ),
            click.option(
                "--classifier",
                type=Classifier(),
                help=f"What predicts the label: {known('mer.classifiers')}; or FILE.py:FUNCTION for any "
                "scikit-learn classifier with predict_proba (the file is executed).",
                show_default=DEFAULTS["classifier"],
            ),
            click.option(
                "--seeds",
                type=click.IntRange(1),
                help="How many seeds to repeat everything with.",
                show_default=DEFAULTS["seeds"],
            ),
            device_option(default=None),  # None: the configuration's
            click.option("--out", type=FOLDER, required=True, help="Folder to write to."),
        ]
    ):
        command = option(command)
    return command


def inputs_and_config(prepared, config, maps, index, **typed):
    """Check that the input is named once, and merge the YAML with what was typed."""
    from mer.evaluation.config import load_config

    if bool(prepared) == bool(maps):
        raise click.UsageError("Name prepared folders, or --maps DIR with --index CSV; one of the two.")
    if bool(maps) != bool(index):
        raise click.UsageError("--maps DIR and --index CSV go together.")
    unused = [
        f"--{name}" for name in ("protocol", "method", "feature") if maps and typed.get(name) is not None
    ]
    if unused:
        raise click.UsageError(
            f"Ready-made maps are read as they are; {', '.join(unused)} would change nothing. Leave it out."
        )
    return load_config(config, {key: value for key, value in typed.items() if value is not None})


@command()
@experiment
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Processes to share the folds among; ststnet and mer_net take all folds at once and need none.",
)
@click.option(
    "--scheduler",
    help="Address of a Dask cluster to share such folds among instead; needs the extra [cluster].",
)
@click.option(
    "--track",
    type=click.Choice(TRACKERS),
    help="Send settings, scores and report to a tracker too; needs the extra of its name.",
)
def cv(prepared, config, maps, index, out, jobs, scheduler, track, **typed):
    """Leave-one-subject-out cross validation: predictions, scores, report.

    The protocol may say otherwise: leave one dataset out, or detect action units one by one.

    \b
    Examples:
      mer cv prepared/casme2 prepared/samm prepared/smic --classifier ststnet --out runs/first
      mer cv prepared --protocol cd6me --classifier logistic --out runs/action-units
      mer cv --maps maps --index maps.csv --classifier logistic --out runs/maps
    """
    from mer.evaluation.au_detection import UnitScores
    from mer.evaluation.finished_run import Run, open_run
    from mer.evaluation.run import cross_validate_maps
    from mer.evaluation.tracking import send
    from mer.experiment import cross_validate
    from mer.report.run_report import write_report
    from mer_core.parallel import Workers

    settings = inputs_and_config(prepared, config, maps, index, **typed)
    found: Run | UnitScores
    if maps:
        cross_validate_maps(maps, index, settings, out, workers=Workers(jobs, scheduler))
        write_report(out)
        found = open_run(out)
    else:
        found = cross_validate(prepared, settings, out, jobs, scheduler)
    if track:
        send(out, track)
    page = out / "report.html"
    emit(f"{found}\nReport: {page}", {**found.metrics, "report": str(page)})


@command()
@click.argument("run", type=INPUT_FOLDER)
def report(run):
    """Write the report of a run again: one self-contained HTML page.

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
    help="Print published scores of the MEGC 2019 composite beside, with their caveats.",
)
@click.option(
    "--out", type=FOLDER, help="Write compare.csv, compare.tex and the figure (PNG, SVG, PDF) here."
)
def compare(runs, published, out):
    """Compare runs on the same clips with the first of them: paired differences, with intervals over
    subjects.

    \b
    Examples:
      mer compare runs/logistic runs/ststnet --out comparison
      mer compare runs/ststnet --published
    """
    from mer.evaluation import compare as comparing
    from mer.evaluation.published import beside
    from mer.evaluation.published import read as published_scores

    if len(runs) > 1 or not published:
        comparison = comparing.compare(runs)
        if out:
            comparing.write(comparison, out)
        emit(str(comparison), {"runs": comparison.table, "subjects": comparison.n_subjects})
    if published:
        emit(beside(runs), published_scores())


@command()
@click.argument("run", type=INPUT_FOLDER)
def audit(run):
    """Show what a run would claim if each test subject chose its own epoch. Never a result.

    Trains every fold once more and looks at the test subject after each epoch, as much public code does.

    \b
    Example:
      mer audit runs/first
    """
    from mer.evaluation import leakage as auditing

    found = auditing.audit(run)
    emit(auditing.to_text(found), {"warning": auditing.WARNING, **asdict(found)})
