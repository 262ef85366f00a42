"""Write the pictures of a whole clip: the annotated video, and the timeline for light and dark pages."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data_prep.frames import Frames, write_image
from mer.report.annotated_video import write_annotated_video
from mer.report.theme import DARK, LIGHT
from mer.report.timeline_picture import timeline_picture
from mer_core.io import atomic_replace
from mer_core.progress import track as show_progress

if TYPE_CHECKING:
    from mer.inference.spotting import Interval
    from mer.inference.track import Track


def write_clip_pictures(
    track: "Track", intervals: "Sequence[Interval]", frames: Frames, out: Path, blur: bool = False
) -> None:
    """Write annotated.mp4, timeline.png and timeline-dark.png into `out`.

    With `blur`, they show the mesh of the face instead of the recorded picture.
    """
    for name, theme in (("timeline", LIGHT), ("timeline-dark", DARK)):
        with atomic_replace(out / f"{name}.png") as temporary:
            write_image(temporary, timeline_picture(track, intervals, frames, theme, blur))
    drawn = show_progress(frames, "Drawing", total=track.frames)
    write_annotated_video(track, intervals, drawn, out / "annotated.mp4", blur=blur)
