"""The example of docs/guides/adding-a-dataset.md works as it is printed."""

import re
from pathlib import Path
from types import ModuleType

from data_prep.layouts import ReplicaClip
from mer.demo import replica

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "adding-a-dataset.md"


def test_the_printed_replica_and_reader_fit_together(tmp_path, face):
    writer, reader = (ModuleType(name) for name in ("writer", "reader"))
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    for module, code in zip((writer, reader), blocks, strict=True):
        exec(compile(code, str(PAGE), "exec"), vars(module))
    words = writer.EMOTIONS
    assert {take.word for take in replica.plan(words)} == set(words)  # new labels can be rendered
    clips = [
        ReplicaClip(subject, i + 1, words[i], "", 96, 98, 101, lambda i: face)
        for subject in (1, 2)
        for i in range(2)
    ]
    writer.write(tmp_path, clips)
    table = reader.read_annotations(tmp_path)
    assert (
        len(table) == reader.FACTS.clips
        and table["emotion"].value_counts().to_dict() == reader.FACTS.emotions
    )
    assert all(list(reader.frame_files(tmp_path, row)) == list(range(96, 102)) for row in table.itertuples())
