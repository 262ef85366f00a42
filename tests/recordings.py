"""Recordings of a real face that is moved a little: frames, videos, and a table of them."""

from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import skimage.data

from data_prep.frames import write_image

PEOPLE = ("anna", "ben", "cleo", "dan", "eva")
FPS = 50


def moved_face(person: int, lift: bool, rest: int = 0) -> list[np.ndarray]:
    """Draw a face whose mouth region moves up or down by up to 3 px and back, (256, 256, 3) uint8 RGB.

    person : makes the picture darker, so that people differ; rest : still frames before and after
    """
    face = np.ascontiguousarray(skimage.data.astronaut()[0:256, 96:352]).astype(np.float32) * (
        1 - 0.05 * person
    )
    rows, columns = np.mgrid[0:256, 0:256].astype(np.float32)
    window = np.exp(-(((rows - 170) / 25) ** 2) - ((columns - 125) / 30) ** 2)
    moves = [*[0] * rest, 0, 0, 0.5, 1, 2, 3, 3, 2, 1, 0.5, 0, 0, *[0] * rest]
    sign = 1 if lift else -1
    moved = [cv2.remap(face, columns, rows + sign * move * window, cv2.INTER_LINEAR) for move in moves]
    return [image.clip(0, 255).astype(np.uint8) for image in moved]


def write_video(path: Path, images: list[np.ndarray]) -> None:
    """Write frames as H.264 with `FPS` frames per second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 256, 256, "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def write_recordings(folder: Path) -> None:
    """Write nine videos, one folder of frames, and clips.csv with a row more whose video is absent."""
    (folder / "videos").mkdir(parents=True)
    rows = []
    for person, name in enumerate(PEOPLE):
        for index, label in enumerate(("surprise", "happiness"), 1):
            images, file = moved_face(person, label == "surprise"), f"videos/{name}_{index}.mp4"
            numbers = {"onset": 1, "apex": 5, "offset": 11}
            if (name, index) == ("eva", 2):
                file = "frames/eva_2"
                (folder / file).mkdir(parents=True)
                for number, image in enumerate(images, 101):
                    write_image(folder / file / f"{number}.png", image)
                numbers = {"onset_s": 0.02, "apex_s": 0.1, "offset_s": 0.22, "fps": FPS}
            else:
                write_video(folder / file, images)
            rows.append({"file": file, "subject": name, "label": label} | numbers)
    rows.append({"file": "videos/absent.mp4", "subject": "eva", "label": "surprise"})
    rows[0]["subject"] = "Anna "
    pd.DataFrame(rows).to_csv(folder / "clips.csv", index=False)
