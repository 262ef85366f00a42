"""Another bundle, or an interval of the list, is explained with what forbids a label for that moment."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from mer.inference import onset_apex
from mer.inference.no_label import NoLabel
from mer.inference.onset_apex import BadMoment, Moment
from mer.inference.spotting import Interval
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


def test_an_interval_of_the_list_is_read_as_its_label_was(analysed, monkeypatch):
    analysed.intervals.append(Interval("micro", 3, 5, 9, 0.1, 0.17, 0.3, 1.0))
    as_listed = Moment(1, 5, analysed.intervals[0], is_one_way=True)
    monkeypatch.setattr(onset_apex, "choose_moment", lambda track, intervals, name: as_listed)
    analysis.score_moment(analysed, 3, 5, "first")
    assert analysed.score.moment is analysed.moment is as_listed


def test_frames_in_the_wrong_order_change_nothing(analysed):
    with pytest.raises(BadMoment):
        analysis.score_moment(analysed, 21, 5, "second")
    assert analysed.score.bundle == "first"
