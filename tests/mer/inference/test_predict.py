"""One clip from file to label: the frames, the place, the sureness, what is written, and what the command
says.
"""

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import default_bundle
from data_prep.face_model_file import describe_model
from data_prep.frame_report import FrameReport
from data_prep.frames import open_frames
from flow.splatting.actor import Actor
from mer import bundle
from mer.cli import main
from mer.inference import models, recorder
from mer.inference.head_motion import DenseHeadMotion
from mer.inference.onset_apex import BadMoment
from mer.inference.predict import score, spot
from mer.inference.reliability import list_notes
from mer.inference.spotting import strongest_expression
from tests.mer.inference.video_files import APEX, ONSET, write_video


@pytest.fixture(scope="module")
def smile(smile_video):
    return score(smile_video)


def test_the_bundle_that_ships_names_a_smile(smile_video, unlimited):
    smile = score(smile_video, unlimited)
    assert smile.label == "positive" and smile.confidence > 0.6
    assert sum(smile.probabilities.values()) == pytest.approx(1)
    assert smile.synthetic and smile.apex_s == pytest.approx(smile.apex / 30, abs=1e-3)


def test_given_frames_are_used(smile_video):
    found = score(smile_video, onset=ONSET, apex=APEX)
    assert (found.onset, found.apex, found.interval) == (ONSET, APEX, None)
    corner = {region.name: region for region in found.regions}["lip corner left"]
    assert corner.down_px < 0  # up


@pytest.mark.parametrize(
    "onset, apex, facts",
    [
        (0, 99, "frame 99, given as the apex, is outside of the clip, which has frames 0 to 20"),
        (APEX, ONSET, f"apex (frame {ONSET}) must come after the onset (frame {APEX})"),
        (3, 3, "must come after"),
        (0, None, "both"),
    ],
)
def test_frames_that_cannot_be_compared_get_one_message(smile_video, onset, apex, facts):
    with pytest.raises(BadMoment) as raised:
        score(smile_video, onset=onset, apex=apex)
    assert raised.value.code == "bad-moment" and facts in str(raised.value)


def test_score_explains_the_strongest_interval_that_spot_lists(smile_video):
    track, listed = spot(smile_video, label=False)
    found = score(smile_video)
    assert [each.to_dict() for each in found.intervals] == [each.to_dict() for each in listed]
    assert found.interval is not None
    assert found.interval.to_dict() == strongest_expression(listed).to_dict()
    assert found.apex == found.interval.apex and found.onset <= found.interval.onset
    assert abs(found.onset - ONSET) <= 2  # the frames before ONSET are at rest, too
    assert track.neutral_frame == found.track.neutral_frame


def test_a_second_clip_loads_nothing_again(smile_video, monkeypatch):
    score(smile_video)
    monkeypatch.setattr(bundle, "load", lambda path: pytest.fail("the bundle was read again"))
    monkeypatch.setattr(
        "data_prep.landmarks.FaceMesh.__init__", lambda self: pytest.fail("the mesh was loaded again")
    )
    score(smile_video)


def test_spotting_says_what_is_irregular_about_the_frames(smile_video):
    track, intervals = spot(smile_video, label=False, fps=50)
    assert track.frames > 1 and any("--fps 50" in note for note in list_notes(track, intervals))


def test_the_bar_of_tracking_has_a_total(smile_video, monkeypatch):
    totals = []
    monkeypatch.setattr(
        recorder, "show_progress", lambda frames, title, total: totals.append(total) or iter(frames)
    )
    _, track = recorder.track_clip(smile_video)
    assert totals == [track.frames]


def test_no_expression_is_reported_in_frames_in_which_damage_may_have_begun(smile_video, monkeypatch):
    monkeypatch.setattr(FrameReport, "suspects", property(lambda report: set(range(APEX + 1))))
    assert not any(found.is_expression for found in spot(smile_video, label=False)[1])
    found = score(smile_video)
    assert (found.label, found.reason_code) == (None, "damaged-picture")


