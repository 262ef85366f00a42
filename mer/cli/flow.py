"""The `mer flow` commands: parse, call, print."""

from pathlib import Path

import click

from mer.cli.options import (
    FILE,
    FOLDER,
    INPUT_FILE,
    INPUT_FOLDER,
    Commands,
    Config,
    Name,
    device_option,
    known,
)


@click.group(cls=Commands)
def flow():
    """Optical flow from onset to apex: estimate it, benchmark methods, make training data, train."""


@flow.command()
@click.argument("prepared", type=INPUT_FOLDER, nargs=-1, required=True)
@click.option(
    "--method",
    type=Name("flow.methods"),
    default="srflownet",
    show_default=True,
    help=f"One of {known('flow.methods')}.",
)
@click.option("--weights", type=INPUT_FILE, help="Local weights, for methods that need them.")
@click.option(
    "--match-exposure/--no-match-exposure",
    default=True,
    show_default=True,
    help="Match gain and bias of the two frames first.",
)
@click.option("--jobs", type=click.IntRange(1), help="Threads to use.  [default: all cores]")
@click.option("--scheduler", help="Address of a Dask cluster to work on instead; needs the extra [cluster].")
@device_option()
def estimate(prepared, method, weights, match_exposure, jobs, scheduler, device):
    """Estimate the flow of every prepared clip and keep it for mer cv.

    \b
    Example:
      mer flow estimate prepared/casme2 prepared/samm
    """
    from data_prep.prepared import open_prepared
    from flow.prepared_flow import estimate_prepared

    options = {"weights": str(weights.absolute())} if weights else {}
    for folder in open_prepared(prepared):
        done = estimate_prepared(
            folder,
            method,
            match_exposure=match_exposure,
            jobs=jobs,
            scheduler=scheduler,
            device=device,
            **options,
        )
        click.echo(f"{folder.path}: flow of {done} clips by {method}")


@flow.command()
@click.option(
    "--out", type=FOLDER, default=Path("flow-benchmark"), show_default=True, help="Folder for the tables."
)
@click.option(
    "--method",
    "methods",
    type=Name("flow.methods"),
    multiple=True,
    help="Only these; may be repeated.  [default: all]",
)
@click.option("--weights", type=INPUT_FILE, help="Local weights, for the one method that is named.")
@click.option(
    "--size", "sizes", type=click.IntRange(64, 2048), multiple=True, default=(224, 448), show_default=True
)
@click.option("--pairs", type=click.IntRange(1), default=200, show_default=True, help="Pairs per size.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--faces",
    type=INPUT_FOLDER,
    help="Folder with more real faces (portraits/, clips/) beside scikit-image's astronaut.",
)
@click.option("--smooth", is_flag=True, help="Only wide pulls, as in tables before version 0.2.")
@click.option("--rendered", is_flag=True, help="Measure on rendered faces moved by muscles instead.")
@click.option(
    "--scanned", is_flag=True, help="Measure on portraits moved by expressions of scanned people instead."
)
@click.option(
    "--portraits", type=INPUT_FOLDER, help="Portraits for --scanned.  [default: astronaut, rendered faces]"
)
@click.option(
    "--head-model",
    type=INPUT_FILE,
    help="Head model for --scanned, see mer flow head-model.  [default: a reduced one]",
)
@click.option(
    "--h264",
    metavar="CRF",
    type=click.IntRange(0, 51),
    help="Pass frames through H.264 at this constant rate factor: 18 fine ... 35 coarse.",
)
@click.option("--jpeg", metavar="QUALITY", type=click.IntRange(1, 100), help="Pass frames through JPEG.")
@click.option("--limit/--no-limit", default=True, show_default=True, help="Add how small the error could be.")
@device_option()
def benchmark(out, methods, weights, sizes, pairs, seed, rendered, scanned, device, **options):
    """Compare flow methods on faces with exactly known sub-pixel motion.

    \b
    Example:
      mer flow benchmark --pairs 200 --out flow-benchmark
      mer flow benchmark --scanned --portraits DIR --head-model head.npz
    """
    from flow.benchmark.measure import run
    from flow.benchmark.source import PairSource

    if rendered and scanned:
        raise click.UsageError("--rendered and --scanned are two benchmarks. Take one of them.")
    source = PairSource("rendered" if rendered else "scanned" if scanned else "photographs", **options)
    settings = {"sizes": sizes, "count": pairs, "seed": seed, "weights": weights, "device": device}
    click.echo(run(methods or None, source=source, out=out, **settings))


@flow.command()
@click.option("--out", type=FOLDER, required=True, help="Folder for the dataset, in the layout of SRFlow.")
@click.option("--pairs", type=int, default=1000, show_default=True, help="Pairs of frames.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same files.")
@click.option("--size", type=int, default=256, show_default=True, help="Side of a frame, px.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes to use.")
@click.option(
    "--head-model",
    type=INPUT_FILE,
    help="Draw people from this head model of scans, see mer flow head-model.  [default: procedural heads]",
)
@click.option(
    "--portraits", type=INPUT_FOLDER, help="Take their skin from these portraits.  [default: painted]"
)
def render(out, pairs, seed, size, jobs, head_model, portraits):
    """Render synthetic faces in motion with their exact flow: training data in the layout of SRFlow.

    \b
    Example:
      mer flow render --out splat-faces --pairs 1000 --seed 1
      mer flow render --out scanned-faces --pairs 1000 --head-model head.npz
    """
    from flow.splatting.write_dataset import render as write

    new = write(out, pairs, seed, size, jobs, head_model=head_model, portraits=portraits)
    click.echo(f"{out}: {pairs} pairs, {new} of them new")


@flow.command("head-model")
@click.argument("folder", type=INPUT_FOLDER)
@click.option("--out", type=FILE, required=True, help="The .npz file to write.")
def head_model(folder, out):
    """Read a head model of scans as its publishers ship it (ICT Face Model Light's FaceXModel).

    \b
    Example:
      mer flow head-model ICT-FaceKit/FaceXModel --out head.npz
    """
    from flow.splatting.head_model_import import import_head_model

    components, expressions = import_head_model(folder, out)
    click.echo(f"{out}: {components} components of identity, {expressions} expressions")


@flow.command("train")
@click.argument("config", type=Config())
@click.option(
    "--out",
    type=FOLDER,
    required=True,
    help="Folder for checkpoints and logs; training goes on from what is in it.",
)
@device_option()
def train_flow(config, out, device):
    """Train SRFlowNet as a YAML file says.

    \b
    Example:
      mer flow train configs/flow-compact.yaml --out training/compact
    """
    from flow.srflownet.train import train as fit

    click.echo(f"Weights: {fit(config, out, device=device)}")


@flow.command()
@click.argument("weights", type=INPUT_FILE)
@click.option("--out", type=FILE, required=True, help="The .onnx file to write.")
@click.option(
    "--size",
    type=click.IntRange(64, 2048),
    default=224,
    show_default=True,
    help="Side of the frames it will be given, px.",
)
def export(weights, out, size):
    """Write SRFlowNet as an ONNX model.

    \b
    Example:
      mer flow export flow/weights/srflownet-compact.safetensors --out srflownet.onnx
    """
    from flow.srflownet.export import export as write

    click.echo(f"Model: {write(weights, out, (size, size))}")
