"""Named regions of the face, as points of MediaPipe's face mesh."""

# Site -> (mesh points whose mean is its centre, its extent as a fraction of the inter-ocular distance).
# `_right` and `_left` are the person's own sides, as in FACS. The extent is the standard deviation of a
# Gaussian, chosen by hand to cover about the skin that the muscle moves.
SITES: dict[str, tuple[tuple[int, ...], float]] = {
    "inner_brow_right": ((55, 107), 0.22),
    "inner_brow_left": ((285, 336), 0.22),
    "outer_brow_right": ((46, 53, 63, 70), 0.22),
    "outer_brow_left": ((276, 283, 293, 300), 0.22),
    "upper_lid_right": ((158, 159, 160), 0.11),
    "upper_lid_left": ((385, 386, 387), 0.11),
    "lower_lid_right": ((144, 145, 153), 0.11),
    "lower_lid_left": ((373, 374, 380), 0.11),
    "cheek_right": ((50, 101, 118), 0.28),
    "cheek_left": ((280, 330, 347), 0.28),
    "nose_wing_right": ((48, 64, 98), 0.15),
    "nose_wing_left": ((278, 294, 327), 0.15),
    "lip_corner_right": ((61,), 0.20),
    "lip_corner_left": ((291,), 0.20),
    "upper_lip": ((0, 37, 267), 0.16),
    "lower_lip": ((17, 84, 314), 0.18),
    "chin": ((152, 175, 199), 0.30),
}
