"""A folder is continued only under the same settings."""

import pytest

from mer_core import claims
from mer_core.errors import ChangedSettings, OccupiedOutput

SETTINGS = {"size": 224, "options": {"preset": "face"}}


def test_a_folder_is_claimed_and_continued(tmp_path):
    for note in ("first", "second"):  # what is only recorded may differ
        claims.claim_folder(tmp_path / "out", "made.json", SETTINGS, "faces", record={"note": note})


@pytest.mark.parametrize(
    "now, facts",
    [
        ({**SETTINGS, "size": 64}, ["size was 224 and is now 64"]),
        ({**SETTINGS, "options": {"preset": "fast"}}, ["options.preset was 'face' and is now 'fast'"]),
        ({**SETTINGS, "options": {}}, ["options.preset was 'face' and is now not set"]),
        ({**SETTINGS, "seed": 0, "size": 1}, ["seed was not set and is now 0", "size was"]),
    ],
)
def test_every_changed_setting_is_named(tmp_path, now, facts):
    claims.claim_folder(tmp_path / "out", "made.json", SETTINGS, "faces")
    with pytest.raises(ChangedSettings) as raised:
        claims.claim_folder(tmp_path / "out", "made.json", now, "faces")
    assert raised.value.code == "changed-settings" and all(fact in str(raised.value) for fact in facts)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(OccupiedOutput):
        claims.claim_folder(tmp_path, "made.json", SETTINGS, "faces")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
