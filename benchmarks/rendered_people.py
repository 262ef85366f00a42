"""What the benchmarks with rendered people and moved portraits share: labels, sizes and amounts of motion."""

LABELS = {
    "negative": ("disgust", "anger", "sadness", "fear", "contempt", "repression"),
    "positive": ("happiness",),
    "surprise": ("surprise",),
}
REST = "rest"  # nothing but noise, head motion and a blink: what must not be named
FRAME, FACE = 300, 224  # px
MOVES = (0.006, 0.06)  # inter-ocular distances, motion of the farthest point, evenly spread in its logarithm
TURN = 0.4  # degrees, deviation of the head's turn from onset to apex, in each direction
