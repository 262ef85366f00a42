"""A dataset as annotated: its clip table, read, checked and corrected, with all findings."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pandas as pd

from data_prep import annotation_checks, annotation_corrections, dataset_files
from data_prep.annotation_sheets import AnnotationSources
from data_prep.clip_images import FrameFile, VideoFrame, number_from_onset
from mer_core import registry
from mer_core.errors import BadInput


def load_dataset(name: str) -> ModuleType:
    """The reader of a dataset by name; raises `UnknownName` for others."""
    return registry.load("data_prep.datasets", name)


def dataset_folder(root: Path) -> Path:
    """The folder of a dataset, which may be given by its table."""
    return root if root.is_dir() else root.parent


@dataclass(frozen=True)
class Annotations:
    """A dataset as annotated: its clip table, the corrections applied to it, and everything odd that was
    found.
    """

    table: pd.DataFrame
    corrections: list[dict]
    findings: list[annotation_checks.Finding]
    files_read: list[
        str
    ]  # files and sheets that the annotations come from, below the root; none where folders say it all
    files_unread: list[str]  # files whose names would have fitted too
    remarks: list[str]  # what else there is to say of the files

    @property
    def sources(self) -> list[str]:
        """Which files were read and which were not, and what there is to say of them.

        Empty where none was.
        """
        others = (
            f" Not read, though the name fits: {', '.join(self.files_unread)}." if self.files_unread else ""
        )
        read = [f"Annotations read from {', '.join(self.files_read)}.{others}"] if self.files_read else []
        return read + [f"{remark}." for remark in self.remarks]

    @property
    def oddities(self) -> list[str]:
        """One line per kind of oddity: how many, the first, and what it is."""
        lines = []
        for kind in dict.fromkeys(finding.kind for finding in self.findings):
            clip_id, detail = next((one.clip_id, one.detail) for one in self.findings if one.kind == kind)
            count = sum(finding.kind == kind for finding in self.findings)
            lines.append(f"{count} clip(s) with {kind}. First: {clip_id}, {detail}.")
        return lines


def read_clips(name: str, root: Path, corrections: bool = True) -> Annotations:
    """Read the annotations of the dataset in `root`, repair what can be repaired, and apply the corrections.

    Raises `BadInput` where no clip is found.
    """
    root = root.absolute()
    dataset_files.clear_caches()
    dataset = load_dataset(name)
    table = dataset.read_annotations(root)
    if not len(table):
        raise BadInput(
            f"{root} holds no clip of {name}. "
            f"See the expected tree with: mer prepare {name} --root {root} --check"
        )

    def numbers_of(row) -> Collection[int]:
        try:
            return clip_files(dataset, root, row).keys()
        except BadInput:  # a missing folder is reported by `locate`
            return ()

    sources = table.attrs.pop("sources", AnnotationSources())
    home = dataset_folder(root)
    read = [
        f"{path.relative_to(home)}{f' (sheet {sheet!r})' if sheet else ''}"
        for path, sheet in sources.files_read
    ]
    unread = [str(path.relative_to(home)) for path in sources.files_unread]
    table, findings = annotation_checks.check_table(table, numbers_of)
    if hasattr(dataset, "find_problems"):
        refused = {finding.clip_id for finding in findings if finding.outcome}
        findings += [one for one in dataset.find_problems(root) if one.clip_id not in refused]
    table, applied = annotation_corrections.apply(table, name) if corrections else (table, [])
    return Annotations(table, applied, findings, read, unread, sources.remarks)


def clip_files(dataset: ModuleType, root: Path, row) -> dict[int, FrameFile]:
    """Frame files of a clip by annotated number; raises `BadInput` where they are missing or have no
    numbers.
    """
    files = dataset.frame_files(root, row)
    numbered = getattr(dataset, "NUMBERS_VIDEO_FRAMES", False)  # by its reader, without regard to the onset
    if not numbered and any(isinstance(file, VideoFrame) for file in files.values()):
        return number_from_onset(files, *(None if pd.isna(n) else int(n) for n in (row.onset, row.offset)))
    return files
