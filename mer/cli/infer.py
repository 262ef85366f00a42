"""The commands for your own videos: parse, call, print."""

import sys
from typing import NoReturn

import click

from mer.cli.options import ANY, FILE, FOLDER, INPUT, INPUT_FOLDER, OUTPUT, command, device_option, emit
from mer_core.text import format_count

bundle_option = click.option(
    "--bundle", type=INPUT_FOLDER, help="Bundle written by mer train.  [default: the one that comes with mer]"
)
fps_option = click.option(
    "--fps",
    type=click.FloatRange(min=0, min_open=True),
    help="Frames per second; needed for the times of a folder of frames, and replaces the rate of a video.",
)
face_option = click.option(
    "--face", type=click.IntRange(1), default=1, show_default=True, help="Face to follow; 1 is the largest."
)
blur_option = click.option("--blur", is_flag=True, help="Show the face as a mesh in every output.")
neutral_option = click.option(
    "--neutral", type=int, help="Frame number of the person's neutral face.  [default: found in the clip]"
)
frames_option = click.option(
    "--frames",
    "frames_csv",
    type=FILE,
    help="CSV to write, one row per frame: OpenFace's first columns, then lids, mouth, motion, action units.",
)


@command()
@click.argument("clip", type=INPUT)
@bundle_option
@click.option("--onset", type=int, help="Frame number of the onset.  [default: found in the clip]")
@click.option("--apex", type=int, help="Frame number of the apex.  [default: found in the clip]")
@fps_option
@face_option
@neutral_option
@frames_option
@click.option(
    "--out",
    type=ANY,
    help="For one clip: folder for page, pictures and film. For a folder of clips: the CSV to write.",
)
@blur_option
@click.option(
    "--jobs", type=click.IntRange(1), help="Number of processes for a folder of clips.  [default: all cores]"
)
@click.option(
    "--scheduler",
    help="For a folder of clips: address of a Dask cluster to use instead; needs the extra [cluster].",
)
@device_option()
def score(clip, bundle, onset, apex, fps, face, neutral, frames_csv, out, blur, jobs, scheduler, device):
    """Explain the strongest expression of a clip.

    The clip is a video or a folder of frames. With a folder of clips, and a CSV as --out: one row per clip.

    \b
    Examples:
      mer score clip.mp4
      mer score clip.mp4 --out what-moved
      mer score recordings --out results.csv
    """
    many = out is not None and out.suffix.lower() == ".csv"
    if blur and (many or out is None):
        raise click.UsageError("--blur applies to the pictures of one clip: add --out DIR.")
    if many:
        if any(value is not None for value in (onset, apex, neutral, frames_csv)):
            raise click.UsageError(
                "--onset, --apex, --neutral and --frames apply to one clip, not to a folder."
            )
        _score_folder(clip, out, bundle, fps=fps, face=face, jobs=jobs, device=device, scheduler=scheduler)
    _check_one_clip(clip, out)
    from mer.inference.reader_process import reader_beside
    from mer.inference.start import load_tracker

    settings = {"fps": fps, "face": face, "neutral": neutral, "device": device}
    with reader_beside(bundle, device) as reader:
        load_tracker()
        from mer.inference.predict import score as score_clip

        result = score_clip(clip, bundle, onset=onset, apex=apex, reader=reader, **settings)
    click.echo(result.to_json() if OUTPUT.json else result.to_text())
    if out is not None:
        from mer.report.clip_page import write_score

        page = write_score(result, out, blur=blur)
        click.echo(f"Page: {page}", err=OUTPUT.json)
    if frames_csv is not None:
        from mer.report.export import write_frames

        write_frames(result.track, result.intervals, frames_csv)


def _score_folder(folder, out, bundle, **settings) -> NoReturn:
    """Score every clip below a folder into a CSV file, print the outcomes and exit."""
    from mer.inference.batch import score_all

    table = score_all(folder, out, bundle, **settings)
    counts = table["outcome"].value_counts()
    emit(
        f"{out}: {format_count(len(table), 'clip')}, "
        + ", ".join(f"{n} {outcome}" for outcome, n in counts.items()),
        {"out": out, "clips": len(table), "outcomes": counts.to_dict()},
    )
    sys.exit(0 if (table["outcome"] != "failed").any() else 3)


def _check_one_clip(clip, out) -> None:
    """Raise `UsageError` if `out` is a file, or `clip` a folder of several clips."""
    if out is not None and out.is_file():
        raise click.UsageError(
            f"--out {out} is a file. Of one clip, --out is the folder for page and pictures."
        )
    if clip.is_dir():
        from data_prep.own_recordings.recordings import find_recordings

        clips = find_recordings(clip).clips.values()
        if clip not in clips:
            raise click.UsageError(
                f"{clip} is a folder of {len(clips)} clips. One row each: mer score {clip} --out results.csv"
            )


