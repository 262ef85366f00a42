"""The settings of a run as its report shows them, with defaults, and the run as one row of a table."""

import inspect
from collections.abc import Callable
from typing import Any

from mer.evaluation import estimators
from mer.evaluation.config import is_object_text
from mer.evaluation.finished_run import Run
from mer.evaluation.metrics import varies_with_seed
from mer_core import claims, markdown, registry
from mer_core.errors import UnknownName
from mer_core.io import read_json

SET_BY_MER = {*estimators.SET_BY_MER, "flow", "landmarks", "self"}  # parameters that are no settings


def read_settings(run: Run) -> list[tuple[str, str]]:
    """Return name and value of every setting, defaults included, and what identifies the input."""
    config, about = dict(run.config), ""
    try:
        if config["feature"]:
            extract = registry.load("mer.features", config["feature"]).extract
            config["feature_settings"] = with_defaults(extract, config["feature_settings"] or {})
        if not is_object_text(config["classifier"]):  # which shows its own settings
            module = registry.load("mer.classifiers", config["classifier"])
            config["classifier_settings"] = _classifier_settings(module.Classifier, config)
            about = module.__doc__.strip().splitlines()[0]
    except UnknownName as error:  # a plug-in that is gone or renamed
        return flatten(run.config) + [("defaults", f"unknown: {error}")] + _input_identity(run)
    lines = flatten(config)
    if about:
        at = [name for name, _ in lines].index("classifier") + 1
        lines.insert(at, ("about", about))
    return lines + _input_identity(run)


def _classifier_settings(kind: Any, config: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a listed classifier, defaults included, but those that were searched."""
    variant = config["classifier"].partition(":")[2]  # timm:resnet18
    given = ({"backbone": variant} if variant else {}) | config["classifier_settings"]
    searched = config.get("search") or {}
    used = with_defaults(kind.__init__, given)
    return {name: value for name, value in used.items() if name not in searched}


def with_defaults(function: Callable, given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of `function`: the `given` ones, and the marked defaults of the others."""
    parameters = {
        name: p for name, p in inspect.signature(function).parameters.items() if name not in SET_BY_MER
    }
    return {
        name: given[name] if name in given else f"{p.default} (default)" for name, p in parameters.items()
    }


def markdown_row(run: Run) -> str:
    """Return the run as a Markdown table of one row."""
    m, config = run.metrics, run.config
    spread = f" ± {m['sd']['uf1']:.3f}" if varies_with_seed(m) else ""
    cells = {
        "classifier": config["classifier"],
        "feature": config["feature"] or ("arrays" if run.origin["kind"] == "arrays" else "ready-made maps"),
        "flow": config["method"] or "none",
        "protocol": run.origin["protocol"]["name"],
        "split": run.origin["protocol"]["split"],
        "clips": m["clips"],
        "subjects": m["subjects"],
        "seeds": len(m["seeds"]),
        "UF1": f"{m['uf1']:.3f}{spread}",
        "UAR": f"{m['uar']:.3f}",
        "accuracy": f"{m['accuracy']:.3f}",
    }
    return markdown.format_table(list(cells), [list(cells.values())])


def flatten(settings: dict[str, Any]) -> list[tuple[str, str]]:
    """Return settings as names and values, with one line per option of a nested setting."""
    return [(name, _format(value)) for name, value in claims.flatten(settings).items()]


def _format(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} entries"
    return "not used" if value is None else str(value)


def _input_identity(run: Run) -> list[tuple[str, str]]:
    file = run.path / "input.json"
    data = read_json(file) if file.is_file() else {}
    return [(f"input {name}", str(data[name])) for name in ("features", "clips", "labels") if name in data]
