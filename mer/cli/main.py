"""The command line: parse, call, print, choose the exit code. What is done is done elsewhere.

Results go to stdout, narration and progress to stderr. Exit codes: 0 done, 1 the input cannot be used,
2 the command was typed wrongly, 3 a clip was read but holds nothing to score, 130 interrupted.
Nothing heavy is imported before a command needs it, so `mer --help` answers at once.
"""

import sys
from pathlib import Path

import click

from mer.cli.evaluate import audit, compare, cv, report
from mer.cli.flow import flow
from mer.cli.infer import app, score, spot, train
from mer.cli.options import FOLDER, INPUT_FOLDER, Commands, Name, known
from mer_core import __version__, progress
from mer_core.errors import MerError


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mer")
@click.option("-q", "--quiet", is_flag=True, help="Print results and errors only.")
def cli(quiet: bool):
    """Micro-expression recognition from facial optical flow, evaluated without leaks.

    \b
    dataset folder -> mer prepare -> mer flow estimate -> mer cv -> mer report
    one video clip ------------------------------------> mer score

    See the whole of it on made-up data: mer demo
    """
    progress.quiet = quiet


@cli.command()
@click.option(
    "--out", type=FOLDER, default=Path("demo"), show_default=True, help="Folder to write everything to."
)
@click.option(
    "--layout",
    type=Name("data_prep.layouts"),
    help="Only write a small replica of this dataset, to see what a right folder looks like.",
)
def demo(out: Path, layout: str | None):
    """Run everything once on synthetic data: prepare, flow, cv, report, score.

    \b
    Examples:
      mer demo --out demo
      mer demo --layout casme3 --out replica
    """
    if layout:
        from mer.demo.replica import write_small

        lines = write_small(layout, out)
    else:
        from mer.demo.walkthrough import run

        lines = run(out)
    for line in lines:
        click.echo(line)


@cli.command(epilog=f"Datasets: {known('data_prep.datasets')}.")
@click.argument("dataset", type=Name("data_prep.datasets"))
@click.option("--root", type=INPUT_FOLDER, required=True, help="The dataset as you downloaded it.")
@click.option("--out", type=FOLDER, help="Folder for the prepared faces; one per dataset.")
@click.option("--check", is_flag=True, help="Only say whether the folder is right; writes nothing.")
@click.option(
    "--size",
    type=click.IntRange(64, 2048),
    default=224,
    show_default=True,
    help="Side of an aligned face, px.",
)
@click.option(
    "--apex",
    type=click.Choice(["midpoint", "frame-difference"]),
    default="midpoint",
    show_default=True,
    help="Where the dataset gives no apex: the midpoint, or the frame in which the face has changed most; "
    "frame-difference is worth a try from 100 frames per second on.",
)
@click.option(
    "--corrections/--no-corrections",
    default=True,
    show_default=True,
    help="Apply the listed label corrections.",
)
@click.option(
    "--offset",
    is_flag=True,
    help="Write the offset's face too, where an offset is annotated; for mer cv --phases both.",
)
@click.option(
    "--skip-missing", is_flag=True, help="Go on when clips have no frames; they stay listed in outcome.csv."
)
@click.option("--jobs", type=click.IntRange(1), help="Processes to use.  [default: all cores]")
@click.option("--scheduler", help="Address of a Dask cluster to work on instead; needs the extra [cluster].")
def prepare(dataset, root, out, check, size, apex, corrections, offset, skip_missing, jobs, scheduler):
    """Turn a dataset folder into aligned onset and apex faces.

    \b
    Examples:
      mer prepare casme2 --root ~/data/CASME2 --check
      mer prepare casme2 --root ~/data/CASME2 --out prepared/casme2
    """
    from data_prep import prepare as preparing

    if check:
        found = preparing.check_dataset(dataset, root, skip_missing)
        click.echo("\n".join(found.lines))
        sys.exit(0 if found.usable else 1)
    if out is None:
        raise click.UsageError("Say where the faces go: --out DIR (or only look at the folder: --check).")
    outcome = preparing.prepare(
        dataset,
        root,
        out,
        size=size,
        jobs=jobs,
        apex=apex,
        corrections=corrections,
        skip_missing=skip_missing,
        offset=offset,
        scheduler=scheduler,
    )
    counts = outcome["outcome"].value_counts()
    click.echo(
        f"{out}: {counts.get('ok', 0)} of {len(outcome)} clips ready"
        + "".join(f", {n} {name}" for name, n in counts.items() if name != "ok")
        + f"; each clip's outcome is in {out / 'outcome.csv'}"
    )


for command in (flow, cv, train, score, spot, app, report, compare, audit):
    cli.add_command(command)


def main():
    """Entry point of the `mer` command: errors of the user's are one message, never a traceback."""
    sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may hold what a terminal cannot show
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as finished:
        sys.exit(finished.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except MerError as error:
        click.echo(f"mer: {error}", err=True)
        sys.exit(error.exit_code)
    except (
        OSError
    ) as error:  # a full disk, a folder that may not be written to, a file where a folder should be
        place = error.filename2 or error.filename
        click.echo(
            f"mer: {error.strerror or error}{f': {place}' if place else ''}. Mend that, or choose another place.",
            err=True,
        )
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        click.echo("mer: interrupted. Run the same command again to go on where it stopped.", err=True)
        sys.exit(130)


if __name__ == "__main__":  # python -m mer.cli, where the package is not installed
    main()
