"""Both phases on synthetic clips: the way back goes back, and what is compared is what the table says."""

import re

import numpy as np
import pytest

from benchmarks import hard_composite, phases


def test_the_expression_is_over_at_the_offset():
    clip = hard_composite.clips()[5]
    actor, onset, apex = hard_composite._play(clip, np.random.default_rng([clip.subject, clip.index, 1]))
    frame, landmarks = hard_composite.draw_offset(clip)
    assert np.array_equal(frame, hard_composite.draw_offset(clip)[0]) and frame.shape == (224, 224, 3)
    assert np.array_equal(landmarks, actor.landmarks(apex).astype(np.float32))
    frames = hard_composite.draw(clip)
    there, back = (
        phases.estimate("dis", *pair)[frames.mask]
        for pair in ((frames.onset, frames.apex), (frames.apex, frame))
    )
    assert np.corrcoef(there.ravel(), back.ravel())[0, 1] < -0.5


@pytest.mark.parametrize("told", ["onset-apex", "apex-offset"])
def test_what_only_one_phase_tells_is_found_in_it_and_in_both(tmp_path, monkeypatch, told):
    clips = [clip for clip in hard_composite.clips() if clip.subject < 6]
    rng, made = np.random.default_rng(0), []

    def maps(out, row, clip):
        made.append(clip)
        both = rng.normal(0, 1, (6, 28, 28)).astype(np.float32)
        third = list(hard_composite.SHOWN).index(clip.label)
        both[phases.PHASES[told], 9 * third : 9 * third + 9] += 1
        return both

    for name, stand_in in {"clips": lambda: clips, "write": lambda out: None}.items():
        monkeypatch.setattr(hard_composite, name, stand_in)
    monkeypatch.setattr(phases, "estimate_missing", lambda *_: None)
    monkeypatch.setattr(phases, "make_maps", maps)
    monkeypatch.setattr(phases, "CLASSIFIERS", ("logistic",))
    text = phases.measure(tmp_path)
    uf1 = {name: float(score) for name, score in re.findall(r"`logistic` \| (\S+) \| ([\d.]+)", text)}
    assert list(uf1) == ["onset-apex", "apex-offset", "both"]
    assert min(uf1[told], uf1["both"]) > 0.9 > 0.6 > min(uf1.values())
    assert phases.measure(tmp_path) == text and len(made) == len(clips)  # kept
