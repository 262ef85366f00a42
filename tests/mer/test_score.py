"""One clip from file to label, and every clip that cannot be scored answered with one sentence and an exit code."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from data_prep.align import INTEROCULAR_SHARE
from data_prep.frames import write_image
from data_prep.landmarks import interocular
from flow.splatting.actor import Actor
from flow.splatting.sensor import Sensor
from mer import bundle, cli, score
from mer.errors import BadInput, MerError, NothingToScore
from test_bundle import fitted

PEAK, RISE = 2.5, 5
PERSON = 5
CAMERA = Sensor(read=0.004)


def film(folder: Path, amount: float, frames: int = RISE + 1) -> Path:
    """Frames of a synthetic person raising the lip corners by up to `amount` px, numbered from 10."""
    rng = np.random.default_rng(0)
    person = Actor(PERSON, 256)
    strength = person.intensity({"12": 1.0}, amount)
    folder.mkdir()
    for i in range(frames):
        image = person.frame({"12": strength * i / max(frames - 1, 1)}, sensor=CAMERA, rng=rng)
        write_image(folder / f"img{10 + i}.png", image)
    return folder


@pytest.fixture(scope="module")
def smile(tmp_path_factory):
    return film(tmp_path_factory.mktemp("clips") / "smile", PEAK)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("bundles") / "b"
    bundle.save(fitted("logistic", seeds=1), path)
    return path


def test_score_finds_the_frames_the_motion_and_the_place(smile, saved):
    result = score.score_clip(smile, saved, fps=100)
    assert (result.onset, result.apex) == (10, 10 + RISE)
    assert (result.onset_s, result.apex_s) == (0.0, pytest.approx(RISE / 100))
    assert result.site.startswith(("lip_corner", "cheek"))
    scale = INTEROCULAR_SHARE * result.face_size / interocular(Actor(PERSON, 256).landmarks())
    assert result.motion_px == pytest.approx(PEAK * scale, rel=0.2)
    assert sum(result.probabilities.values()) == pytest.approx(1)
    assert result.label == max(result.probabilities, key=result.probabilities.get)


def test_given_frames_are_used(smile, saved):
    result = score.score_clip(smile, saved, onset=11, apex=14)
    assert (result.onset, result.apex, result.onset_s) == (11, 14, None)


def test_pictures_and_json_are_written(smile, saved, tmp_path):
    answer = CliRunner().invoke(cli.cli, ["score", str(smile), "--bundle", str(saved), "--json", "--out", str(tmp_path / "p")])
    assert answer.exit_code == 0, answer.output
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == ["apex.png", "flow.png", "onset.png", "score.json", "strain.png"]
    assert json.loads(answer.stdout) == json.loads((tmp_path / "p" / "score.json").read_text())
    assert json.loads(answer.stdout)["synthetic"] is True


def noise(folder: Path) -> Path:
    folder.mkdir()
    for i in range(3):
        write_image(folder / f"{i}.png", np.random.default_rng(i).integers(0, 255, (120, 120, 3), np.uint8))
    return folder


def text_called_video(path: Path) -> Path:
    path.write_text("this is no video")
    return path


@pytest.mark.parametrize("make, error, code, says", [
    (lambda d: noise(d / "noise"), NothingToScore, 3, "shows a face|No face"),
    (lambda d: film(d / "one", PEAK, frames=1), NothingToScore, 3, "one frame|Only one|shows a face"),
    (lambda d: film(d / "still", 0.0), NothingToScore, 3, "othing moves"),
    (lambda d: text_called_video(d / "clip.mp4"), BadInput, 1, "cannot be read as a video"),
    (lambda d: d / "nowhere.mp4", BadInput, 1, "no file or folder"),
    (lambda d: d, BadInput, 1, "no numbered images"),
], ids=["no face", "one frame", "no motion", "no video", "no file", "empty folder"])
def test_what_cannot_be_scored_is_one_sentence(make, error, code, says, saved, tmp_path):
    with pytest.raises(error, match=says) as raised:
        score.score_clip(make(tmp_path), saved)
    assert raised.value.exit_code == code
    assert isinstance(raised.value, MerError) and "\n" not in str(raised.value)


def test_frames_that_are_not_there_are_named(smile, saved):
    with pytest.raises(BadInput, match="no frame 99; its 6 frames run from 10 to 15"):
        score.score_clip(smile, saved, onset=10, apex=99)
    with pytest.raises(BadInput, match="both"):
        score.score_clip(smile, saved, onset=10)


def test_head_motion_is_not_facial_motion():
    landmarks = Actor(PERSON, 256).landmarks()
    flow = np.full((256, 256, 2), (0.7, -0.4), np.float32)
    assert score.most_moved(flow, landmarks)[1] == pytest.approx(0, abs=1e-6)


def test_real_video(saved, shared_data):
    clip = next((shared_data / "clips").glob("*.mp4"))
    result = score.score_clip(clip, saved)
    assert 0 < result.apex_s - result.onset_s <= 0.5
    assert result.motion_px > 0.5
