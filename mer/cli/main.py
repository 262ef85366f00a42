"""The command line: parse, call, print, choose the exit code. No logic here.

Results go to stdout, narration and progress to stderr. Exit codes: 0 done, 1 the input cannot be used,
2 the command was typed wrongly, 3 a clip was read but holds nothing to score, 130 interrupted.
Nothing heavy is imported before a command needs it, so `mer --help` answers at once.
"""

import json
import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from mer.cli.evaluate import audit, compare, cv, report, train
from mer.cli.flow import flow
from mer.cli.infer import app, score, spot
from mer.cli.options import FOLDER, OUTPUT, Name, Root, emit, known
from mer.cli.prepare import prepare
from mer_core import __version__
from mer_core.dependencies import as_missing_dependency
from mer_core.errors import MerError


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mer")
def cli() -> None:
    """Micro-expression recognition from facial optical flow, evaluated without leaks.

    \b
    dataset or own recordings -> mer prepare -> mer flow estimate -> mer cv, mer train
    one video -------------------------------------------------> mer score, mer spot, mer app

    \b
    Try everything on synthetic data:  mer demo
    Help of one command:               mer cv --help
    """


@cli.command()
@click.option(
    "--out",
    type=FOLDER,
    default=Path("demo"),
    show_default=True,
    help="Folder for everything; an earlier demo in it is replaced.",
)
@click.option(
    "--layout",
    type=Name("data_prep.layouts"),
    help="Write only a small rendered replica of this dataset, in its native folder layout: "
    f"{known('data_prep.layouts')}.",
)
def demo(out: Path, layout: str | None):
    """Run the whole pipeline once on synthetic data.

    Prepare, estimate flow, cross-validate, report, train, score. With --layout: only write a small replica
    of a dataset.

    \b
    Examples:
      mer demo --out demo
      mer demo --layout casme3 --out replica
    """
    if layout:
        from mer.demo.replica import describe_replica, write_replica

        lines = describe_replica(layout, out, write_replica(layout, out))
    else:
        from mer.demo.walkthrough import run

        lines = list(run(out))
    emit("\n".join(lines), {"out": str(out), "lines": lines})


@cli.command()
def info():
    """Print versions, devices, and the paths of models and bundles.

    \b
    Example:
      mer info --json
    """
    from mer.cli.info import facts

    found = facts()
    emit("\n".join(f"{name:24}{value}" for name, value in found.items()), found)


for command in (prepare, flow, cv, train, score, spot, app, report, compare, audit):
    cli.add_command(command)


def main() -> None:
    """Run the `mer` command; a user's error is one message, never a traceback."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names may hold what a terminal cannot show
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as finished:
        sys.exit(finished.exit_code)
    except click.ClickException as error:
        if OUTPUT.json:
            fail(error.format_message(), "usage", error.exit_code)
        error.show()
        sys.exit(error.exit_code)
    except MerError as error:
        fail(str(error), error.code, error.exit_code)
    except ImportError as error:
        if (missing := as_missing_dependency(error)) is None:
            raise
        fail(str(missing), missing.code, missing.exit_code)
    except BrokenPipeError:  # the reader of stdout has ended, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:  # a full disk, missing permissions, a file in place of a folder
        path = error.filename2 or error.filename
        problem = f"{error.strerror or error}{f': {path}' if path else ''}"
        fail(f"{problem}. Free space, fix the permissions, or choose another --out.", "file-system", 1)
    except (KeyboardInterrupt, click.Abort):
        fail("interrupted. Run the same command again to continue where it stopped.", "interrupted", 130)


def fail(message: str, code: str, exit_code: int) -> NoReturn:
    """Print an error to stderr, as JSON on stdout with --json, and exit."""
    if OUTPUT.json:
        click.echo(json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False))
    else:
        click.echo(f"mer: {message}", err=True)
    sys.exit(exit_code)
