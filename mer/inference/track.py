"""What one pass over a video measured, a row per frame. `track_assembly` makes it, `spotting` reads it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data_prep.face_plausibility import MIN_PLAUSIBILITY
from mer.inference.appearance import MAX_CHANGED, changed_fraction
from mer.inference.site_motion import PER_CENT, strength
from mer_core.text import format_count

EYES_MM, FOCAL_PER_WIDTH = 63.0, 500 / 640


@dataclass(frozen=True)
class Track:
    """What one pass over a video measured: arrays with a row per measured frame.

    "%" is per cent of the inter-ocular distance. Right and down are those of the picture of the face as seen
    from the front. Values are NaN in rows without a face.
    """

    number: np.ndarray  # (n,) int64, frame number
    time: np.ndarray  # (n,) s since the first frame
    seen: np.ndarray  # (n,) bool, whether the face was found
    run: np.ndarray  # (n,) int64, unbroken run of frames; -1 where no face is seen or it is covered
    n_faces: np.ndarray  # (n,) int64, faces in view at the last count
    plausibility: np.ndarray  # (n,) 0..1, of the landmarks (data_prep/face_plausibility.py)
    box: np.ndarray  # (n, 4) px: left, top, right, bottom of the face
    eyes_px: np.ndarray  # (n,) px, inter-ocular distance
    turn: np.ndarray  # (n, 3) degrees: yaw, pitch, roll of the head
    shift: np.ndarray  # (n, 2) px, the point between the eyes
    sites: np.ndarray  # (n, 17, 2) %, positions of `site_motion.NAMES` without the head's pose
    neutral: np.ndarray  # (n, 17, 2) %, the same of the neutral face
    at_rest: np.ndarray  # (n,) 0..1, how close the face is to its neutral state
    lids: np.ndarray  # (n, 2) %, distance of the lids of the right and the left eye
    open_lids: np.ndarray  # (2,) %, the same of the open eyes
    mouth: np.ndarray  # (n, 4) %: opening, height of the corners below the middle of the lips, width, tilt
    appearance: np.ndarray  # (n, 3, 128) uint8, see `read_appearance`; 0 in rows without a face
    neutral_frame: int  # frame number of the neutral face
    face_id: int
    max_faces: int  # seen at once
    frames: int  # read, measured or not
    shape: tuple[int, int]  # height and width of a frame, px
    timed: bool  # False: the frames have no times, and a rate was assumed
    is_neutral_given: bool = False  # by the user
    # Frames before which the picture jumps (data_prep/frame_changes.py), and those next to damaged ones.
    jumps: tuple[int, ...] = ()
    frame_notes: tuple[str, ...] = ()  # what is irregular about the frames that were read (`FrameReport`)

    @property
    def fps(self) -> float:
        """Frames per second, from the median step; NaN if unknown."""
        steps = np.diff(self.time) / np.maximum(np.diff(self.number), 1)
        return float(1 / np.median(steps)) if len(steps) and np.median(steps) > 0 else float("nan")

    @property
    def n_seen(self) -> int:
        """Number of measured frames that show the face."""
        return int(self.seen.sum())

    @property
    def is_implausible(self) -> bool:
        """Whether the landmarks look like no measurable face in most of the frames that show one."""
        return bool(self.seen.any() and np.median(self.plausibility[self.seen]) < MIN_PLAUSIBILITY)

    @property
    def displacement(self) -> np.ndarray:
        """(n, 17, 2) %: sites relative to the neutral face."""
        return self.sites - self.neutral

    @property
    def activity(self) -> np.ndarray:
        """(n,) %: strength of the displacement from the neutral face; 0 where no face is seen."""
        return np.nan_to_num(strength(self.displacement))

    def runs(self) -> Iterator[np.ndarray]:
        """Yield the rows of each unbroken run of frames in which the face is measured."""
        for run in np.unique(self.run[self.run >= 0]):
            yield np.flatnonzero(self.run == run)

    def row(self, number: int) -> int | None:
        """Return the row of a frame number; None if that frame was not measured."""
        found = np.flatnonzero(self.number == number)
        return int(found[0]) if len(found) else None

    def find_jump(self, start_s: float, end_s: float) -> int | None:
        """Return the number of the first frame of `jumps` between two times; None if there is none."""
        within = (self.time >= start_s) & (self.time <= end_s) & np.isin(self.number, self.jumps)
        return int(self.number[within][0]) if within.any() else None

    def is_comparable(self, rows: np.ndarray, other: int) -> np.ndarray:
        """Return whether the faces of rows look like that of another row, and are plausible, (n,) bool.

        If the face is implausible in most of the video, that check does not suit it and excludes no row.
        """
        changed = changed_fraction(self.appearance[other], self.appearance[rows])
        plausible = (self.plausibility[rows] >= MIN_PLAUSIBILITY) | self.is_implausible
        return plausible & (changed <= MAX_CHANGED)

    def step(self, rows: np.ndarray) -> float:
        """Return the median time between these rows, s."""
        return max(float(np.median(np.diff(self.time[rows]))), 1e-3) if len(rows) > 1 else 1.0

    def head_motion(self, first: int, last: int) -> float:
        """Return about how far the head moves a point of the face between two rows, %."""
        shift = np.linalg.norm(self.shift[last] - self.shift[first]) / self.eyes_px[first] * PER_CENT
        turn = np.radians(np.linalg.norm(self.turn[last] - self.turn[first])) * PER_CENT
        growth = abs(self.eyes_px[last] / self.eyes_px[first] - 1) * PER_CENT
        return float(np.hypot(shift, turn) + growth)

    def position_mm(self) -> np.ndarray:
        """Return the point between the eyes, (n, 3) mm right, down and away from an uncalibrated camera.

        Assumes an inter-ocular distance of 63 mm and a focal length of 500 px at a width of 640 px, as
        OpenFace does.
        """
        mm_per_px = EYES_MM / self.eyes_px
        middle = np.array(self.shape[::-1]) / 2
        depth = FOCAL_PER_WIDTH * self.shape[1] * mm_per_px
        return np.column_stack([(self.shift - middle) * mm_per_px[:, None], depth])

    def remarks(self) -> list[str]:
        """Return what a reader must know: other faces, gaps, covered parts; a sentence each."""
        lines = []
        if self.max_faces > 1:
            lines.append(
                f"Up to {self.max_faces} faces are seen at once; face {self.face_id} was followed "
                "(--face, or Face on the page, chooses another)."
            )
        gaps = int((np.diff(self.seen.astype(int)) == 1).sum()) - int(len(self.seen) and not self.seen[0])
        if gaps > 0:
            lines.append(
                f"The face was out of sight {format_count(gaps, 'time')}; motion across a gap is not "
                "measured."
            )
        if self.is_implausible:
            lines.append(
                "In most frames the landmarks do not look like an upright, unobstructed face: no expression "
                "is reported."
            )
        covered = int((self.seen & (self.run < 0)).sum())
        if covered:
            lines.append(
                f"In {covered} of {len(self.seen)} frames something covers the face; they are left out."
            )
        if self.jumps:
            lines.append(
                "Nothing is reported across jumps of the picture and damaged frames, which look like motion."
            )
        return lines
