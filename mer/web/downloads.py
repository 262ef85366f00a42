"""The files of a result, to show or to save; each is created at its first request."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mer.web.analysis import Progress
from mer.web.clips import Clip

PICTURES = [
    f"{name}{end}.png" for name in ("onset", "apex", "arrows", "flow", "strain") for end in ("", "-dark")
]


class Download(NamedTuple):
    """How a file is created, and what it is called when it is saved."""

    write: Callable[[Clip, Path], None]  # called in the worker
    media_type: str
    name_end: str | None = None  # follows the clip's name; None: the file is only shown on the page


def _write_pictures(clip: Clip, path: Path) -> None:
    from data_prep.frames import write_image
    from mer.report.clip_figures import draw_pictures
    from mer.report.theme import DARK, LIGHT

    for end, theme in (("", LIGHT), ("-dark", DARK)):
        for name, picture in draw_pictures(clip.result.score, theme, clip.blur).items():
            write_image(path.with_name(f"{name}{end}.png"), picture)


def _write_film(clip: Clip, path: Path) -> None:
    from data_prep.frames import open_frames
    from mer.report.film import write_film

    write_film(clip.result.score, open_frames(clip.path), path.with_suffix(".mp4"), clip.blur)


def _write_report(clip: Clip, path: Path) -> None:
    from mer.report.clip_page import write_score

    write_score(clip.result.score, path.parent, clip.blur)
    path.with_name("page.html").rename(path)


def _write_intervals(clip: Clip, path: Path) -> None:
    from mer.report.export import write_intervals

    write_intervals(clip.result.intervals, path)


def _write_json(clip: Clip, path: Path) -> None:
    from mer_core.io import write_json

    write_json(path, clip.result.score.to_dict() | {"clip": clip.path.name})


def write_annotated(clip: Clip, progress: Progress) -> None:
    """Draw the video of the whole clip; too slow for `create_file`, so it is a task of its own."""
    from data_prep.frames import open_frames
    from mer.report.annotated_video import write_annotated_video

    track = clip.result.track
    write_annotated_video(
        track,
        clip.result.intervals,
        open_frames(clip.path),
        clip.folder / ANNOTATED,
        blur=clip.blur,
        progress=lambda n_done: progress(n_done, len(track.number)),
    )


def _link_annotated(clip: Clip, path: Path) -> None:
    path.symlink_to(clip.folder / ANNOTATED)


def _write_timeline(clip: Clip, path: Path) -> None:
    from data_prep.frames import open_frames, write_image
    from mer.report.timeline_picture import timeline_picture

    track, intervals, frames = clip.result.track, clip.result.intervals, open_frames(clip.path)
    write_image(path, timeline_picture(track, intervals, frames, blur=clip.blur))


def _write_frames(clip: Clip, path: Path) -> None:
    from mer.report.export import write_frames

    write_frames(clip.result.track, clip.result.intervals, path)


ANNOTATED = "annotated.mp4"
DOWNLOADS = {
    **{name: Download(_write_pictures, "image/png") for name in PICTURES},
    "moment.png": Download(_write_film, "image/png"),
    "moment.mp4": Download(_write_film, "video/mp4", "-moment.mp4"),
    "report.html": Download(_write_report, "text/html", "-report.html"),
    "intervals.csv": Download(_write_intervals, "text/csv", "-intervals.csv"),
    "intervals.eaf": Download(_write_intervals, "application/xml", "-intervals.eaf"),
    "frames.csv": Download(_write_frames, "text/csv", "-frames.csv"),
    "timeline.png": Download(_write_timeline, "image/png", "-timeline.png"),
    ANNOTATED: Download(_link_annotated, "video/mp4", "-annotated.mp4"),
    "score.json": Download(_write_json, "application/json", "-score.json"),
}


def create_file(clip: Clip, name: str) -> Path:
    """Return the file of the clip's current score, and create it at the first call."""
    path = clip.folder / f"score-{clip.n_scored}" / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        DOWNLOADS[name].write(clip, path)
    return path
