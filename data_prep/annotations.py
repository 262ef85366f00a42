"""The annotations of a dataset: its clip table, read, checked and corrected, with all findings."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pandas as pd

from data_prep import annotation_checks, annotation_corrections, dataset_files
from data_prep.clip_images import FrameFile, VideoFrame, number_from_onset
from data_prep.sheets.annotation_sheets import AnnotationSources
from mer_core import registry
from mer_core.errors import BadInput, NotFound
from mer_core.text import format_count


def load_dataset(name: str) -> ModuleType:
    """Import the reader of a dataset by name; raise `UnknownName` if there is none."""
    return registry.load("data_prep.datasets", name)


def holds_own_recordings(dataset: ModuleType) -> bool:
    """Return whether a dataset is the user's own recordings, whose table the user can correct."""
    return hasattr(dataset, "find_problems")


def dataset_folder(root: Path) -> Path:
    """Return the folder of a dataset; of own recordings, given by their table, the folder that holds it."""
    return root if root.is_dir() else root.parent


@dataclass(frozen=True)
class Annotations:
    """The annotations of a dataset."""

    table: pd.DataFrame  # clip table
    corrections: list[dict]  # rows of the corrections file that were applied
    findings: list[annotation_checks.Finding]
    files_read: list[str]  # files and sheets, relative to the dataset; empty if folders hold the annotations
    files_unread: list[str]  # whose names match too
    remarks: list[str]  # further oddities of the files

    @property
    def sources(self) -> list[str]:
        """Lines that say which files were read, which were not, and what is odd about them."""
        others = (
            f" Not read, though the name matches: {', '.join(self.files_unread)}."
            if self.files_unread
            else ""
        )
        read = [f"Annotations read from {', '.join(self.files_read)}.{others}"] if self.files_read else []
        return read + [f"{remark}." for remark in self.remarks]

    @property
    def oddities(self) -> list[str]:
        """One line per kind of finding: how many, the first, and its detail."""
        lines = []
        for kind in dict.fromkeys(finding.kind for finding in self.findings):
            clip_id, detail = next(
                (finding.clip_id, finding.detail) for finding in self.findings if finding.kind == kind
            )
            count = sum(finding.kind == kind for finding in self.findings)
            lines.append(
                f"{format_count(count, 'clip')} with {kind}. First: {clip_id}, {detail.rstrip('.')}."
            )
        return lines


def read_clips(name: str, root: Path, corrections: bool = True) -> Annotations:
    """Read, check, repair and correct the annotations of a dataset.

    Parameters
    ----------
    name : str
        Name of the dataset.
    root : Path
        Its folder, or the table of own recordings.
    corrections : bool
        Apply the listed corrections.

    Returns
    -------
    Annotations
        Clip table and findings.

    Raises
    ------
    BadInput
        If the annotations cannot be read or list no clip.
    """
    root = root.absolute()
    dataset_files.clear_caches()
    dataset = load_dataset(name)
    table = dataset.read_annotations(root)
    if not len(table):
        raise NotFound(
            f"{root} holds no clip of {name}. See the expected tree with: mer prepare {name} --root {root} "
            "--check"
        )

    sources = table.attrs.pop("sources", AnnotationSources())

    def numbers_of(row) -> Collection[int]:
        try:
            return clip_files(dataset, root, row).keys()
        except BadInput:  # `locate_clip` reports a missing folder
            return ()

    table, findings = annotation_checks.check_table(table, numbers_of)
    if holds_own_recordings(dataset):
        refused = {finding.clip_id for finding in findings if finding.outcome}
        findings += [problem for problem in dataset.find_problems(root) if problem.clip_id not in refused]
    table, applied = annotation_corrections.apply(table, name) if corrections else (table, [])
    return Annotations(table, applied, findings, *_name_files(sources, root), sources.remarks)


def _name_files(sources: AnnotationSources, root: Path) -> tuple[list[str], list[str]]:
    """Return the files read and unread, relative to the dataset."""
    folder = dataset_folder(root)
    files_read = [
        f"{path.relative_to(folder)}{f' (sheet {sheet!r})' if sheet else ''}"
        for path, sheet in sources.files_read
    ]
    return files_read, [str(path.relative_to(folder)) for path in sources.files_unread]


def clip_files(dataset: ModuleType, root: Path, row) -> dict[int, FrameFile]:
    """Return the frame files of a clip by annotated number.

    Raises `BadInput` if they are missing or cannot be numbered.
    """
    files = dataset.frame_files(root, row)
    # Some readers number the frames of a video themselves; other videos are taken to begin with the onset.
    reader_numbers = getattr(dataset, "NUMBERS_VIDEO_FRAMES", False)
    if not reader_numbers and any(isinstance(file, VideoFrame) for file in files.values()):
        return number_from_onset(files, *(None if pd.isna(n) else int(n) for n in (row.onset, row.offset)))
    return files
