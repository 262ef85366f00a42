"""What is odd in a clip table as it was read: names, duplicates, numbers that contradict each other.

Nothing here stops a dataset. An odd number becomes a note on its clip; a clip that cannot be used at all
keeps its row and gets an outcome with a reason. Which frames are there is not asked here, but in
`data_prep/clip_search.py`.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import NamedTuple

import pandas as pd

from data_prep.action_units import parse_units
from data_prep.identity import clean_name, unify_spellings


class Finding(NamedTuple):
    """One oddity: its kind (for counting), its clip, what it is.

    `outcome` is set where it makes the clip unusable.
    """

    kind: str
    clip_id: str
    detail: str
    outcome: str = ""


def check_table(
    table: pd.DataFrame, numbers_of: Callable[[object], Collection[int]]
) -> tuple[pd.DataFrame, list[Finding]]:
    """Repair what can be repaired in a clip table as it was read, and list everything irregular.

    numbers_of : clip row -> numbers of the frames in its folder; asked only where apex and offset contradict
        each other

    Returns the table, its names unique plain folder names, each oddity in `note`; and the findings, kind by
    kind.
    """
    table = table.reset_index(drop=True).copy()
    found = _unify_subjects(table)
    found += [
        Finding("a note of the reader", row.clip_id, row.note) for row in table.itertuples() if row.note
    ]
    for look in (
        _check_names,
        _check_duplicates,
        _check_action_units,
        _check_offset,
        lambda t: _check_apex(t, numbers_of),
        _note_apex_on_end,
    ):
        new = look(table)
        details: dict[str, list[str]] = defaultdict(list)
        for finding in new:
            details[finding.clip_id].append(finding.detail)
        notes = zip(table["note"], table["clip_id"])
        table["note"] = ["; ".join(filter(None, (before, *details[clip_id]))) for before, clip_id in notes]
        found += new
    return table.astype({"note": "string"}), found


def _unify_subjects(table: pd.DataFrame) -> list[Finding]:
    """A subject in two spellings is one person, under the more frequent of them.

    Its clips are not noted for it.
    """
    printed = list(table["subject"])
    table["subject"] = pd.array(unify_spellings(printed)[0], dtype="string")
    table["clip_id"] = table["dataset"] + "/" + table["subject"] + "/" + table["clip"]
    return [
        Finding("a subject in another spelling", clip_id, f"subject {before!r} is taken for {after!r}")
        for clip_id, before, after in zip(table["clip_id"], printed, table["subject"])
        if clean_name(before) != after
    ]


def _check_names(table: pd.DataFrame) -> list[Finding]:
    """Subjects and clips become folders below the output.

    A name that would lead elsewhere is changed, and refused.
    """
    found = []
    for i, dataset, subject, clip in zip(table.index, table["dataset"], table["subject"], table["clip"]):
        plain = [re.sub(r"[/\\:\0]|^\.+$|^$", "_", name) for name in (subject, clip)]
        if plain == [subject, clip]:
            continue
        table.loc[i, ["subject", "clip", "clip_id"]] = [*plain, "/".join([dataset, *plain])]
        said = f"subject {subject!r}, clip {clip!r} is no plain folder name; correct the annotation file"
        found.append(Finding("a name that is no folder name", table.loc[i, "clip_id"], said, "bad name"))
    return found


def _check_duplicates(table: pd.DataFrame) -> list[Finding]:
    """The first row of a clip counts.

    The others get a number after their name and are refused.
    """
    found = []
    times = table.groupby("clip_id").cumcount() + 1
    for i in table.index[times > 1]:
        first = table.loc[i, "clip_id"]
        table.loc[i, ["clip", "clip_id"]] = [f"{table.loc[i, 'clip']}~{times[i]}", f"{first}~{times[i]}"]
        said = f"{first} is listed {times[i]} times or more; its first row is used"
        found.append(Finding("a name that was listed before", table.loc[i, "clip_id"], said, "duplicate"))
    return found


def _check_action_units(table: pd.DataFrame) -> list[Finding]:
    """A cell with a part that is no unit gives no objective class and no presence.

    The clip has its other uses.
    """
    return [
        Finding("action units that cannot be read", clip_id, f"action units printed as {cell!r}")
        for clip_id, cell in zip(table["clip_id"], table["action_units"])
        if parse_units(cell).unreadable
    ]


def _check_offset(table: pd.DataFrame) -> list[Finding]:
    """Such an offset (0, in CAS(ME)^3 and CAS(ME)^2) is none; the apex may still be right."""
    found = []
    for i in table.index[(table["offset"] < table["onset"]).fillna(False)]:
        said = f"offset printed as {table.loc[i, 'offset']}, before the onset {table.loc[i, 'onset']}"
        table.loc[i, "offset"] = pd.NA
        found.append(Finding("an offset before the onset", table.loc[i, "clip_id"], said))
    return found


def _check_apex(table: pd.DataFrame, numbers_of: Callable[[object], Collection[int]]) -> list[Finding]:
    """One of the two numbers is wrong, and the clip's own frames say which: an apex that is among them stays.

    SAMM 013_1_9 has a wrong offset and a right apex, 028_4_1 an apex far behind its last frame. A folder with
    frames from before the onset holds more than the clip, as recordings and long videos do, and says nothing.
    """
    found = []
    late, early = (
        (table["apex"] > table["offset"]).fillna(False),
        (table["apex"] < table["onset"]).fillna(False),
    )
    for i in table.index[late | early]:
        clip = table.loc[i]
        numbers = numbers_of(next(table.loc[[i]].itertuples())) if late[i] else ()
        there = clip["apex"] in numbers and (pd.isna(clip["onset"]) or min(numbers) >= clip["onset"])
        if there:
            said = f"offset printed as {clip['offset']}, before the apex {clip['apex']}, whose frame is there"
            table.loc[i, "offset"] = pd.NA
        else:
            span = (
                f"{clip['onset']} to {clip['offset']}" if pd.notna(clip["offset"]) else f"{clip['onset']} on"
            )
            said = f"apex printed as {clip['apex']}, outside {span}"
            table.loc[i, ["apex", "apex_source"]] = [pd.NA, ""]
        found.append(
            Finding(
                "an offset before the apex" if there else "an apex outside the clip", clip["clip_id"], said
            )
        )
    return found


def _note_apex_on_end(table: pd.DataFrame) -> list[Finding]:
    """Kept as annotated: on the onset the flow is zero, which the user should know before wondering at it."""
    return [
        Finding(f"an apex on the {column} frame", clip_id, f"apex is the {column} frame")
        for column in ("onset", "offset")
        for clip_id in table.loc[(table["apex"] == table[column]).fillna(False), "clip_id"]
    ]
