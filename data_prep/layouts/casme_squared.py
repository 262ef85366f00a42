"""Replica of CAS(ME)^2: a workbook without headers, participants and videos by number, macro-expressions."""

from pathlib import Path

from data_prep.layouts import ReplicaClip, write_frames, write_marker, write_workbook

EMOTIONS = ("negative", "others", "surprise", "positive")


def write(root: Path, clips: list[ReplicaClip]) -> None:
    """Write `clips` below `root` as CAS(ME)^2code_final(Updated).xlsx and rawpic/; participant 1 is s15."""
    write_marker(root)
    rows, subjects, codes = [], {}, {}
    for clip in clips:
        video, subject = f"disgust{clip.index}", 14 + clip.subject
        codes[video] = 100 + clip.index  # 0101 as the number 101, as in spreadsheets
        subjects[clip.subject] = (subject, f"s{subject}", clip.subject)
        write_frames(
            root / "rawpic" / f"s{subject}" / f"{subject}_{codes[video]:04d}disgustingteeth",
            clip,
            "img{}.jpg",
        )
        apex = 0 if clip.apex is None else clip.apex
        row = (clip.subject, f"{video}_1", clip.onset, apex, clip.offset, clip.action_units, clip.emotion)
        rows += [
            (*row, "micro-expression", "disgust"),
            (clip.subject, f"{video}_2", 200, 210, 240, "4", "negative", "macro-expression", "disgust"),
        ]
    sheets: dict[str, list[tuple]] = {
        "CASFEcode_final": rows,
        "naming rule1": list(subjects.values()),
        "naming rule2": [(code, video) for video, code in codes.items()],
    }
    write_workbook(root / "CAS(ME)^2code_final(Updated).xlsx", **sheets)
