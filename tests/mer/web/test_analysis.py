"""Another bundle on the page explains the moment that is shown, with what forbids a label for it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from mer.inference.no_label import NoLabel
from mer.inference.onset_apex import BadMoment, Moment
from mer.web import analysis


@pytest.fixture
def analysed(monkeypatch):
    """A clip that begins within an expression: its apex, frame 5, is compared with the later frame 20."""

    def score(path, frames, track, intervals, moment, bundle):
        return SimpleNamespace(onset=20, apex=5, moment=moment, bundle=bundle)

    monkeypatch.setattr(analysis, "_score", score)
    moment = Moment(onset=20, apex=5, reason=NoLabel("neutral-not-seen", "it begins within an expression"))
    return analysis.Analysis(Path("a.mp4"), None, None, [], moment, score(*[None] * 4, moment, "first"))


def test_another_bundle_reads_the_same_moment(analysed):
    before = analysed.moment
    analysis.score_moment(analysed, 20, 5, "second")
    assert analysed.score.bundle == "second" and analysed.score.moment is analysed.moment is before


def test_frames_in_the_wrong_order_change_nothing(analysed):
    with pytest.raises(BadMoment):
        analysis.score_moment(analysed, 21, 5, "second")
    assert analysed.score.bundle == "first"
