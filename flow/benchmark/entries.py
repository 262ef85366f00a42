"""The rows of the flow benchmark: loaded methods and their settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flow.estimate import Method, default_options, load_method, method_names
from mer_core.errors import BadInput, BadSetting
from mer_core.progress import say

ZERO_FLOW = Method("zero", {}, lambda onsets, apexes: np.zeros(onsets.shape[:3] + (2,), np.float32), False)
# Method -> (options, match_exposure) of additional rows: OpenCV's settings, which most papers use.
REFERENCE_SETTINGS: dict[str, tuple[tuple[dict[str, Any], bool], ...]] = {
    "tvl1": (({"preset": "opencv"}, False), ({"preset": "opencv"}, True)),
    "dis": (({"preset": "medium"}, True),),
    "raft": (({"scale": 1.0}, True),),
}
WITHOUT_WEIGHTS = "raft"  # the method that brings none of its own


@dataclass(frozen=True)
class BenchmarkEntry:
    """One row of the table: a loaded method, and whether brightness is matched first."""

    method: Method
    match_exposure: bool = True

    @property
    def label(self) -> str:
        """The method's name and the options that differ from its defaults; weights by file name."""
        name = self.method.name
        defaults = default_options(name) if name in method_names() else {}
        changed = {
            key: value
            for key, value in self.method.options.items()
            if key not in defaults or value != defaults[key]
        }
        settings = [
            f"{key}={Path(value).name if key == 'weights' else value}" for key, value in changed.items()
        ]
        if not self.match_exposure:
            settings.append("brightness not matched")
        return f"{name} ({', '.join(settings)})" if settings else name


def benchmark_entries(
    chosen: Sequence[str | Method | BenchmarkEntry] | None = None,
    weights: str | Path | None = None,
    device: str = "auto",
) -> list[BenchmarkEntry]:
    """Return the rows to measure: zero flow, then `chosen` or all methods.

    A method chosen by name also gets its `REFERENCE_SETTINGS`. A method that cannot be loaded is skipped
    with a message, unless it was chosen or weights were given for it.

    Parameters
    ----------
    chosen : sequence of str or Method or BenchmarkEntry or None
        Names, loaded methods or entries; None for all methods.
    weights : path or None
        Weights file of the one method chosen by name, or of `WITHOUT_WEIGHTS` among several.
    device : str
        `auto`, `cpu`, `cuda` or `mps`, for networks.

    Raises
    ------
    BadInput
        If `weights` belong to no chosen method, or cannot be read, or a chosen method cannot be loaded.
    """
    choices = chosen or method_names()
    names = [choice for choice in choices if isinstance(choice, str)]
    owner = names[0] if len(names) == 1 else WITHOUT_WEIGHTS
    if weights and owner not in names:
        raise BadSetting(
            f"Weights belong to one method: the only --method, or {owner} among several. Give --method once, "
            f"or add --method {owner}."
        )
    rows = [BenchmarkEntry(ZERO_FLOW)]
    for choice in choices:
        if isinstance(choice, BenchmarkEntry):
            rows.append(choice)
        elif isinstance(choice, Method):
            rows.append(BenchmarkEntry(choice))
        else:
            file = {"weights": str(Path(weights).absolute())} if weights and choice == owner else {}
            try:
                entry = BenchmarkEntry(load_method(choice, device, **file))
            except BadInput as error:
                if chosen or file:
                    raise
                say(f"Skipping {choice}: {error}")
                continue
            for options, match in REFERENCE_SETTINGS.get(choice, ()):
                rows.append(BenchmarkEntry(load_method(choice, device, **file, **options), match))
            rows.append(entry)
    return rows
