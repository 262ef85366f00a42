"""One expression as a short clip: from rest to the apex and back, with head drift and camera noise.

For the demo, the replicas and the spotting benchmark; `actor.random_performance` adds blinks and gaze.
"""

from collections.abc import Iterator

import numpy as np

from flow.splatting.actor import Actor
from flow.splatting.camera import HeadPose
from flow.splatting.sensor import Sensor

GOOD_CAMERA = Sensor(blur=0.4, shot=1e-4, read=0.004, drift=0.005)  # a good camera in room light
NO_DRIFT = (0.0, 0.0, 0.0)


def film_expression(
    actor: Actor,
    actions: dict[str, float],
    peak_px: float,
    rise: int,
    fall: int,
    rng: np.random.Generator,
    *,
    drift: tuple[float, float, float] = NO_DRIFT,
    rest: int = 0,
) -> Iterator[np.ndarray]:
    """Yield the frames (H, W, 3) uint8 RGB from the onset over the apex, `rise` frames later, to the offset.

    Parameters
    ----------
    actions : dict
        AU -> relative strength.
    peak_px : float
        Largest landmark displacement at the apex, px of the frame.
    rise, fall : int
        Frames from onset to apex and from apex to offset.
    drift : (float, float, float)
        Head drift at the apex: px right, px down, degrees clockwise; it continues to the offset.
    rest : int
        Frames of the neutral face before and after.
    """
    strength = actor.intensity(actions, peak_px)
    right, down, roll = drift
    cm_per_px = actor.scene.camera.distance / actor.scene.camera.focal
    # Half a cosine up and half a cosine down.
    phase = np.concatenate([np.linspace(0, np.pi, rise + 1), np.linspace(np.pi, 2 * np.pi, fall + 1)[1:]])
    amounts = np.pad((1 - np.cos(phase)) / 2, rest)
    drifted = np.pad(np.arange(rise + fall + 1) / rise, rest, mode="edge")
    for number, (amount, fraction) in enumerate(zip(amounts, drifted)):
        intensities = {unit: amount * strength * value for unit, value in actions.items()}
        pose = HeadPose(
            roll=fraction * roll, shift=(fraction * right * cm_per_px, fraction * down * cm_per_px, 0.0)
        )
        yield actor.frame(intensities, head=pose, sensor=GOOD_CAMERA, number=number, rng=rng)
