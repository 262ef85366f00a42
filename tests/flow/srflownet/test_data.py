"""The SRFlow layout is written and read back.

Other layouts of it and FacialFlowNet are read; wrong ones are refused.
"""

import json
import shutil

import cv2
import numpy as np
import pytest

from flow import io
from flow.splatting.ground_truth import exact_motion
from flow.splatting.write_dataset import draw_clip, write_dataset
from flow.srflownet.data.facialflownet import FacialFlowNetPairs
from flow.srflownet.data.mixture import SourceMixture
from flow.srflownet.data.srflow import SRFlowPairs
from mer_core.errors import ChangedSettings, NotFound, OccupiedOutput, UnknownName, UnreadableFile

SIZE = 72


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("srflow")
    assert write_dataset(out, 3, seed=5, size=SIZE, gaussians=3000) == 3
    return out


def test_written_pairs_are_read_back(folder):
    pairs = SRFlowPairs(folder)
    assert len(pairs) == 3 and pairs.subject(0) == "00000"
    scene, states, _ = draw_clip(5, 0, (SIZE, SIZE), gaussians=3000)
    before = scene.view(states[1])
    after = scene.view(states[2], scene.paint(before.splats))
    truth = exact_motion(before, after)
    item = pairs[1]
    inside = truth["opacity"] > 0.5
    assert item.flow.dtype == np.float32 and np.allclose(item.flow[inside], truth["flow"][inside], atol=1e-6)
    assert (item.flow[~inside] == 0).all() and 0.2 < inside.mean() < 0.9
    assert (item.mask == inside).mean() > 0.99
    assert np.abs(item.onset.astype(int) - 255 * before.picture.clip(0, 1)).mean() < 4
    assert item.onset[0, 0].min() > 245  # white background


def test_all_kinds_are_there_and_agree(folder):
    flow = io.read(folder / "train/flow/00000/0001.flo")
    depth = np.load(folder / "train/depth/00000/0001.npy")
    inverse = np.load(folder / "train/scaled_inv_depth/00000/0001.npy")
    change = np.load(folder / "train/scaled_inv_depth_change/00000/0001.npy")
    visible = cv2.imread(str(folder / "train/visible/00000/0001.png"), 0)
    camera = json.loads((folder / "train/camera/00000/spirals.json").read_text())
    assert flow.shape[:2] == depth.shape == inverse.shape == change.shape == visible.shape
    inside = depth > 0
    assert np.allclose(inverse[inside] * depth[inside], camera["extrinsics"][2][3], rtol=1e-4)
    assert np.abs(change).max() < 0.2 and camera["frames"] == 4 and (visible > 0).mean() > 0.8


def test_same_files_for_any_number_of_workers_and_on_resuming(folder, tmp_path):
    write_dataset(tmp_path, 2, seed=5, size=SIZE, gaussians=3000, jobs=2)
    for name in ("train/flow/00000/0001.flo", "train/render/00000/0002.jpg", "train/depth/00000/0000.npy"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    assert write_dataset(tmp_path, 2, seed=5, size=SIZE, gaussians=3000) == 0
    with pytest.raises(ChangedSettings, match="seed.*5.*6"):
        write_dataset(tmp_path, 2, seed=6, size=SIZE, gaussians=3000)
    (tmp_path / "srflow.json").unlink()
    with pytest.raises(OccupiedOutput):
        write_dataset(tmp_path, 2, seed=5, size=SIZE, gaussians=3000)


def test_training_reads_a_rendered_folder(folder):
    # A part as large as the frame is not scaled.
    mixture = SourceMixture({f"srflow:{folder}": 1.0}, 0, SIZE, (0.1, 8.0))
    pairs, again = ([mixture[i] for i in range(12)] for _ in range(2))
    known = [SRFlowPairs(folder)[i].flow for i in range(3)]
    for pair, same in zip(pairs, again):
        assert all(np.array_equal(a, b) for a, b in zip(pair, same))
        assert pair.onset.shape == (SIZE, SIZE, 3) and pair.flow.dtype == np.float32 and pair.mask.any()
        mirrored = pair.flow[:, ::-1] * np.float32([-1, 1])
        assert any(np.array_equal(flow, pair.flow) or np.array_equal(flow, mirrored) for flow in known)
    with pytest.raises(UnknownName, match="srflo.*srflow"):
        SourceMixture({f"srflo:{folder}": 1.0}, 0, 48, (0.1, 8.0))


def test_subject_first_layout_with_forward_flow_is_read(folder, tmp_path):
    for kind, name in (("flow", "flow_F"), ("render", "render"), ("mask", "mask")):
        shutil.copytree(folder / "train" / kind / "00000", tmp_path / "test" / "031" / name)
    pairs = SRFlowPairs(tmp_path, "test")
    assert len(pairs) == 3 and pairs.subject(2) == "031"
    assert np.array_equal(pairs[0].flow, SRFlowPairs(folder)[0].flow)


def test_a_flow_without_its_next_render_is_left_out(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "set")
    (tmp_path / "set/train/render/00000/0001.jpg").unlink()
    assert len(SRFlowPairs(tmp_path / "set")) == 1  # flows 0 and 1 have lost a render each


def test_empty_and_foreign_folders_are_refused(tmp_path):
    with pytest.raises(NotFound, match="train/"):
        SRFlowPairs(tmp_path)
    (tmp_path / "train").mkdir()
    with pytest.raises(NotFound):
        SRFlowPairs(tmp_path)
    with pytest.raises(NotFound):
        FacialFlowNetPairs(tmp_path)


@pytest.fixture
def drifting(tmp_path):
    """FacialFlowNet's layout: frames 8 to 11 of one face, names without leading zeros, each 3 px right and 2
    px up of the last.
    """
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.uniform(0, 255, (120, 120, 3)).astype(np.float32), (0, 0), 3)
    picture = np.clip((picture - picture.mean()) / picture.std() * 50 + 128, 0, 255).astype(np.uint8)
    for place in ("image", "flow"):
        (tmp_path / place / "facial/train/0007").mkdir(parents=True)
    (tmp_path / "mask/0007").mkdir(parents=True)
    for step in range(4):
        top, left = 20 + 2 * step, 20 - 3 * step
        cv2.imwrite(
            str(tmp_path / f"image/facial/train/0007/{8 + step}.png"),
            picture[top : top + 90, left : left + 80],
        )
        cv2.imwrite(str(tmp_path / f"mask/0007/{8 + step}.png"), np.full((90, 80), 255, np.uint8))
    for step in range(3):
        io.write(
            tmp_path / f"flow/facial/train/0007/{8 + step}.flo", np.full((90, 80, 2), (3, -2), np.float32)
        )
    return tmp_path