@command()
@click.argument("video", type=INPUT)
@bundle_option
@click.option(
    "--label/--no-label", default=True, show_default=True, help="Classify each expression with the bundle."
)
@fps_option
@face_option
@neutral_option
@frames_option
@click.option(
    "--out",
    type=FILE,
    help="File for the intervals, by suffix: .csv, .json, .parquet, .xlsx, .eaf (ELAN), _events.tsv (BIDS).",
)
@click.option(
    "--megc",
    type=FILE,
    help="CSV in the submission format of the grand challenges (MEGC); the video's expressions are added.",
)
@click.option(
    "--against", type=FILE, help="Intervals of a human coder (.eaf, .csv, .tsv): print F1 and agreement."
)
@click.option("--tier", help="Tier (ELAN) or behaviour (table) of --against to use.")
@click.option(
    "--pictures", type=FOLDER, help="Folder for the annotated video and a timeline with thumbnails."
)
@blur_option
@device_option()
def spot(
    video, bundle, label, fps, face, neutral, frames_csv, out, megc, against, tier, pictures, blur, device
):
    """List every expression, blink and head movement of a video.

    \b
    Examples:
      mer spot interview.mp4 --out intervals.csv --frames frames.csv
      mer spot frames/ --fps 200 --no-label
      mer spot interview.mp4 --no-label --against coding.eaf --tier expressions
      mer spot SAMM_longvideos/032_3 --fps 200 --megc samm_pred.csv
      mer spot interview.mp4 --pictures pictures --blur
    """
    if tier is not None and against is None:
        raise click.UsageError("--tier selects a tier of --against FILE, which is missing.")
    if blur and pictures is None:
        raise click.UsageError("--blur applies to --pictures DIR, which is missing.")
    coded = _check_files(out, megc, against, tier)
    from mer.inference.start import load_tracker

    load_tracker()
    from mer.inference import predict

    track, found = predict.spot(
        video, bundle, fps=fps, face=face, neutral=neutral, label=label, device=device
    )
    if out is not None:
        from mer.report.export import write_intervals

        write_intervals(found, out)
    if frames_csv is not None:
        from mer.report.export import write_frames

        write_frames(track, found, frames_csv)
    if megc is not None:
        from mer.report.megc import add_to_submission

        path = video.resolve()
        add_to_submission(found, path.name if path.is_dir() else path.stem, megc)
    if pictures is not None:
        from data_prep.frames import open_frames
        from mer.report.clip_pictures import write_clip_pictures

        write_clip_pictures(track, found, open_frames(video, fps), pictures, blur)
    agreement = None
    if coded is not None:
        from mer.report.coding import compare_coding

        agreement = compare_coding(coded, found)
    _emit_intervals(track, found, agreement, bundle, label)


def _check_files(out, megc, against, tier):
    """Check the files before the long tracking, and return the coder's intervals; None without `against`."""
    if out is not None:
        from mer.report.export import check_suffix

        check_suffix(out)
    if megc is not None and megc.is_file():
        from mer.report.megc import read_submission

        read_submission(megc)
    if against is None:
        return None
    from mer.report.coding import read_coding

    return read_coding(against, tier)


def _emit_intervals(track, found, agreement, bundle, label: bool) -> None:
    """Print what `mer spot` found, as text or JSON."""
    from mer.inference import reliability, spotting

    notes = reliability.list_notes(track, found)
    lines = [f"{spotting.format_intervals(found)} in {format_count(track.frames, 'frame')}"]
    lines += [f"note: {note}" for note in notes]
    if label:
        lines += _evidence_lines(bundle, any(interval.label for interval in found))
    data = {"intervals": [one.to_dict() for one in found], "frames": track.frames, "remarks": notes}
    if agreement is not None:
        lines.append(agreement.to_text())
        data["agreement"] = agreement.to_dict()
    emit("\n".join(lines), data)


def _evidence_lines(bundle, is_labelled: bool) -> list[str]:
    """Return what is known of the labels of a bundle that has been used."""
    from mer.bundle import default_path
    from mer.inference import models, reliability
    from mer.recipe import evidence_words

    recipe = models.get_recipe(str(bundle or default_path()))
    evidence = [f"evidence for labels: {evidence_words(recipe.evidence)}"] if is_labelled else []
    notes = [f"note: {note}" for note in reliability.other_face_model(recipe)]
    return evidence + notes + [reliability.SYNTHETIC] * recipe.synthetic


@command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="Port of the page; 0 is any free one.",
)
@click.option(
    "--bundle",
    "bundles",
    type=INPUT_FOLDER,
    multiple=True,
    help="A bundle written by mer train, offered beside those that come with mer; may be repeated.",
)
@click.option(
    "--open/--no-open", "open_browser", default=True, show_default=True, help="Open the page in the browser."
)
@click.option(
    "--keep",
    type=click.FloatRange(0, min_open=True),
    default=30,
    show_default=True,
    help="Minutes until an analysed clip is deleted.",
)
@blur_option
@device_option()
def app(port, bundles, open_browser, keep, blur, device):
    """Open a local web page to score clips.

    Only this machine can open it, and nothing leaves it.

    \b
    Examples:
      mer app
      mer app --bundle bundles/mine --keep 5
    """
    from mer.web.serve import serve

    serve(port, bundles, open_browser, keep * 60, device, blur)
