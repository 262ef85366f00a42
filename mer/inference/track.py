"""What one pass over a video measured: a row per frame. `recorder.py` makes it, `spotting.py` reads it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mer.inference.site_motion import PER_CENT, strength

EYES_MM, FOCAL_PER_WIDTH = 63.0, 500 / 640


@dataclass(frozen=True)
class Track:
    """What one pass over a video measured; all arrays have a row per measured frame. NaN where no face is
    seen.

    "%" is per cent of the inter-ocular distance; right and down are the picture's, on the face turned to the
    front.

    number  : (n,) int64, frame number; time : (n,) float64 s since the first frame
    seen    : (n,) bool, the face was found
    run     : (n,) int64, counts up whenever the face was out of sight or covered in between; -1 where it is
    n_faces : (n,) int64, faces in view at the last count
    plausibility : (n,) 0..1, of the landmarks (data_prep/face_plausibility.py)
    box     : (n, 4) left, top, right, bottom of the face, px; eyes_px : (n,) inter-ocular distance, px
    turn    : (n, 3) yaw, pitch, roll of the head, degrees; shift : (n, 2) px, of the point between the eyes
    sites   : (n, 17, 2) %, position of `site_motion.NAMES`, right and down, the head taken out
    neutral : (n, 17, 2) %, where the neutral face has them; at_rest : (n,) 0..1, how near the face is to it
    lids    : (n, 2) %, distance of the lids of the right and the left eye; open_lids : (2,) %, of the open
    eyes
    mouth   : (n, 4) %, opening, height of the corners under the middle of the lips, width, tilt
    """

    number: np.ndarray
    time: np.ndarray
    seen: np.ndarray
    run: np.ndarray
    n_faces: np.ndarray
    plausibility: np.ndarray
    box: np.ndarray
    eyes_px: np.ndarray
    turn: np.ndarray
    shift: np.ndarray
    sites: np.ndarray
    neutral: np.ndarray
    at_rest: np.ndarray
    lids: np.ndarray
    open_lids: np.ndarray
    mouth: np.ndarray
    neutral_frame: int  # frame number of the face that was taken as neutral
    face_id: int
    max_faces: int  # seen at once
    frames: int  # read, measured or not
    shape: tuple[int, int]  # height and width of a frame, px
    timed: bool  # False: the frames have no times, and a rate was assumed
    is_neutral_given: bool = False  # by the user

    @property
    def fps(self) -> float:
        """Frames per second, from the median step; NaN where it is not known."""
        steps = np.diff(self.time) / np.maximum(np.diff(self.number), 1)
        return float(1 / np.median(steps)) if len(steps) and np.median(steps) > 0 else float("nan")

    @property
    def n_seen(self) -> int:
        """Frames that show the face."""
        return int(self.seen.sum())

    @property
    def displacement(self) -> np.ndarray:
        """(n, 17, 2) %, of each site from the neutral face."""
        return self.sites - self.neutral

    @property
    def activity(self) -> np.ndarray:
        """(n,) %, how far the strongest sites are from the neutral face; 0 where no face is seen."""
        return np.nan_to_num(strength(self.displacement))

    def runs(self) -> Iterator[np.ndarray]:
        """Rows of each run of frames in which the face is seen and measured."""
        for run in np.unique(self.run[self.run >= 0]):
            yield np.flatnonzero(self.run == run)

    def row(self, number: int) -> int | None:
        """Row of a frame number; None if that frame was not measured."""
        found = np.flatnonzero(self.number == number)
        return int(found[0]) if len(found) else None

    def step(self, rows: np.ndarray) -> float:
        """Median time between these rows, s."""
        return max(float(np.median(np.diff(self.time[rows]))), 1e-3) if len(rows) > 1 else 1.0

    def head_motion(self, first: int, last: int) -> float:
        """How far a point of the face moves with the head between two rows, about, per cent of the
        inter-ocular distance.
        """
        shift = np.linalg.norm(self.shift[last] - self.shift[first]) / self.eyes_px[first] * PER_CENT
        turn = np.radians(np.linalg.norm(self.turn[last] - self.turn[first])) * PER_CENT
        growth = abs(self.eyes_px[last] / self.eyes_px[first] - 1) * PER_CENT
        return float(np.hypot(shift, turn) + growth)

    def position_mm(self) -> np.ndarray:
        """Point between the eyes in a camera that nobody calibrated, (n, 3) mm right, down, away from it.

        With a distance between the eyes of 63 mm and a focal length of 500 px at a width of 640 px, as
        OpenFace assumes.
        """
        mm_per_px = EYES_MM / self.eyes_px
        middle = np.array(self.shape[::-1]) / 2
        depth = FOCAL_PER_WIDTH * self.shape[1] * mm_per_px
        return np.column_stack([(self.shift - middle) * mm_per_px[:, None], depth])

    def remarks(self) -> list[str]:
        """What a reader must know of the pass: other faces, gaps, covered parts."""
        said = []
        if self.max_faces > 1:
            said.append(
                f"Up to {self.max_faces} faces are seen at once; face {self.face_id} was followed (choose "
                "with --face)."
            )
        gaps = int((np.diff(self.seen.astype(int)) == 1).sum()) - int(len(self.seen) and not self.seen[0])
        if gaps > 0:
            said.append(f"The face was out of sight {gaps} time(s); motion across a gap is not measured.")
        covered = int((self.seen & (self.run < 0)).sum())
        if covered:
            said.append(
                f"In {covered} of {len(self.seen)} frames something covers the face; they are left out."
            )
        return said
