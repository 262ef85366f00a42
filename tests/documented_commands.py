"""Run every `mer` command that the README and the docs print: `make docs-test` (not part of `make test`).

They run in the printed order, in a folder that holds what a reader would have: datasets (replicas with a
moved real face, under names of the published clip list), recordings, a video, a coder's intervals, maps, a
Dask cluster, and the files that guides show. Amounts are reduced. What needs data that is not distributed is
skipped; `mer app` and `mer demo` have tests of their own.
"""

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_prep.layouts import ReplicaClip
from mer.cli.main import cli
from mer_core import registry
from tests.killed_worker import local_cluster
from tests.printed import PAGES, ROOT, code_blocks, mer_commands
from tests.recordings import moved_face, write_recordings, write_video

DATASETS = {"casme2": "CASME2", "samm": "SAMM", "smic": "SMIC"}
WORDS = {
    "casme2": {"positive": "happiness", "negative": "disgust", "surprise": "surprise"},
    "samm": {"positive": "Happiness", "negative": "Anger", "surprise": "Surprise"},
    "smic": {"positive": "positive", "negative": "negative", "surprise": "surprise"},
}
PEOPLE, CLIPS_PER_LABEL = 3, 1
# Commands that are not run here, and why.
SKIPPED = {
    r"^mer demo --out": "run by make demo and tests/mer/demo",
    r"^mer app": "run by tests/mer/web",
    r"--head-model|head-model ": "needs a head model, which is not distributed",
}
AMOUNTS = {r"--pairs \d+": "--pairs 1 --size 64", r"--seeds \d+": "--seeds 1"}
# What a guide leaves to its reader.
PLACEHOLDERS = {
    "adding-a-dataset.md": {"NAME": "casme2", "DIR": "~/data/CASME2"},
    "adding-a-flow-method.md": {"NAME": "softened_dis", "PREPARED": "prepared/casme2"},
}
# Files that guides show and their commands use: page -> name, language and number of the block.
SHOWN_FILES = {
    "adding-a-flow-method.md": [("softened_dis.py", "python", 0)],
    "adding-a-feature.md": [("brows.py", "python", 0), ("my_feature.py", "python", 0)],
    "adding-a-classifier.md": [("nearest_mean.py", "python", 0)],
    "adding-a-protocol.md": [("positive-or-not.yaml", "yaml", 0)],
    "any-scikit-learn-classifier.md": [("my_models.py", "python", 1)],
}
# What the guide for clusters calls the shared folder and the scheduler.
SHARED_FOLDER, SCHEDULER = "/shared", "tcp://head:8786"
PRINTED = [(page, line) for page in PAGES for line in mer_commands(page)]


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> Iterator[Path]:
    """The folder of a reader who follows the pages; also the home folder."""
    home = tmp_path_factory.mktemp("reader")
    for name, folder in DATASETS.items():
        registry.load("data_prep.layouts", name).write(home / "data" / folder, list(published_clips(name)))
    write_recordings(home / "recordings")
    (home / "shared").mkdir()
    for name, folder in (("CASME2", home / "data" / "CASME2"), ("recordings", home / "recordings")):
        (home / "shared" / name).symlink_to(folder)
    for name in ("clip.mp4", "interview.mp4"):
        write_video(home / name, moved_face(0, True, rest=25))
    (home / "coding.eaf").write_bytes(coded_intervals(home))
    for maps, index in (
        ("maps", "maps.csv"),
        ("maps", "index.csv"),
        ("real_flow_dev/maps", "real_flow_dev/index.csv"),
    ):
        write_maps(home / maps, home / index)
    for page, files in SHOWN_FILES.items():
        for file, language, number in files:
            (home / file).write_text(code_blocks(ROOT / "docs" / "guides" / page, language)[number])
    before, old_home = Path.cwd(), os.environ.get("HOME")
    os.chdir(home)
    os.environ["HOME"] = str(home)
    yield home
    os.chdir(before)
    os.environ["HOME"] = old_home or ""


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a local cluster."""
    with local_cluster() as cluster:
        yield cluster.scheduler_address


def published_clips(dataset: str) -> Iterator[ReplicaClip]:
    """Yield clips of the MEGC 2019 composite by their published names, each label of a few people."""
    listed = pd.read_csv(ROOT / "mer" / "protocols" / "composite-3.csv", dtype=str)
    listed = listed[listed["dataset"] == dataset]
    several = listed.groupby("subject")["label"].nunique().sort_values(ascending=False, kind="stable")
    for person, subject in enumerate(several.index[:PEOPLE]):
        shown = listed[listed["subject"] == subject].groupby("label").head(CLIPS_PER_LABEL)
        for index, row in enumerate(shown.itertuples(), 1):
            frames = moved_face(person, row.label != "negative")
            number = int(re.sub(r"\D", "", subject))
            yield ReplicaClip(
                number, index, WORDS[dataset][row.label], "4+7", 96, 101, 107, frames.__getitem__, row.clip
            )


def coded_intervals(home: Path) -> bytes:
    """Return an ELAN file with one interval in tier A."""
    from pympi.Elan import Eaf

    eaf = Eaf()
    eaf.add_tier("A")
    eaf.add_annotation("A", 500, 740, "brow")
    eaf.to_file(str(home / "written.eaf"))
    return (home / "written.eaf").read_bytes()


def write_maps(folder: Path, index: Path) -> None:
    """Write maps (3, 28, 28) float32 of six people whose mean depends on the label, and their index."""
    rng, rows = np.random.default_rng(0), []
    folder.mkdir(parents=True, exist_ok=True)
    for subject in range(6):
        for shift, label in enumerate(("negative", "positive", "surprise")):
            name = f"s{subject}_{label}.npy"
            np.save(folder / name, (rng.normal(size=(3, 28, 28)) + shift).astype(np.float32))
            rows.append((name, "smic", f"s{subject}", label, label))
    pd.DataFrame(rows, columns=["file", "dataset", "subject", "clip", "label"]).to_csv(index, index=False)


def as_run(page: Path, line: str) -> list[str]:
    """Return the words of a command with small amounts and with what the page leaves open."""
    for pattern, small in AMOUNTS.items():
        line = re.sub(pattern, small, line)
    for word, value in PLACEHOLDERS.get(page.name, {}).items():
        line = re.sub(rf"\b{word}\b", value, line)
    plugins = [
        f"--plugin {file}" for file, *_ in SHOWN_FILES.get(page.name, []) if Path(file).stem in line.split()
    ]
    return [os.path.expanduser(word) for word in shlex.split(" ".join([line, *plugins]))[1:]]


def begin_page(home: Path) -> None:
    """Remove what an earlier page has made, prepared datasets aside: pages use the same names."""
    for made in ("runs", "bundles", "replica"):
        shutil.rmtree(home / made, ignore_errors=True)
    for prepared in (home / "prepared").glob("*"):
        if prepared.name not in DATASETS:
            shutil.rmtree(prepared)


@pytest.mark.parametrize("page, line", PRINTED, ids=[f"{page.stem}: {line}" for page, line in PRINTED])
def test_a_printed_command_runs(reader, page, line, request):
    for pattern, reason in SKIPPED.items():
        if re.search(pattern, line):
            pytest.skip(reason)
    if line == mer_commands(page)[0]:
        begin_page(reader)
    if SCHEDULER in line:
        line = line.replace(SCHEDULER, request.getfixturevalue("scheduler"))
        line = line.replace(SHARED_FOLDER, str(reader / "shared"))
    try:
        cli.main(as_run(page, line), prog_name="mer", standalone_mode=False)
    except SystemExit as ended:
        # The table of the recordings has a bad row.
        assert (ended.code or 0) == ("clips.csv --check" in line), line
