"""The command line: parse, call, print, choose the exit code. What is done is done elsewhere.

Results go to stdout, narration and progress to stderr. Exit codes: 0 done, 1 the input cannot be used,
2 the command was typed wrongly, 3 a clip was read but holds nothing to score, 130 interrupted.
Nothing heavy is imported before a command needs it, so `mer --help` answers at once.
"""

import sys
from pathlib import Path

import click

from mer import __version__, progress, registry
from mer.errors import MerError, UnknownName

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
ANY = click.Path(path_type=Path)


class Name(click.ParamType):
    """The name of a file in a registry folder; a wrong one is answered with the nearest."""

    def __init__(self, package: str):
        self.package = package
        self.name = package.rsplit(".", 1)[-1].rstrip("s")

    def convert(self, value, param, ctx):
        try:
            return registry.check(value, registry.names(self.package), self.name)
        except UnknownName as error:
            self.fail(str(error), param, ctx)

    def get_metavar(self, param, ctx=None):
        return self.name.upper()


def known(package: str) -> str:
    """The names in a registry folder, for a help text."""
    return ", ".join(registry.names(package))


class Commands(click.Group):
    """A group that answers an unknown command with the nearest one, and lists commands in the order of the work."""

    def resolve_command(self, ctx, args):
        try:
            registry.check(args[0], self.list_commands(ctx), "command")
        except UnknownName as error:
            ctx.fail(str(error))
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx):
        return list(self.commands)


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
@click.option("--out", type=FOLDER, default=Path("demo"), show_default=True, help="Folder to write everything to.")
@click.option("--layout", type=Name("data_prep.replicas"), help="Only write a small replica of this dataset, to see what a right folder looks like.")
def demo(out: Path, layout: str | None):
    """Run everything once on synthetic data: prepare, flow, cv, report, score.

    \b
    Examples:
      mer demo --out demo
      mer demo --layout casme3 --out replica
    """
    if layout:
        from data_prep.replicas._small import write_small

        lines = write_small(layout, out)
    else:
        from mer.demo import run

        lines = run(out)
    for line in lines:
        click.echo(line)


@cli.command(epilog=f"Datasets: {known('data_prep.datasets')}.")
@click.argument("dataset", type=Name("data_prep.datasets"))
@click.option("--root", type=FOLDER, required=True, help="The dataset as you downloaded it.")
@click.option("--out", type=FOLDER, help="Folder for the prepared faces; one per dataset.")
@click.option("--check", is_flag=True, help="Only say whether the folder is right; writes nothing.")
@click.option("--size", type=click.IntRange(64, 2048), default=224, show_default=True, help="Side of an aligned face, px.")
@click.option("--apex", type=click.Choice(["midpoint", "frame-difference", "flow"]), default="midpoint", show_default=True,
              help="Where the dataset gives no apex: the midpoint, or the frame that differs or moves most.")
@click.option("--corrections/--no-corrections", default=True, show_default=True, help="Apply the listed label corrections.")
@click.option("--skip-missing", is_flag=True, help="Go on when clips have no frames; they stay listed in outcome.csv.")
@click.option("--jobs", type=click.IntRange(1), help="Processes to use.  [default: all cores]")
@click.option("--scheduler", help="Address of a Dask cluster to work on instead; needs the extra [cluster].")
def prepare(dataset, root, out, check, size, apex, corrections, skip_missing, jobs, scheduler):
    """Turn a dataset folder into aligned onset and apex faces.

    \b
    Examples:
      mer prepare casme2 --root ~/data/CASME2 --check
      mer prepare casme2 --root ~/data/CASME2 --out prepared/casme2
    """
    from data_prep import prepare as preparing

    if check:
        found = preparing.check_dataset(dataset, root)
        click.echo("\n".join(found.lines))
        sys.exit(0 if found.usable else 1)
    if out is None:
        raise click.UsageError("Say where the faces go: --out DIR (or only look at the folder: --check).")
    outcome = preparing.prepare(dataset, root, out, size=size, jobs=jobs, apex=apex, corrections=corrections,
                                skip_missing=skip_missing, scheduler=scheduler)
    counts = outcome["outcome"].value_counts()
    click.echo(f"{out}: {counts.get('ok', 0)} of {len(outcome)} clips ready"
               + "".join(f", {n} {name}" for name, n in counts.items() if name != "ok")
               + f"; each clip's outcome is in {out / 'outcome.csv'}")