def test_spotting_loads_the_classifier_only_for_intervals_that_may_get_a_label(still_frames, tmp_path):
    clip = write_video(tmp_path / "still.mp4", still_frames)
    probe = (
        "import sys; from mer.cli.main import cli; cli(['spot', sys.argv[1]], standalone_mode=False);"
        "print([m for m in ('torch', 'pandas', 'sklearn') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", probe, str(clip)], capture_output=True, text=True)
    assert answer.stdout.splitlines()[-1] == "[]", answer.stderr


def test_head_motion_is_not_facial_motion():
    """A nodding, turning, nearing head: a thirtieth of its flow is left."""
    from flow.splatting.camera import HeadPose
    from flow.splatting.head import FaceState

    actor = Actor(5, 224, face=0.9)
    pair = actor.pair(FaceState(), FaceState(pose=HeadPose(1.0, 0.8, -0.5, (0.05, 0.02, -0.4))))
    landmarks = np.vstack([actor.landmarks(), np.zeros((10, 2))]).astype(np.float32)
    own = DenseHeadMotion(landmarks, (224, 224)).subtract(pair.flow)
    middle = pair.skin & (np.abs(np.indices((224, 224)) - 112).max(0) < 60)
    moved = np.linalg.norm(pair.flow[middle], axis=1).mean()
    # The fit sees bone alone, with the mean face's depths; the rest is extrapolated.
    assert moved > 1.5 and np.linalg.norm(own[middle], axis=1).mean() < moved / 30


def test_low_confidence_and_small_motion_give_no_label(smile_video):
    fitted = models.get_bundle(str(bundle.default_path()))
    careful = bundle.Bundle(fitted.recipe.model_copy(update={"min_confidence": 1.01}), fitted.classifiers)
    found = score(smile_video, careful)
    assert found.label is None and found.reason_code == "low-probability"
    strict = bundle.Bundle(fitted.recipe.model_copy(update={"min_motion": 50.0}), fitted.classifiers)
    found = score(smile_video, strict)
    assert found.label is None and found.reason_code == "no-motion" and found.reason in found.to_text()


@pytest.mark.parametrize(
    "measured, says",
    [
        (
            {"frame rate": (100, 500)},
            "frame rate 30 frames per second (validated: 100 to 500)",
        ),
        ({"inter-ocular distance": (200, 900)}, "inter-ocular distance"),
        ({"compression": (50, 99)}, "bits per pixel"),
        ({"head motion from onset to apex": (50, 99)}, "head motion"),
        ({"motion of the face": (50, 99)}, "motion of the face"),
    ],
)
def test_outside_the_measured_ranges_there_is_a_reason_instead_of_a_label(measured, says, smile_video):
    fitted = models.get_bundle(str(bundle.default_path()))
    other = bundle.Bundle(fitted.recipe.model_copy(update={"validated_ranges": measured}), fitted.classifiers)
    found = score(smile_video, other)
    assert found.label is None and found.reason_code == "outside-validated-range" and says in found.reason
    assert found.bundle == "one in memory"


def test_ranges_that_a_bundle_does_not_state_are_named(smile_video, unlimited):
    found = score(smile_video, unlimited)
    assert found.label == "positive" and any("frame rate" in warning for warning in found.warnings)


def test_the_bundle_that_ships_states_every_range_that_is_checked_and_its_card_the_motion(smile):
    stated = bundle.load().recipe.validated_ranges
    assert set(stated) == {*default_bundle.MEASURED, "motion of the face"}
    validated = {"compression", "motion of the face"}  # with films, see benchmarks/label_validation.py
    assert all(stated[name] == default_bundle.MEASURED[name] for name in set(stated) - validated)
    low, high = stated["motion of the face"]
    card = (bundle.default_path() / bundle.CARD_FILE).read_text()
    assert f"given from {low:g} %" in card and f"to {high:g} %, the most motion" in card
    assert low < smile.motion < high and smile.label == "positive"


