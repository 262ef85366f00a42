"""The settings of a run as the report shows them: defaults written out, the data they met, and one row for a
paper's table.
"""

import inspect
from collections.abc import Callable
from typing import Any

from mer.evaluation.finished_run import Run
from mer.evaluation.metrics import by_chance
from mer_core import markdown, registry
from mer_core.errors import UnknownName
from mer_core.io import read_json

GIVEN_BY_MER = {
    "classes",
    "random_state",
    "device",
    "map_shape",
    "flow",
    "landmarks",
}  # parameters that are not settings


def settings_of(run: Run) -> list[tuple[str, str]]:
    """Name and value of every setting, those of the classifier and the feature with their defaults, and what
    identifies the input.
    """
    config = dict(run.config)
    try:
        module = registry.load("mer.classifiers", config["classifier"])
        extract = registry.load("mer.features", config["feature"]).extract if config["feature"] else None
    except UnknownName as error:  # a file of one's own that was renamed since: what was stored is still true
        return flat(config) + [("defaults are", f"not known: {error}")] + _identity(run)
    searched = config.get("search") or {}
    variant = config["classifier"].partition(":")[2]  # timm:resnet18
    used = with_defaults(
        module.Classifier.__init__, ({"backbone": variant} if variant else {}) | config["classifier_settings"]
    )
    config["classifier_settings"] = {name: value for name, value in used.items() if name not in searched}
    if extract is not None:
        config["feature_settings"] = with_defaults(extract, config["feature_settings"] or {})
    lines = flat(config)
    at = [name for name, _ in lines].index("classifier") + 1
    lines.insert(
        at, ("classifier is", module.__doc__.strip().splitlines()[0])
    )  # scaling and class weights are said there
    return lines + _identity(run)


def with_defaults(function: Callable, given: dict[str, Any]) -> dict[str, Any]:
    """The settings of `function`: those `given`, and the defaults of the others, marked as such."""
    parameters = {
        name: p
        for name, p in inspect.signature(function).parameters.items()
        if name not in GIVEN_BY_MER | {"self"}
    }
    return {
        name: given[name] if name in given else f"{p.default} (default)" for name, p in parameters.items()
    }


def table_row(run: Run) -> str:
    """The run as a Markdown table of one row."""
    m, config = run.metrics, run.config
    spread = f" ± {m['sd']['uf1']:.4f}" if by_chance(m) else ""
    cells = {
        "classifier": config["classifier"],
        "feature": config["feature"] or "ready-made maps",
        "flow": config["method"] or "none",
        "protocol": run.origin["protocol"]["name"],
        "split": run.origin["protocol"]["split"],
        "clips": m["clips"],
        "subjects": m["subjects"],
        "seeds": len(m["seeds"]),
        "UF1": f"{m['uf1']:.4f}{spread}",
        "UAR": f"{m['uar']:.4f}",
        "accuracy": f"{m['accuracy']:.4f}",
    }
    return markdown.format_table(list(cells), [list(cells.values())])


def flat(settings: dict[str, Any]) -> list[tuple[str, str]]:
    """Settings as name and value, a line for each option of a nested one."""
    lines = []
    for name, value in settings.items():
        if isinstance(value, dict):
            lines += [(f"{name}.{key}", str(item)) for key, item in value.items()]
        elif isinstance(value, list):
            lines.append((name, f"{len(value)} entries"))
        else:
            lines.append((name, "not used" if value is None else str(value)))
    return lines


def _identity(run: Run) -> list[tuple[str, str]]:
    file = run.path / "input.json"
    data = read_json(file) if file.is_file() else {}
    return [(f"input {name}", str(data[name])) for name in ("features", "clips", "labels") if name in data]
