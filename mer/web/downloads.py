"""What a result can be looked at or saved as: each file is made when it is first asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mer.web.analysis import Progress
from mer.web.clips import Clip

PICTURES = [
    f"{name}{end}.png" for name in ("onset", "apex", "arrows", "flow", "strain") for end in ("", "-dark")
]


class Download(NamedTuple):
    """How a file is made (`make(clip, path)`, in the worker), and the end of its name when it is saved.

    Without such an end it is shown on the page only.
    """

    make: Callable[[Clip, Path], None]
    media_type: str
    saved_as: str | None = None


def _pictures(clip: Clip, path: Path) -> None:
    from data_prep.frames import write_image
    from mer.report.clip_figures import draw_pictures
    from mer.report.theme import DARK, LIGHT

    for end, theme in (("", LIGHT), ("-dark", DARK)):
        for name, picture in draw_pictures(clip.result.score, theme).items():
            write_image(path.with_name(f"{name}{end}.png"), picture)


def _film(clip: Clip, path: Path) -> None:
    from data_prep.frames import open_frames
    from mer.report.film import write_film

    write_film(clip.result.score, open_frames(clip.path), path.with_suffix(".mp4"))


def _report(clip: Clip, path: Path) -> None:
    from mer.report.clip_page import write_score

    write_score(clip.result.score, path.parent)
    path.with_name("page.html").rename(path)


def _intervals(clip: Clip, path: Path) -> None:
    from mer.report.export import write_intervals

    write_intervals(clip.result.intervals, path)


def _json(clip: Clip, path: Path) -> None:
    from mer_core.io import write_json

    write_json(path, clip.result.score.to_dict() | {"clip": clip.path.name})


def write_annotated(clip: Clip, progress: Progress) -> None:
    """Draw the video of the whole clip; `make` only finds it."""
    from data_prep.frames import open_frames
    from mer.report.annotated_video import write_annotated_video

    track, score = clip.result.track, clip.result.score
    notes = {score.interval: ", ".join(unit.title for unit in score.units[:2])} if score.interval else {}
    write_annotated_video(
        track,
        clip.result.intervals,
        open_frames(clip.path),
        clip.folder / ANNOTATED,
        notes=notes,
        progress=lambda n_done: progress(n_done, len(track.number)),
    )


def _annotated(clip: Clip, path: Path) -> None:
    path.symlink_to(clip.folder / ANNOTATED)


def _timeline(clip: Clip, path: Path) -> None:
    from data_prep.frames import open_frames, write_image
    from mer.report.timeline_picture import timeline_picture

    write_image(path, timeline_picture(clip.result.track, clip.result.intervals, open_frames(clip.path)))


def _frames(clip: Clip, path: Path) -> None:
    from mer.report.export import write_frames

    write_frames(clip.result.track, clip.result.intervals, path)


ANNOTATED = "annotated.mp4"
DOWNLOADS = {
    **{name: Download(_pictures, "image/png") for name in PICTURES},
    "moment.png": Download(_film, "image/png"),
    "moment.mp4": Download(_film, "video/mp4", "-moment.mp4"),
    "report.html": Download(_report, "text/html", "-report.html"),
    "intervals.csv": Download(_intervals, "text/csv", "-intervals.csv"),
    "intervals.eaf": Download(_intervals, "application/xml", "-intervals.eaf"),
    "frames.csv": Download(_frames, "text/csv", "-frames.csv"),
    "timeline.png": Download(_timeline, "image/png", "-timeline.png"),
    ANNOTATED: Download(_annotated, "video/mp4", "-annotated.mp4"),
    "score.json": Download(_json, "application/json", "-score.json"),
}


def make(clip: Clip, name: str) -> Path:
    """The file of that name for the clip's present score; made at the first call, in the worker."""
    path = clip.folder / f"score-{clip.n_scored}" / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        DOWNLOADS[name].make(clip, path)
    return path
