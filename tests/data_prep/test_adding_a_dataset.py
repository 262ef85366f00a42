"""The example of docs/guides/adding-a-dataset.md works as it is printed."""

import re
from pathlib import Path
from types import ModuleType

from data_prep.layouts import ReplicaClip
from flow.splatting import expression
from mer.demo import replica as _small

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "adding-a-dataset.md"


def test_the_printed_replica_and_reader_fit_together(tmp_path, face, monkeypatch):
    replica, reader = (ModuleType(name) for name in ("replica", "reader"))
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    for module, code in zip((replica, reader), blocks, strict=True):
        exec(compile(code, str(PAGE), "exec"), vars(module))
    words = replica.EMOTIONS
    monkeypatch.setattr(expression, "film", lambda *_, **__: [face[:8, :8]] * 12)
    assert [clip.emotion for clip in _small._clips(words)] == [
        *words,
        *words,
    ]  # words of one's own can be rendered
    clips = [
        ReplicaClip(subject, i + 1, words[i], "", 96, 98, 101, lambda i: face)
        for subject in (1, 2)
        for i in range(2)
    ]
    replica.write(tmp_path, clips)
    table = reader.read_annotations(tmp_path)
    assert (
        len(table) == reader.FACTS.clips
        and table["emotion"].value_counts().to_dict() == reader.FACTS.emotions
    )
    assert all(list(reader.frame_files(tmp_path, row)) == list(range(96, 102)) for row in table.itertuples())
