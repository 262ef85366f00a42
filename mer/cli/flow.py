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
    emit,
    known,
)
from mer_core.text import format_count
from mer_core.trackers import TRACKERS


@click.group(cls=Commands)
def flow():
    """Optical flow: estimate, benchmark, render, train, export."""


@flow.command()
@click.argument("prepared", type=INPUT_FOLDER, nargs=-1, required=True)
@click.option(
    "--method",
    type=Name("flow.methods"),
    default="srflownet",
    show_default=True,
    help=f"Flow method: {known('flow.methods')}.",
)
@click.option("--weights", type=INPUT_FILE, help="Weights file instead of the method's own; raft needs one.")
@click.option(
    "--match-exposure/--no-match-exposure",
    default=True,
    show_default=True,
    help="Match the brightness (gain and bias) of the two faces first.",
)
@click.option("--jobs", type=click.IntRange(1), help="Number of threads.  [default: all cores]")
@click.option("--scheduler", help="Address of a Dask cluster to use instead; needs the extra [cluster].")
@device_option()
def estimate(prepared, method, weights, match_exposure, jobs, scheduler, device):
    """Estimate and store the flow of every prepared clip.

    \b
    Example:
      mer flow estimate prepared/casme2 prepared/samm
    """
    from data_prep.prepared import open_prepared
    from flow.prepared_flow import estimate_prepared

    options = {"weights": str(weights.absolute())} if weights else {}
    done_by_folder: dict[str, int] = {}
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
        done_by_folder[str(folder.path)] = done
    emit(
        "\n".join(
            f"{path}: flow of {format_count(n, 'clip')} by {method}" for path, n in done_by_folder.items()
        ),
        {"method": method, "clips": done_by_folder},
    )


@flow.command()
@click.option(
    "--out", type=FOLDER, default=Path("flow-benchmark"), show_default=True, help="Folder for the tables."
)
@click.option(
    "--method",
    "methods",
    type=Name("flow.methods"),
    multiple=True,
    help="Method to measure; may be repeated.  [default: all]",
)
@click.option(
    "--weights",
    type=INPUT_FILE,
    help="Weights file of the only --method given; without --method, of raft.",
)
@click.option(
    "--size",
    "sizes",
    type=click.IntRange(64, 2048),
    multiple=True,
    default=(224, 448),
    show_default=True,
    help="Side of the frames, px; may be repeated.",
)
@click.option("--pairs", type=click.IntRange(1), default=200, show_default=True, help="Pairs per size.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the pairs.")
@click.option(
    "--faces",
    type=INPUT_FOLDER,
    help="Folder with more faces (portraits/, clips/).  [default: scikit-image's astronaut only]",
)
@click.option("--smooth", is_flag=True, help="Only wide pulls, whose motion has small slopes.")
@click.option("--rendered", is_flag=True, help="Measure on rendered faces moved by muscles.")
@click.option("--scanned", is_flag=True, help="Measure on portraits moved by expressions of scanned people.")
@click.option(
    "--portraits", type=INPUT_FOLDER, help="Portraits for --scanned.  [default: astronaut, rendered faces]"
)
@click.option(
    "--head-model",
    type=INPUT_FILE,
    help="Head model for --scanned (mer flow head-model).  [default: the reduced one that ships]",
)
@click.option(
    "--h264",
    metavar="CRF",
    type=click.IntRange(0, 51),
    help="Compress the frames as H.264 at this constant rate factor: 18 is high quality, 35 low.",
)
@click.option(
    "--jpeg",
    metavar="QUALITY",
    type=click.IntRange(1, 100),
    help="Compress the frames as JPEG at this quality.",
)
@click.option(
    "--limit/--no-limit",
    default=True,
    show_default=True,
    help="Add a row with the error that noise leaves to a linear estimator.",
)
@device_option()
def benchmark(out, methods, weights, sizes, pairs, seed, rendered, scanned, device, **options):
    """Compare methods on faces with exactly known motion.

    \b
    Examples:
      mer flow benchmark --pairs 200 --out flow-benchmark
      mer flow benchmark --scanned --portraits DIR --head-model head.npz
    """
    from flow.benchmark.measure import run_benchmark
    from flow.benchmark.source import PairSource

    if rendered and scanned:
        raise click.UsageError("--rendered and --scanned exclude each other. Give one of them.")
    source = PairSource("rendered" if rendered else "scanned" if scanned else "photographs", **options)
    settings = {"sizes": sizes, "count": pairs, "seed": seed, "weights": weights, "device": device}
    page = run_benchmark(methods or None, source=source, out=out, **settings)
    emit(page, {"out": out, "page": page})