def explained(pair):
    """How alike the onset and the apex brought back by the flow are, and onset and apex as they are: two
    correlations.
    """
    onset, apex = (frame.astype(np.float32).mean(2) for frame in pair[:2])
    y, x = np.indices(onset.shape, np.float32)
    back = cv2.remap(apex, x + pair.flow[..., 0], y + pair.flow[..., 1], cv2.INTER_LINEAR)
    inner = (slice(8, -8), slice(8, -8))
    return [np.corrcoef(onset[inner].ravel(), other[inner].ravel())[0, 1] for other in (back, apex)]


@pytest.mark.parametrize("size", [48, 80, 128])  # smaller than the frame, as wide, larger
def test_training_reads_facialflownet_in_frames_whose_flow_explains_them(drifting, size):
    mixture = SourceMixture({f"facialflownet:{drifting}": 1.0}, 0, size, (0.1, 8.0))
    for pair in (mixture[i] for i in range(8)):
        assert pair.onset.shape == pair.apex.shape == (size, size, 3) and pair.mask.all()
        u, v = pair.flow[size // 2, size // 2]
        assert np.allclose(pair.flow, (u, v), atol=1e-5) and abs(u) == pytest.approx(-1.5 * v)
        assert size / 80 - 1e-6 <= abs(u) / 3 <= max(1, size / 80) + 1e-6  # in px of the scaled frame
        brought_back, left_alone = explained(pair)
        assert brought_back > 0.9 > left_alone


def test_facialflownet_pairs_are_neighbours_of_one_size(drifting):
    pairs = FacialFlowNetPairs(drifting)
    assert {path.stem for *_, path, _ in pairs.pairs} == {"8", "9", "10"}
    # 9 is followed by 10, though it is not so in the alphabet.
    assert min(explained(pair)[0] for pair in pairs) > 0.99
    folder = drifting / "image/facial/train/0007"
    (folder / "10.png").unlink()
    assert [path.stem for *_, path, _ in FacialFlowNetPairs(drifting).pairs] == ["8"]
    cv2.imwrite(str(folder / "9.png"), np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(UnreadableFile, match=r"8.flo.*\(90, 80\).*\(90, 80\).*\(9, 9\)"):
        FacialFlowNetPairs(drifting)[0]


def test_facialflownet_is_read(tmp_path):
    rng = np.random.default_rng(0)
    for motion_kind in ("facial", "head"):
        for place in ("image", "flow"):
            (tmp_path / place / motion_kind / "train" / "0007").mkdir(parents=True)
        frames = [rng.integers(0, 255, (12, 10, 3), np.uint8) for _ in range(3)]
        for number, frame in enumerate(frames):
            cv2.imwrite(str(tmp_path / "image" / motion_kind / "train/0007" / f"{number:03d}.png"), frame)
        for number in range(2):
            flow = np.full((12, 10, 2), number + (0.5 if motion_kind == "head" else 0), np.float32)
            io.write(tmp_path / "flow" / motion_kind / "train/0007" / f"{number:03d}.flo", flow)
    (tmp_path / "mask/train/0007").mkdir(parents=True)
    mask = np.zeros((12, 10), np.uint8)
    mask[3:] = 255
    cv2.imwrite(str(tmp_path / "mask/train/0007/000.png"), mask)
    pairs = FacialFlowNetPairs(tmp_path)
    assert (
        len(pairs) == 2 and (pairs[1].flow == 1).all() and pairs[0].mask.sum() == 90 and pairs[1].mask.all()
    )
    assert (FacialFlowNetPairs(tmp_path, motion="head")[0].flow == 0.5).all()
    assert np.array_equal(pairs[0].apex, pairs[1].onset)