def test_what_lies_within_the_measured_ranges_is_not_remarked_on(smile_video):
    fitted = models.get_bundle(str(bundle.default_path()))
    wide = fitted.recipe.validated_ranges | {"motion of the face": (0.16, 5.0)}
    recipe = fitted.recipe.model_copy(update={"validated_ranges": wide, "face_model": describe_model()})
    assert score(smile_video, bundle.Bundle(recipe, fitted.classifiers)).warnings == []


def test_a_bundle_of_other_flow_weights_or_landmarks_says_so(smile_video):
    fitted = models.get_bundle(str(bundle.default_path()))
    now = models.get_method(fitted.recipe.method, fitted.recipe.method_options).weights
    for weights, face_model, warns in (
        (now, describe_model(), False),
        ("0123456789abcdef", "9.9 with model 1-ab", True),
    ):
        recorded = {"flow_weights": weights, "face_model": face_model}
        other = bundle.Bundle(fitted.recipe.model_copy(update=recorded), fitted.classifiers)
        warnings = " ".join(score(smile_video, other).warnings)
        assert ("other weights than srflownet" in warnings) is warns
        assert ("those of the bundle by 9.9 with model 1-ab" in warnings) is warns


def test_temperature_changes_sureness_not_the_label():
    fitted = models.get_bundle(str(bundle.default_path()))
    X = np.zeros((20, 3, 28, 28), np.float32)
    X[:, :, 8:20, 8:20] = np.random.default_rng(0).normal(0, 0.1, (20, 3, 12, 12))  # inside the face
    warm = bundle.Bundle(fitted.recipe.model_copy(update={"temperature": 5.0}), fitted.classifiers)
    cold = bundle.Bundle(fitted.recipe.model_copy(update={"temperature": 1.0}), fitted.classifiers)
    assert (warm.predict_proba(X).argmax(1) == cold.predict_proba(X).argmax(1)).all()
    assert (warm.predict_proba(X).max(1) < cold.predict_proba(X).max(1)).all()


def test_all_that_is_written(smile_video, tmp_path):
    answer = CliRunner().invoke(main.cli, ["score", str(smile_video), "--json", "--out", str(tmp_path / "p")])
    assert answer.exit_code == 0, answer.output
    names = [
        "apex.png",
        "arrows-dark.png",
        "arrows.png",
        "curve.svg",
        "flow-dark.png",
        "flow.png",
        "moment.mp4",
        "moment.png",
        "onset.png",
        "page.html",
        "score.json",
        "strain-dark.png",
        "strain.png",
    ]
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == names
    assert json.loads(answer.stdout) == json.loads((tmp_path / "p" / "score.json").read_text())
    page = (tmp_path / "p" / "page.html").read_text()
    found = json.loads(answer.stdout)
    assert page.index(found["label"]) < page.index("<h2>When</h2>")  # before the pictures
    assert (
        found["pipeline"].startswith("mer_net on flow_image of srflownet flow (weights ")
        and found["pipeline"] in page
    )
    assert (
        "% of the inter-ocular distance</h1>" in page
        and "data:video/mp4" in page
        and "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    )


def test_a_clip_without_an_expression_has_no_label_and_exits_with_0(still_frames, tmp_path):
    clip = write_video(tmp_path / "still.mp4", still_frames)
    answer = CliRunner().invoke(main.cli, ["--json", "score", str(clip)])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert found["label"] is None and found["interval"] is None and found["intervals"] == []
    assert found["reason_code"] == "no-expression" and found["regions"]


def test_real_video(shared_data, tmp_path):
    """Two seconds of a real person: a hand leaves the face, and then she smiles."""
    video = open_frames(shared_data / "clips" / "WolfgangLanger_Pexels.mp4")
    part = list(video.pick(range(224, 264)).values())
    found = score(write_video(tmp_path / "part.mp4", part, fps=24))
    assert found.interval is not None and found.motion > 2
    assert any(region.name.startswith(("lip corner", "lips")) for region in found.regions[:2])
