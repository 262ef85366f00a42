"""Block edges in the picture, which show damage to videos of codecs that smooth them while decoding.

VP8, VP9, HEVC and AV1 filter the edges of their blocks: hardly any is left even at the lowest quality.
Where damaged data are decoded, blocks do not fit those around them, and the filter leaves such strong steps
alone, because they could be edges of the scene. Edges of the scene lie anywhere; those of blocks on a grid.
"""

import cv2
import numpy as np

GRID_PX = 8  # smallest block of VP8; the blocks of the other codecs are 4, 8, 16, 32 or 64 px wide
OTHER_PHASES = [1, 2, 3, 5, 6, 7]  # of a line beside the grid; on phase 4 lie edges of blocks of 4 px
MIN_STEP = 16  # grey levels by which an edge exceeds the steps beside it
MIN_ROWS = 6  # of the 8 rows along a segment of a line, that show the edge
MAX_PER_LINE = 4  # segments that count of one line, so that no single straight edge decides
MAX_SPAN = 8  # neighbouring segments of a line (the largest block); a longer edge is a border or a window
# Segments on the grid, beyond twice the most on lines of another phase. Undamaged videos at the lowest
# quality of each codec had up to 7, damaged ones mostly 10 to 130.
MIN_EXCESS = 9


def has_block_edges(grey: np.ndarray) -> bool:
    """Return whether a decoded picture, (H, W) uint8 in the codec's own pixels, has edges on its grid."""
    counts = _count_segments(grey) + _count_segments(cv2.transpose(grey))
    return bool(counts[0] - 2 * counts[OTHER_PHASES].max() >= MIN_EXCESS)


def _count_segments(grey: np.ndarray) -> np.ndarray:
    """Return, per phase of vertical lines against the grid, how many segments of 8 rows show an edge."""
    n_segments, width = grey.shape[0] // GRID_PX, grey.shape[1]
    if not n_segments or width < GRID_PX:
        return np.zeros(GRID_PX, int)
    grey = grey[: n_segments * GRID_PX]
    steps = cv2.absdiff(grey[:, 1:], grey[:, :-1])
    beside = cv2.max(cv2.max(steps[:, 1:-3], steps[:, 3:-1]), cv2.max(steps[:, :-4], steps[:, 4:]))
    is_edge = cv2.subtract(steps[:, 2:-2], beside) > MIN_STEP
    rows = np.add.reduce(is_edge.view(np.uint8).reshape(n_segments, GRID_PX, -1), axis=1, dtype=np.uint8)
    shown = rows >= MIN_ROWS
    per_line = shown.sum(0)
    (many,) = np.nonzero(per_line > MAX_SPAN)
    per_line[many[_longest_runs(shown[:, many]) > MAX_SPAN]] = 0
    per_line = np.minimum(per_line, MAX_PER_LINE)
    phase = (np.arange(len(per_line)) + 3) % GRID_PX  # the first step counted is that from pixel 2 to 3
    return np.bincount(phase, weights=per_line, minlength=GRID_PX).astype(int)


def _longest_runs(shown: np.ndarray) -> np.ndarray:
    """Return, per column, the largest number of neighbouring rows that are set."""
    run = longest = np.zeros(shown.shape[1], int)
    for row in shown:
        run = (run + 1) * row
        longest = np.maximum(longest, run)
    return longest
