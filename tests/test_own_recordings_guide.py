"""The guide to own recordings, as printed: videos of a real face, a folder of frames and a bad row."""

import re
import shlex
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import pytest
import skimage.data

from data_prep.images import write_image
from mer.cli.main import cli
from mer_core.io import read_json

PAGE = Path(__file__).parents[1] / "docs" / "guides" / "own-recordings.md"
PEOPLE = ("anna", "ben", "cleo", "dan", "eva")


def frames(person: int, lift: bool) -> list[np.ndarray]:
    """Twelve frames in which the mouth region is moved up or down by up to 3 px, (256, 256, 3) uint8 RGB."""
    face = np.ascontiguousarray(skimage.data.astronaut()[0:256, 96:352]).astype(np.float32) * (
        1 - 0.05 * person
    )
    rows, columns = np.mgrid[0:256, 0:256].astype(np.float32)
    window = np.exp(-(((rows - 170) / 25) ** 2) - ((columns - 125) / 30) ** 2)
    moves = [0, 0, 0.5, 1, 2, 3, 3, 2, 1, 0.5, 0, 0]
    sign = 1 if lift else -1
    moved = [cv2.remap(face, columns, rows + sign * move * window, cv2.INTER_LINEAR) for move in moves]
    return [image.clip(0, 255).astype(np.uint8) for image in moved]


def film(path: Path, images: list[np.ndarray]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=50, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 256, 256, "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


@pytest.fixture
def recordings(tmp_path):
    """Nine videos, one folder of frames, and a row whose video is not there."""
    folder = tmp_path / "recordings"
    (folder / "videos").mkdir(parents=True)
    rows = []
    for person, name in enumerate(PEOPLE):
        for index, label in enumerate(("surprise", "happiness"), 1):
            images, file = frames(person, label == "surprise"), f"videos/{name}_{index}.mp4"
            numbers = {"onset": 1, "apex": 5, "offset": 11}
            if (name, index) == ("eva", 2):
                file = "frames/eva_2"
                for number, image in enumerate(images, 101):
                    (folder / file).mkdir(parents=True, exist_ok=True)
                    write_image(folder / file / f"{number}.png", image)
                numbers = {"onset_s": 0.02, "apex_s": 0.1, "offset_s": 0.22, "fps": 50}
            else:
                film(folder / file, images)
            rows.append({"file": file, "subject": name, "label": label} | numbers)
    rows.append({"file": "videos/absent.mp4", "subject": "eva", "label": "surprise"})
    rows[0]["subject"] = "Anna "
    pd.DataFrame(rows).to_csv(folder / "clips.csv", index=False)
    return tmp_path


def test_the_guide_as_printed(recordings, monkeypatch, capsys):
    monkeypatch.chdir(recordings)
    printed = re.findall(r"^mer (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    check, *commands = [shlex.split(line) for line in printed]
    with pytest.raises(SystemExit) as finished:
        cli.main(check, standalone_mode=False)
    assert finished.value.code == 0
    said = capsys.readouterr().out
    assert "there is no videos/absent.mp4" in said and said.endswith("10 of 11 clips can be prepared.\n")
    for command in commands:
        try:
            cli.main(command, standalone_mode=False)
        except SystemExit as finished:
            assert not finished.code, command
    outcome = pd.read_csv("prepared/mine/outcome.csv")
    assert list(outcome["outcome"]) == ["ok"] * 10 + ["bad row"]
    metrics = read_json("runs/mine/metrics.json")
    assert (metrics["clips"], metrics["subjects"]) == (10, 5)
    assert set(pd.read_csv("runs/mine/predictions.csv")["label"]) == {"happiness", "surprise"}
