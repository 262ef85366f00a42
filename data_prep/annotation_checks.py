"""Checks of a clip table as annotated: names, duplicates, and numbers that contradict each other.

No finding stops the dataset. An odd number becomes a note on its clip; a clip that cannot be used keeps its
row and gets an outcome with a reason. `clip_search.py` checks whether the frames exist.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import NamedTuple

import pandas as pd

from data_prep.action_units import parse_units
from data_prep.identity import clean_name, unify_spellings
from data_prep.outcomes import Outcome

MIN_NAMED_SUBJECTS = 3  # whose clips contain their number: of fewer, it may be chance


class Finding(NamedTuple):
    """One irregularity of one clip."""

    kind: str  # for counting
    clip_id: str
    detail: str
    outcome: Outcome | None = None  # set if it makes the clip unusable


def check_table(
    table: pd.DataFrame, numbers_of: Callable[[object], Collection[int]]
) -> tuple[pd.DataFrame, list[Finding]]:
    """Repair what can be repaired in a clip table, and list every irregularity.

    Parameters
    ----------
    table : pandas.DataFrame
        Clip table as read.
    numbers_of : callable
        Row of the clip table -> frame numbers in the clip's folder. Called only if apex and offset contradict
        each other.

    Returns
    -------
    table : pandas.DataFrame
        With unique names that are plain folder names, and each irregularity in `note`.
    findings : list of Finding
        Grouped by kind.
    """
    table = table.reset_index(drop=True).copy()
    findings = _unify_subjects(table)
    findings += [
        Finding("a note of the reader", row.clip_id, row.note) for row in table.itertuples() if row.note
    ]
    for check in (
        _check_names,
        _check_named_subjects,
        _check_duplicates,
        _check_action_units,
        _check_offset,
        lambda t: _check_apex(t, numbers_of),
        _note_apex_on_end,
    ):
        new_findings = check(table)
        details: dict[str, list[str]] = defaultdict(list)
        for finding in new_findings:
            details[finding.clip_id].append(finding.detail)
        notes = zip(table["note"], table["clip_id"])
        table["note"] = ["; ".join(filter(None, (note, *details[clip_id]))) for note, clip_id in notes]
        findings += new_findings
    return table.astype({"note": "string"}), findings


def _unify_subjects(table: pd.DataFrame) -> list[Finding]:
    """Give each subject its most frequent spelling; this is no note on the clips."""
    printed = list(table["subject"])
    table["subject"] = pd.array(unify_spellings(printed)[0], dtype="string")
    table["clip_id"] = table["dataset"] + "/" + table["subject"] + "/" + table["clip"]
    return [
        Finding("a subject in another spelling", clip_id, f"subject {name!r} is read as {unified!r}")
        for clip_id, name, unified in zip(table["clip_id"], printed, table["subject"])
        if clean_name(name) != unified
    ]


def _check_names(table: pd.DataFrame) -> list[Finding]:
    """Refuse names that are no plain folder names, because they become folders below the output."""
    findings = []
    for i, dataset, subject, clip in zip(table.index, table["dataset"], table["subject"], table["clip"]):
        plain = [re.sub(r"[/\\:\0]|^\.+$|^$", "_", name) for name in (subject, clip)]
        if plain == [subject, clip]:
            continue
        table.loc[i, ["subject", "clip", "clip_id"]] = [*plain, "/".join([dataset, *plain])]
        detail = f"subject {subject!r}, clip {clip!r} is no plain folder name; correct the annotation file"
        findings.append(
            Finding("a name that cannot be a folder name", table.loc[i, "clip_id"], detail, "bad name")
        )
    return findings


def _check_named_subjects(table: pd.DataFrame) -> list[Finding]:
    """Refuse a clip named after another subject, where most clips are named after their own.

    MMEW's S13-07-001 is of S13: a row that lists it for S12, as a spreadsheet sorted by one column does, puts
    one person into training and test. A table of own recordings may name files as it likes, so there it is
    only reported.
    """
    subjects = [re.findall(r"\d+", subject)[-1:] for subject in table["subject"]]
    numbers = [re.findall(r"\d+", clip) for clip in table["clip"]]
    findings = []
    for place in range(min(map(len, numbers), default=0)):
        agrees = pd.Series(
            [bool(own) and int(own[0]) == int(number[place]) for own, number in zip(subjects, numbers)]
        )
        if agrees.mean() <= 0.5 or table["subject"][agrees].nunique() < MIN_NAMED_SUBJECTS:
            continue
        for row in table[~agrees].itertuples():
            outcome: Outcome | None = None if row.dataset == "table" else "bad name"
            detail = (
                f"listed for {row.subject}; {sum(agrees)} other clips have their own subject's number there"
            )
            findings.append(
                Finding("a name with the number of another subject", row.clip_id, detail, outcome)
            )
        break
    return findings


def _check_duplicates(table: pd.DataFrame) -> list[Finding]:
    """Use the first row of a clip; refuse the others, with a number appended to their name."""
    findings = []
    times = table.groupby("clip_id").cumcount() + 1
    for i in table.index[times > 1]:
        first = table.loc[i, "clip_id"]
        table.loc[i, ["clip", "clip_id"]] = [f"{table.loc[i, 'clip']}~{times[i]}", f"{first}~{times[i]}"]
        detail = f"{first} is listed {times[i]} times or more; its first row is used"
        findings.append(
            Finding("a name that was listed before", table.loc[i, "clip_id"], detail, "duplicate")
        )
    return findings


def _check_action_units(table: pd.DataFrame) -> list[Finding]:
    """Note cells with an unreadable part; such a clip has no objective class and no presence of units."""
    return [
        Finding("action units that cannot be read", clip_id, f"action units printed as {cell!r}")
        for clip_id, cell in zip(table["clip_id"], table["action_units"])
        if parse_units(cell).unreadable
    ]


def _check_offset(table: pd.DataFrame) -> list[Finding]:
    """Drop an offset before the onset (CAS(ME)^3 and CAS(ME)^2 print 0); the apex may still be right."""
    findings = []
    for i in table.index[(table["offset"] < table["onset"]).fillna(False)]:
        detail = f"offset printed as {table.loc[i, 'offset']}, before the onset {table.loc[i, 'onset']}"
        table.loc[i, "offset"] = pd.NA
        findings.append(Finding("an offset before the onset", table.loc[i, "clip_id"], detail))
    return findings


def _check_apex(table: pd.DataFrame, numbers_of: Callable[[object], Collection[int]]) -> list[Finding]:
    """Drop the wrong number where the apex lies outside the clip: the offset if the apex frame exists.

    SAMM 013_1_9 has a wrong offset and a right apex, 028_4_1 an apex far behind its last frame. A folder with
    frames from before the onset holds more than the clip (a recording, a long video), so it decides nothing.
    """
    findings = []
    late = (table["apex"] > table["offset"]).fillna(False)
    early = (table["apex"] < table["onset"]).fillna(False)
    for i in table.index[late | early]:
        clip = table.loc[i]
        numbers = numbers_of(next(table.loc[[i]].itertuples())) if late[i] else ()
        has_apex = clip["apex"] in numbers and (pd.isna(clip["onset"]) or min(numbers) >= clip["onset"])
        if has_apex:
            kind = "an offset before the apex"
            detail = (
                f"offset printed as {clip['offset']}, before the apex {clip['apex']}, whose frame is there"
            )
            table.loc[i, "offset"] = pd.NA
        else:
            kind = "an apex outside the clip"
            end = f"to {clip['offset']}" if pd.notna(clip["offset"]) else "on"
            detail = f"apex printed as {clip['apex']}, outside {clip['onset']} {end}"
            table.loc[i, ["apex", "apex_source"]] = [pd.NA, ""]
        findings.append(Finding(kind, clip["clip_id"], detail))
    return findings


def _note_apex_on_end(table: pd.DataFrame) -> list[Finding]:
    """Note an apex on the onset, where flow is zero, or on the offset; it is kept as annotated."""
    return [
        Finding(f"an apex on the {column} frame", clip_id, f"apex is the {column} frame")
        for column in ("onset", "offset")
        for clip_id in table.loc[(table["apex"] == table[column]).fillna(False), "clip_id"]
    ]