@cli.group(cls=Commands)
def flow():
    """Optical flow from onset to apex: estimate it, benchmark methods, make training data, train."""


@flow.command()
@click.argument("prepared", type=FOLDER, nargs=-1, required=True)
@click.option("--method", type=Name("flow.methods"), default="dis", show_default=True,
              help=f"One of {known('flow.methods')}.")
@click.option("--weights", type=FILE, help="Local weights, for methods that need them.")
@click.option("--match-exposure/--no-match-exposure", default=True, show_default=True,
              help="Match gain and bias of the two frames first.")
@click.option("--jobs", type=click.IntRange(1), help="Processes to use.  [default: all cores]")
def estimate(prepared, method, weights, match_exposure, jobs):
    """Estimate the flow of every prepared clip and keep it for mer cv.

    \b
    Example:
      mer flow estimate prepared/casme2 prepared/samm --method dis
    """
    from data_prep.prepared import open_prepared
    from flow.cache import estimate_prepared

    options = {"weights": str(weights)} if weights else {}
    for folder in open_prepared(prepared):
        done = estimate_prepared(folder, method, match_exposure=match_exposure, jobs=jobs, **options)
        click.echo(f"{folder.path}: flow of {done} clips by {method}")


@flow.command()
@click.option("--out", type=FOLDER, default=Path("flow-benchmark"), show_default=True, help="Folder for the tables.")
@click.option("--method", "methods", type=Name("flow.methods"), multiple=True, help="Only these; may be repeated.  [default: all]")
@click.option("--size", "sizes", type=click.IntRange(64, 2048), multiple=True, default=(224, 448), show_default=True)
@click.option("--pairs", type=click.IntRange(1), default=200, show_default=True, help="Pairs per size.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--faces", type=FOLDER, help="Folder with more real faces (portraits/, clips/) beside scikit-image's astronaut.")
def benchmark(out, methods, sizes, pairs, seed, faces):
    """Compare flow methods on real face textures with exactly known sub-pixel motion.

    \b
    Example:
      mer flow benchmark --pairs 200 --out flow-benchmark
    """
    from flow.benchmark import run

    click.echo(run(methods or None, sizes=sizes, count=pairs, seed=seed, shared=faces, out=out))


@flow.command()
@click.option("--out", type=FOLDER, required=True, help="Folder for the dataset, in the layout of SRFlow.")
@click.option("--pairs", type=int, default=1000, show_default=True, help="Pairs of frames.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same files.")
@click.option("--size", type=int, default=256, show_default=True, help="Side of a frame, px.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes to use.")
def render(out, pairs, seed, size, jobs):
    """Render synthetic faces in motion with their exact flow: training data in the layout of SRFlow.

    \b
    Example:
      mer flow render --out splat-faces --pairs 1000 --seed 1
    """
    from flow.render import render as write

    new = write(out, pairs, seed, size, jobs)
    click.echo(f"{out}: {pairs} pairs, {new} of them new")


@flow.command("train")
@click.argument("config", type=FILE)
@click.option("--out", type=FOLDER, required=True, help="Folder for checkpoints and logs; training goes on from what is in it.")
@click.option("--device", help="Torch device.  [default: a GPU where there is one]")
def train_flow(config, out, device):
    """Train SRFlowNet as a YAML file says.

    \b
    Example:
      mer flow train configs/flow-compact.yaml --out training/compact
    """
    from flow.train import train as fit

    click.echo(f"Weights: {fit(config, out, device=device)}")


@flow.command()
@click.argument("weights", type=FILE)
@click.option("--out", type=FILE, required=True, help="The .onnx file to write.")
@click.option("--size", type=click.IntRange(64, 2048), default=224, show_default=True, help="Side of the frames it will be given, px.")
def export(weights, out, size):
    """Write SRFlowNet as an ONNX model.

    \b
    Example:
      mer flow export flow/weights/srflownet-compact.safetensors --out srflownet.onnx
    """
    from flow.export import export as write

    click.echo(f"Model: {write(weights, out, (size, size))}")


