"""Whatever reader is added: a subject in two spellings, in its sheet or in its folders, is one person."""

import re
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import load_workbook

from data_prep.annotations import read_clips
from data_prep.clip_search import locate_clips
from data_prep.dataset_check import check_dataset
from data_prep.dataset_files import AmbiguousFolder
from data_prep.identity import subject_key
from data_prep.sheets.annotation_sheets import column_key
from mer_core import registry

DATASETS = registry.list_names("data_prep.layouts")
SPELLINGS = [
    lambda name: name.upper(),
    lambda name: f" {name.lower()}\u00a0",
    lambda name: name.translate({ord("0") + i: ord("０") + i for i in range(10)}),
    lambda name: re.sub(r"(?<!\d)(?=\d+$)", "00", name),
    lambda name: f"{name}.0" if name.isdigit() else f"\u200b{name}",
]


def respell(root: Path, spell) -> int:
    """Respell the subject in the last row of every sheet below `root` that has a column for it.

    How many there are.
    """
    count = 0
    for path in root.rglob("*"):
        if path.suffix == ".csv":
            table = pd.read_csv(path, dtype=str, keep_default_na=False)
            for column in (name for name in table if column_key(name) == "subject"):
                table.loc[len(table) - 1, column] = spell(table[column].iloc[-1])
                count += 1
            table.to_csv(path, index=False)
        if path.suffix == ".xlsx":
            book = load_workbook(path)
            for sheet in book.worksheets:
                column = next(
                    (
                        cell.column
                        for row in sheet.iter_rows()
                        for cell in row
                        if column_key(cell.value) in ("subject", "subid")
                    ),
                    None,
                )
                cells = [sheet.cell(row, column) for row in range(1, sheet.max_row + 1)] if column else []
                for cell in [cell for cell in cells if cell.value is not None][-1:]:
                    cell.value, count = spell(str(cell.value)), count + 1
            book.save(path)
    return count


@pytest.mark.parametrize("spell", SPELLINGS)
@pytest.mark.parametrize("name", DATASETS)
def test_a_spelling_in_the_sheet_makes_no_other_person(name, spell, make_replica):
    root = make_replica(name, subjects=(1, 9), clips_each=2)
    plain = read_clips(name, root).table
    if not respell(root, spell):
        assert name.startswith("smic") or name in ("casme_squared", "samm_lv"), (
            "no column of subjects was found"
        )
    table = read_clips(name, root).table
    assert list(table["clip_id"]) == list(plain["clip_id"]) and table["subject"].nunique() == 2


@pytest.mark.parametrize("spell", SPELLINGS)
@pytest.mark.parametrize("name", DATASETS)
def test_a_spelling_of_a_folder_hides_no_clip_and_makes_no_other_person(name, spell, make_replica):
    root = make_replica(name, subjects=(1, 9), clips_each=2)
    if name == "samm" and spell("007") == "00007":
        pytest.skip("SAMM's subject folders have three digits; --check names others")
    plain = read_clips(name, root).table
    people = set(map(subject_key, plain["subject"]))
    for folder in [path for path in root.rglob("*") if path.is_dir() and subject_key(path.name) in people]:
        folder.rename(folder.with_name(spell(folder.name)))
    annotations = read_clips(name, root)
    assert list(annotations.table["clip_id"]) == list(plain["clip_id"])
    assert not [clip for clip in locate_clips(name, root, annotations, "midpoint") if clip.outcome]


def test_two_folders_of_one_person_are_refused_by_name(make_replica):
    root = make_replica("casme2", subjects=(1,), clips_each=2)
    folder = next(path for path in root.rglob("sub01"))
    folder.with_name("sub1").mkdir()
    (row, *_) = read_clips("casme2", root).table.itertuples()
    with pytest.raises(AmbiguousFolder, match="sub01") as caught:
        registry.load("data_prep.datasets", "casme2").frame_files(root, row)
    assert caught.value.code == "ambiguous-folder"
    assert "2 folders of the subject sub01" in "\n".join(check_dataset("casme2", root).lines)


def test_merged_subjects_are_said(make_replica):
    root = make_replica("dfme", subjects=(1, 9), clips_each=2)
    respell(root, str.upper)
    findings = [
        one for one in read_clips("dfme", root).findings if one.kind == "a subject in another spelling"
    ]
    assert findings and all("is read as" in one.detail for one in findings)
    assert any("another spelling" in line for line in check_dataset("dfme", root).lines)
