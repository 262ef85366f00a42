"""Detection of action units: one run per unit, and the mean of their binary F1. What a run is stands in mer/run.py.

Source of the score: Varanka et al., Data Leakage and Evaluation Issues in Micro-Expression Analysis, arXiv 2211.11425.
"""

from pathlib import Path
from typing import Any, Sequence

from mer import protocols, run
from mer.config import CvConfig
from mer.disk import write_json
from mer.errors import BadInput


def cross_validate_units(paths: Sequence[str | Path], config: CvConfig, out: str | Path) -> dict[str, Any]:
    """Cross-validate each action unit that `config.protocol` asks to detect, and return what `out`/metrics.json then holds.

    The run of unit 4 lies in `out`/au4. `mean_binary_f1` is the mean over units of the F1 of "present", on pooled predictions;
    a unit that is never detected counts as 0. Raises `BadInput` for a protocol that detects none.
    """
    out, protocol = Path(out), protocols.load(config.protocol)
    if not protocols.units(protocol):
        raise BadInput(f"{protocol.name} gives each clip one label, and no action units to detect. Use mer cv.")
    found = {}
    for unit in protocols.units(protocol):
        of_unit = config.model_copy(update={"protocol": f"{config.protocol}-au{unit}"})
        scores = run.cross_validate_prepared(paths, of_unit, out / f"au{unit}")
        found[f"au{unit}"] = {**scores["per_class"]["present"], "clips": scores["clips"], "present": scores["clips_per_label"]["present"]}
    scores = {"mean_binary_f1": sum(unit["f1"] for unit in found.values()) / len(found), "protocol": protocol.name, "units": found}
    write_json(out / "metrics.json", scores)
    return scores
