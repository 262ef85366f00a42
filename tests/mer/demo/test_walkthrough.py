"""The demo's datasets are what it says they are, and the demo touches no folder that is not its own."""

import json

import numpy as np
import pandas as pd
import pytest

from data_prep.landmarks import FaceMesh
from mer.demo import walkthrough
from mer_core.errors import OccupiedOutput


def test_cast_is_large_enough_and_everyone_is_somebody_else():
    plans = [play for cast in walkthrough.CASTS for play in walkthrough._plan(cast)]
    people = [play[3].person for play in plans]
    assert len(plans) >= 60 and len(set(people)) >= 12
    assert walkthrough.NEW_CLIP.person not in people
    assert len({(play[3].person, play[3].seed) for play in plans}) == len(plans)


def test_film_shows_a_face_that_moves_by_what_was_asked():
    play = walkthrough.Performance(person=3, emotion="surprise", seed=2)
    frames = play.film()
    assert len(frames) == walkthrough.N_RISE + walkthrough.N_FALL + 1
    # The same person, the same motion, the same noise.
    assert all(np.array_equal(a, b) for a, b in zip(frames, play.film()))
    with FaceMesh() as mesh:
        onset, apex = (mesh.landmarks(frames[i]) for i in (0, walkthrough.N_RISE))
    assert onset is not None and apex is not None


@pytest.fixture(scope="module")
def small_demo(tmp_path_factory):
    """The whole demo with three subjects in one dataset."""
    out = tmp_path_factory.mktemp("demo") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            walkthrough, "CASTS", (walkthrough.Cast("casme2", (1, 2, 3), walkthrough.CASTS[0].emotions),)
        )
        lines = list(walkthrough.run(out))
    return out, lines


def test_demo_runs_from_native_folders_to_report_and_score(small_demo):
    out, lines = small_demo
    scores = json.loads((out / "run" / "metrics.json").read_text())
    assert lines[-1].startswith(f"UF1 {scores['uf1']:.3f}, majority class")
    assert lines[-1].endswith(f"Report: {out / 'run' / 'report.html'}")
    assert (out / "run" / "report.html").is_file()
    assert scores["clips"] == 3 * walkthrough.N_CLIPS_PER_SUBJECT and scores["synthetic"] is True
    assert "synthetic" in lines[0]


def test_demo_annotations_carry_action_units(small_demo):
    out, _ = small_demo
    table = pd.read_parquet(out / "prepared" / "casme2" / "clips.parquet")
    assert (table["action_units"] != "").all()
    assert {unit.lstrip("LR") for cell in table["action_units"] for unit in cell.split("+")} <= {
        str(n) for n in range(1, 44)
    }


def test_demo_runs_again_over_itself_and_over_nothing_else(small_demo, tmp_path):
    out, _ = small_demo
    walkthrough._clear(out)
    assert [path.name for path in out.iterdir()] == [walkthrough.MARKER]
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(OccupiedOutput):
        walkthrough._clear(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