@flow.command()
@click.option("--out", type=FOLDER, required=True, help="Folder for the dataset, in the layout of SRFlow.")
@click.option("--pairs", type=int, default=1000, show_default=True, help="Number of pairs of frames.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same files.")
@click.option("--size", type=int, default=256, show_default=True, help="Side of a frame, px.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Number of processes.")
@click.option(
    "--head-model",
    type=INPUT_FILE,
    help="Head model of scans (mer flow head-model) to draw people from.  [default: procedural heads]",
)
@click.option(
    "--portraits", type=INPUT_FOLDER, help="Portraits to take their skin from.  [default: painted skin]"
)
def render(out, pairs, seed, size, jobs, head_model, portraits):
    """Render faces in motion with their exact flow.

    Training data in the layout of SRFlow.

    \b
    Examples:
      mer flow render --out splat-faces --pairs 1000 --seed 1
      mer flow render --out scanned-faces --pairs 1000 --head-model head.npz
    """
    from flow.splatting.write_dataset import write_dataset as write

    new = write(out, pairs, seed, size, jobs, head_model=head_model, portraits=portraits)
    emit(f"{out}: {format_count(pairs, 'pair')}, {new} new", {"out": out, "pairs": pairs, "new": new})


@flow.command("head-model")
@click.argument("folder", type=INPUT_FOLDER)
@click.option("--out", type=FILE, required=True, help="The .npz file to write.")
def head_model(folder, out):
    """Import a head model of scans (ICT Face Model Light).

    FOLDER is FaceXModel, as published.

    \b
    Example:
      mer flow head-model ICT-FaceKit/FaceXModel --out head.npz
    """
    from flow.splatting.head_model_import import import_head_model

    components, expressions = import_head_model(folder, out)
    emit(
        f"{out}: {components} components of identity, {expressions} expressions",
        {"out": out, "components": components, "expressions": expressions},
    )


@flow.command("train")
@click.argument("config", type=Config())
@click.option(
    "--out",
    type=FOLDER,
    required=True,
    help="Folder for checkpoints and logs; an interrupted training continues.",
)
@click.option(
    "--track",
    type=click.Choice(TRACKERS),
    help="Also send the log to this tracker; needs the extra of that name.",
)
@device_option()
def train_flow(config, out, track, device):
    """Train the flow network with the settings of a YAML file.

    \b
    Example:
      mer flow train configs/flow-compact.yaml --out training/compact
    """
    from flow.srflownet.train import train as fit

    weights = fit(config, out, device=device, tracker=track)
    emit(f"Weights: {weights}", {"weights": weights})


@flow.command()
@click.argument("weights", type=INPUT_FILE)
@click.option("--out", type=FILE, required=True, help="The .onnx file to write.")
@click.option(
    "--size",
    type=click.IntRange(64, 2048),
    default=224,
    show_default=True,
    help="Side of the frames the model will get, px.",
)
def export(weights, out, size):
    """Export the flow network as an ONNX model.

    Needs the extra [onnx].

    \b
    Example:
      mer flow export flow/weights/srflownet-compact.safetensors --out srflownet.onnx
    """
    from flow.srflownet.export import export as write

    model = write(weights, out, (size, size))
    emit(f"Model: {model}", {"model": model})
