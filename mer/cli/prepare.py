"""`mer prepare`: parse, call, print."""

import sys

import click

from mer.cli.options import FOLDER, INPUT, INPUT_FOLDER, Name, command, emit, known


@command(epilog=f"Datasets: {known('data_prep.datasets')}.")
@click.argument("dataset", type=Name("data_prep.datasets"))
@click.option("--root", type=INPUT_FOLDER, help="The dataset's folder, as downloaded.")
@click.option(
    "--index",
    type=INPUT,
    help="For the dataset `table`: the list of your recordings (.csv, .xlsx, ELAN .eaf, BIDS _events.tsv).",
)
@click.option("--out", type=FOLDER, help="Folder for the prepared faces; one per dataset.")
@click.option(
    "--check",
    is_flag=True,
    help="Only report whether the input can be used; write nothing. The exit code is 1 if it cannot, or if "
    "any row of your own table cannot.",
)
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
    help="What to use where the dataset gives no apex: the midpoint, or the frame that differs most from the "
    "onset (better from 100 frames per second on).",
)
@click.option(
    "--corrections/--no-corrections",
    default=True,
    show_default=True,
    help="Apply the corrections listed for the dataset.",
)
@click.option(
    "--skip-missing", is_flag=True, help="Continue when clips have no frames; outcome.csv lists them."
)
@click.option("--jobs", type=click.IntRange(1), help="Number of processes.  [default: all cores]")
@click.option("--scheduler", help="Address of a Dask cluster to use instead; needs the extra [cluster].")
def prepare(dataset, root, index, out, check, size, apex, corrections, skip_missing, jobs, scheduler):
    """Turn a dataset or your recordings into aligned faces.

    Writes onset, apex and landmarks of each clip, and outcome.csv with one row per clip.

    \b
    Examples:
      mer prepare casme2 --root ~/data/CASME2 --check
      mer prepare casme2 --root ~/data/CASME2 --out prepared/casme2
      mer prepare table --index recordings/clips.csv --out prepared/mine
    """
    from data_prep.dataset_check import check_dataset
    from mer.preparation import prepare as prepare_dataset

    if (root is None) == (index is None) or (index is not None and dataset != "table"):
        raise click.UsageError(
            "Give --root DIR, the dataset's folder; or, for the dataset `table`, --index FILE."
        )
    root = root or index
    if check:
        found = check_dataset(dataset, root, skip_missing)
        facts = {"passed": found.passed, "usable": found.usable, "clips": found.n_clips}
        emit("\n".join(found.lines), {**facts, "ready": found.n_ready, "lines": found.lines})
        sys.exit(0 if found.passed else 1)
    if out is None:
        raise click.UsageError("Give --out DIR for the aligned faces, or --check to only check the input.")
    outcome = prepare_dataset(
        dataset,
        root,
        out,
        size=size,
        jobs=jobs,
        apex=apex,
        corrections=corrections,
        skip_missing=skip_missing,
        scheduler=scheduler,
    )
    counts = outcome["outcome"].value_counts()
    emit(
        f"{out}: {counts.get('ok', 0)} of {len(outcome)} clips ready"
        + "".join(f", {n} {name}" for name, n in counts.items() if name != "ok")
        + f"; each clip's outcome is in {out / 'outcome.csv'}",
        {"out": str(out), "clips": len(outcome), "outcomes": counts.to_dict()},
    )
