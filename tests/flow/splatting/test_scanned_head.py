"""Heads of scans in the engine: the contract of procedural heads, sides, and what is held out."""

import csv
from importlib.resources import files

import cv2
import numpy as np
import pytest
import skimage.data

from flow.splatting.background import Background
from flow.splatting.camera import Camera, HeadPose
from flow.splatting.head import FaceState
from flow.splatting.head_model import HeadModel, load_head_model
from flow.splatting.held_out import held_out_names
from flow.splatting.identity import scanned_face
from flow.splatting.lighting import Light
from flow.splatting.muscles import ACTION_UNITS
from flow.splatting.portrait_skin import draw_portrait
from flow.splatting.reduced_head import load_reduced_head
from flow.splatting.scanned_head import ScannedHead
from flow.splatting.scanned_units import UNIT_EXPRESSIONS
from flow.splatting.scenes import Scene
from mer_core.errors import NotFound
from tests.flow.splatting.synthetic_head import write_head_model


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> HeadModel:
    return load_head_model(write_head_model(tmp_path_factory.mktemp("head") / "head.npz"))


@pytest.fixture(scope="module")
def head(model) -> ScannedHead:
    return ScannedHead(model, np.random.default_rng(2))


def test_the_table_names_expressions_of_the_model_and_who_says_so():
    text = files("flow.splatting").joinpath("scanned_units.csv").read_text(encoding="utf-8")
    table = list(csv.DictReader(text.splitlines()))
    assert all(row["source"] and 0 < float(row["weight"]) <= 1 for row in table)
    assert set(UNIT_EXPRESSIONS) == set(ACTION_UNITS)
    known = {*load_reduced_head().expression_names, *held_out_names("expression")}
    assert {row["expression"] for row in table} <= {name.removesuffix("_L") for name in known}


def test_the_left_corner_of_the_mouth_rises_with_12_on_the_left(head):
    left, right = 291, 61
    moved = head.shape({"12L": 1.0}) - head.rest
    assert moved[left, 1] < -0.2 and abs(moved[right, 1]) < 0.1 * abs(moved[left, 1])
    assert np.abs(head.shape({}) - head.rest).max() == 0


def test_an_expression_that_is_held_out_moves_nothing_in_training(model, head):
    assert np.abs(head.shape({"2": 1.0}) - head.rest).max() == 0  # browOuterUp
    free = ScannedHead(model, np.random.default_rng(2), split=None)
    assert np.abs(free.shape({"2": 1.0}) - free.rest).max() > 0.2


def test_people_differ_and_one_seed_is_one_person(model, head):
    again, other = (ScannedHead(model, np.random.default_rng(seed)) for seed in (2, 3))
    assert np.array_equal(again.rest, head.rest) and not np.allclose(other.rest, head.rest, atol=0.05)
    pull = [h.shape({"12L": 1.0})[291] - h.rest[291] for h in (head, other)]
    assert not np.allclose(*pull, atol=0.02)


def test_vertices_follow_the_pose_and_stand_where_the_parts_do(head):
    still = head.vertices(FaceState())
    assert len(still) == sum(len(part.vertices) for part in head.parts)
    skin = head.parts[0]
    turned = head.vertices(FaceState(pose=HeadPose(roll=10)))[: len(skin.vertices)]
    assert np.linalg.norm(turned - skin.vertices, axis=1).max() > 1


def test_a_scene_of_a_scanned_head_gives_a_pair_whose_flow_is_its_motion(model):
    face = scanned_face(5, model, 4000)
    camera = Camera.framing(96, 96, 0.75)
    scene = Scene(face, camera, Light(), Background(96, 96, np.random.default_rng(0)))
    pair = scene.pair(FaceState(), FaceState({"12": 1.0}))
    assert pair.face.mean() > 0.2 and pair.frame1.std() > 10
    mouth = camera.project(face.head.rest[[291]])[0][0].round().astype(int)
    expected = (
        camera.project(face.head.shape({"12": 1.0})[[291]])[0] - camera.project(face.head.rest[[291]])[0]
    )[0]
    assert pair.flow[mouth[1], mouth[0]] == pytest.approx(expected, abs=1.0)
    assert np.linalg.norm(pair.flow, axis=-1)[~pair.face].mean() < 0.1


def test_a_portrait_gives_its_skin_and_people_kept_from_training_are_not_drawn(model, tmp_path):
    picture = skimage.data.astronaut()[:320, 60:380]
    kept_back = min(held_out_names("portrait"))
    cv2.imwrite(str(tmp_path / kept_back), picture[..., ::-1])
    with pytest.raises(NotFound, match=str(tmp_path)):
        draw_portrait(tmp_path, model, np.random.default_rng(0))
    cv2.imwrite(str(tmp_path / "somebody.jpg"), picture[..., ::-1])
    portrait = draw_portrait(tmp_path, model, np.random.default_rng(0))
    face = scanned_face(1, model, 4000, portrait=portrait)
    nose = portrait.landmarks[5].round().astype(int)
    near = (
        np.linalg.norm(
            face.head.vertices(FaceState())[face.gaussians.triangle[:, 0]] - face.head.rest[5], axis=1
        )
        < 1
    )
    shown = face.surface.albedo[near & face.gaussians.of("skin")].mean(axis=0)
    assert shown == pytest.approx(picture[nose[1], nose[0]] / 255, abs=0.1) and not face.lit
