"""Camera simulation: exposure, blur, noise, rounding, compression, grayscale.

Every effect is off by default and draws from the given generator, so a recording is reproducible. No effect
changes the flow.
"""

from dataclasses import dataclass

import numpy as np

from flow.sampling import log_uniform


@dataclass(frozen=True)
class Sensor:
    """Camera faults; strengths refer to the picture's range 0..1 unless stated otherwise.

    Attributes
    ----------
    blur : float
        Standard deviation of the lens, px.
    shot : float
        Noise variance per unit of light.
    read : float
        Noise deviation.
    drift : float
        Deviation of the gain between frames.
    flicker : float
        Amplitude of a sinusoidal gain.
    flicker_period : float
        Frames.
    slope : float
        Amplitude of a slow left-to-right change of the light.
    gray : bool
        Record a single channel.
    jpeg : int
        Quality 1..100, 0 for none.
    h264 : int
        Constant rate factor of `record_clip`, 0 for none.
    """

    blur: float = 0.0
    shot: float = 0.0
    read: float = 0.0
    drift: float = 0.0
    flicker: float = 0.0
    flicker_period: float = 2.4
    slope: float = 0.0
    gray: bool = False
    jpeg: int = 0
    h264: int = 0


def random_sensor(rng: np.random.Generator) -> Sensor:
    """Draw a plausible camera: about one in six is nearly perfect, the others have some of the faults."""
    if rng.uniform() < 0.15:
        return Sensor()

    def some(p: float, low: float, high: float) -> float:
        return log_uniform(rng, low, high) if rng.uniform() < p else 0.0

    coder = rng.uniform()
    return Sensor(
        blur=some(0.5, 0.3, 1.0),
        shot=some(0.7, 1e-5, 6e-4),
        read=some(0.7, 0.001, 0.012),
        drift=some(0.4, 0.003, 0.03),
        flicker=some(0.2, 0.003, 0.02),
        flicker_period=rng.uniform(2, 9),
        slope=some(0.3, 0.005, 0.04),
        gray=bool(rng.uniform() < 0.2),
        jpeg=int(rng.integers(70, 98)) if coder < 0.3 else 0,
        h264=int(rng.integers(16, 30)) if 0.3 <= coder < 0.45 else 0,
    )


def record_frame(picture: np.ndarray, sensor: Sensor, frame: int, rng: np.random.Generator) -> np.ndarray:
    """Record a picture (H, W, 3) float 0..1 as (H, W, 3) uint8.

    Parameters
    ----------
    frame : int
        Number of the frame, for flicker and slow light.
    """
    import cv2

    light = picture.astype(np.float32)
    if sensor.blur:
        light = cv2.GaussianBlur(light, (0, 0), sensor.blur)
    gain = (
        1
        + sensor.drift * rng.standard_normal()
        + sensor.flicker * np.sin(2 * np.pi * frame / sensor.flicker_period)
    )
    if sensor.slope:
        across = np.linspace(-1, 1, light.shape[1], dtype=np.float32)[None, :, None]
        gain = gain + sensor.slope * np.sin(frame / 25) * across
    light = light * gain
    if sensor.shot or sensor.read:
        deviation = np.sqrt(sensor.shot * np.maximum(light, 0) + sensor.read**2)
        light = light + deviation * rng.standard_normal(light.shape, np.float32)
    if sensor.gray:
        light = np.repeat((light @ np.array([0.299, 0.587, 0.114], np.float32))[..., None], 3, axis=2)
    image = np.clip(np.round(light * 255), 0, 255).astype(np.uint8)
    return jpeg_round_trip(image, sensor.jpeg) if sensor.jpeg else image


def record_clip(
    pictures: list[np.ndarray],
    sensor: Sensor,
    rng: np.random.Generator,
    numbers: list[int] | None = None,
) -> list[np.ndarray]:
    """Record pictures (H, W, 3) float 0..1 as frames (H, W, 3) uint8 of one camera and its video coder.

    Parameters
    ----------
    numbers : list of int or None
        Of the frames, for flicker and slow light; 0, 1, 2, ... by default.
    """
    numbers = list(range(len(pictures))) if numbers is None else numbers
    frames = [record_frame(picture, sensor, number, rng) for picture, number in zip(pictures, numbers)]
    return h264_round_trip(frames, sensor.h264) if sensor.h264 else frames


def jpeg_round_trip(image: np.ndarray, quality: int) -> np.ndarray:
    """Encode and decode one frame (H, W, 3) uint8 as JPEG at `quality` 1..100."""
    import cv2

    _, coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1])


def h264_round_trip(frames: list[np.ndarray], crf: int, fps: int = 30) -> list[np.ndarray]:
    """Encode and decode frames (H, W, 3) uint8 as H.264 at constant rate factor `crf` (18 fine to 35 coarse).

    Sides are padded to even numbers for the coder and cropped afterwards.
    """
    import io

    import av

    from data_prep.videos.write_video import encode_mp4

    height, width = frames[0].shape[:2]
    padding = (0, height % 2), (0, width % 2), (0, 0)
    buffer = io.BytesIO()
    encode_mp4(buffer, (np.pad(frame, padding, mode="edge") for frame in frames), fps, crf)
    buffer.seek(0)
    with av.open(buffer) as source:
        return [f.to_ndarray(format="rgb24")[:height, :width] for f in source.decode(video=0)]