def experiment(command):
    """The options that say what is evaluated or fitted; shared by `cv` and `train`, named as in `CvConfig`."""
    for option in reversed([
        click.argument("prepared", type=FOLDER, nargs=-1),
        click.option("--config", type=FILE, help="YAML with any of these settings; options typed here win."),
        click.option("--maps", type=FOLDER, help="Ready-made motion maps (PNG or NPY) instead of prepared clips."),
        click.option("--index", type=FILE, help="CSV of the maps: file, dataset, subject, clip, label."),
        click.option("--protocol", help="Which clips count and how emotions become labels: a name, or a YAML file."),
        click.option("--method", type=Name("flow.methods"), help="Flow method; its flow must have been estimated."),
        click.option("--feature", type=Name("mer.features"), help=f"What the classifier reads: {known('mer.features')}."),
        click.option("--classifier", type=Name("mer.classifiers"), help=f"What predicts the label: {known('mer.classifiers')}."),
        click.option("--seeds", type=click.IntRange(1), help="How many seeds to repeat everything with."),
        click.option("--out", type=FOLDER, required=True, help="Folder to write to."),
    ]):
        command = option(command)
    return command


def inputs_and_config(prepared, config, maps, index, **typed):
    """Check that the input is named once, and merge the YAML with what was typed."""
    from mer.config import load_config

    if bool(prepared) == bool(maps):
        raise click.UsageError("Name prepared folders, or --maps DIR with --index CSV; one of the two.")
    if bool(maps) != bool(index):
        raise click.UsageError("--maps DIR and --index CSV go together.")
    return load_config(config, {key: value for key, value in typed.items() if value is not None})


@cli.command()
@experiment
def cv(prepared, config, maps, index, out, **typed):
    """Leave-one-subject-out cross validation: predictions, scores, report.

    \b
    Examples:
      mer cv prepared/casme2 prepared/samm prepared/smic --classifier ststnet --out runs/first
      mer cv --maps maps --index maps.csv --classifier logistic --out runs/maps
    """
    from mer import run
    from mer.report import write_report

    settings = inputs_and_config(prepared, config, maps, index, **typed)
    if maps:
        scores = run.cross_validate_maps(maps, index, settings, out)
    else:
        scores = run.cross_validate_prepared(prepared, settings, out)
    page = write_report(out)
    click.echo(run.summary(scores))
    click.echo(f"Report: {page}")


@cli.command()
@experiment
def train(prepared, config, maps, index, out, **typed):
    """Fit a classifier on every clip and write a bundle that `mer score` can use.

    \b
    Example:
      mer train prepared/casme2 prepared/samm --classifier ststnet --out bundles/mine
    """
    from mer import bundle

    if maps:
        raise click.UsageError("A bundle must know how its maps are made; train from prepared folders.")
    settings = inputs_and_config(prepared, config, maps, index, **typed)
    fitted = bundle.fit(prepared, settings)
    bundle.save(fitted, out)
    click.echo(f"Bundle: {out} ({fitted.card.clips} clips of {fitted.card.subjects} subjects)")


@cli.command()
@click.argument("clip", type=ANY)
@click.option("--bundle", type=FOLDER, required=True, help="A bundle written by mer train.")
@click.option("--onset", type=int, help="Frame number of the onset, where you know it.")
@click.option("--apex", type=int, help="Frame number of the apex, where you know it.")
@click.option("--fps", type=click.FloatRange(min=0, min_open=True), help="Frames per second of a frame folder, to give times.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a line.")
@click.option("--out", type=FOLDER, help="Write pictures of onset, apex, flow and strain here.")
def score(clip, bundle, onset, apex, fps, as_json, out):
    """Say what one video or frame folder shows.

    \b
    Example:
      mer score clip.mp4 --bundle bundles/mine --out pictures
    """
    from mer.score import score_clip, write_pictures

    result = score_clip(clip, bundle, onset=onset, apex=apex, fps=fps)
    if out:
        write_pictures(result, out)
    click.echo(result.to_json() if as_json else result.to_text())


@cli.command()
@click.argument("run", type=FOLDER)
def report(run):
    """Write the report of a run again: one self-contained HTML page.

    \b
    Example:
      mer report runs/first
    """
    from mer.report import write_report

    click.echo(f"Report: {write_report(run)}")


def main():
    """Entry point of the `mer` command: errors of the user's are one message, never a traceback."""
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
    except (KeyboardInterrupt, click.Abort):
        click.echo("mer: interrupted. Run the same command again to go on where it stopped.", err=True)
        sys.exit(130)
