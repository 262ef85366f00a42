"""Small replicas of every dataset: enough people and labels, and commands that work on them."""

from pathlib import Path

import pytest

from data_prep.prepare import prepare
from flow.splatting import expression
from mer.cli.main import cli
from mer.demo import replica
from mer_core import registry
from mer_core.errors import OccupiedOutput
from mer_core.parallel import Workers

WITHOUT_LABELS = {"samm_lv"}  # the long videos are released without emotions


def test_faces_are_found_in_a_replica(tmp_path, monkeypatch):
    monkeypatch.setattr(replica, "N_SUBJECTS", 1)
    files = replica.write_replica("casme3", tmp_path / "casme3", jobs=1)
    assert "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx" in files and "spNO.1/a/color/152.jpg" in files
    outcome = prepare("casme3", tmp_path / "casme3", tmp_path / "out", workers=Workers(jobs=1))
    assert list(outcome["outcome"]) == ["ok"] * replica.N_CLIPS_EACH
    with pytest.raises(OccupiedOutput):
        replica.write_replica("casme3", tmp_path / "casme3")


@pytest.mark.parametrize("name", registry.list_names("data_prep.datasets"))
def test_every_replica_has_four_people_and_three_labels_and_its_next_command_works(
    name, tmp_path, monkeypatch, face
):
    monkeypatch.setattr(replica, "_actor", lambda subject: None)  # drawing is tested above
    monkeypatch.setattr(expression, "film_expression", lambda *_, **__: [face[:8, :8]] * 12)
    monkeypatch.chdir(tmp_path)
    lines = replica.describe_replica(name, Path("replica"), replica.write_replica(name, "replica", jobs=1))
    table = registry.load("data_prep.datasets", name).read_annotations(Path("replica"))
    assert len(table) == 12 and table["subject"].nunique() == 4
    assert table["emotion"].nunique() >= 3 or name in WITHOUT_LABELS
    check, *later = [line.split()[1:] for line in lines[lines.index("Next:") + 1 :]]
    assert [words[0] for words in later] == ["prepare", "flow", "cv"][: 3 - (name in WITHOUT_LABELS)]
    with pytest.raises(SystemExit) as ended:
        cli.main(check, standalone_mode=False)
    assert ended.value.code == 0


@pytest.mark.slow
def test_the_printed_commands_lead_to_scores(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(replica, "SIZE", 160)
    replica.write_replica("table", "replica", jobs=1)
    for command in replica.next_commands("table", Path("replica"))[1:]:
        cli.main(command.split()[1:], standalone_mode=False)
    assert (tmp_path / "runs" / "replica" / "report.html").is_file()
