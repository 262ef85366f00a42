"""Checking settings by name and type, so that a wrong one is refused with the nearest right one before
anything runs.
"""

import difflib
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from mer_core.errors import BadInput


def check_options(
    options: dict[str, Any], function: Callable[..., Any], given_by_mer: Iterable[str], owner: str
) -> dict[str, Any]:
    """Return `options` for `function` in the types of its signature (YAML reads 1e-3 as text, so "1e-3"
    becomes 0.001).

    given_by_mer : parameters that are not settings
    owner : whose settings these are, for the message
    Raises `BadInput` naming every option that `function` does not have or cannot take.
    """
    parameters = {
        name: p for name, p in inspect.signature(function).parameters.items() if name not in set(given_by_mer)
    }
    values, problems = {}, []
    for name, value in options.items():
        if name not in parameters:
            problems.append(_unknown_setting(name, parameters))
            continue
        try:
            values[name] = TypeAdapter(parameters[name].annotation).validate_python(value)
        except ValidationError as error:
            problems.append(_invalid_value(name, value, error.errors()[0]["msg"]))
    if problems:
        raise BadInput(f"{owner} {_join(problems, parameters)}")
    return values


def describe_errors(error: ValidationError, model: type[BaseModel]) -> str:
    """Return every problem of a pydantic `error` about `model` as plain text, to be put after the file's
    name.
    """
    problems = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            problems.append(_unknown_setting(name, model.model_fields))
        elif problem["type"] == "missing":
            problems.append(f"lacks {name!r}.")
        else:
            problems.append(_invalid_value(name, problem["input"], problem["msg"]))
    return _join(problems, model.model_fields)


def _unknown_setting(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"has no setting {name!r}." + (f" Did you mean {near[0]}?" if near else "")


def _invalid_value(name: str, value: Any, why: str) -> str:
    why = why.removeprefix("Value error, ").rstrip(".")
    return f"cannot take {name} = {value!r}: {why[0].lower()}{why[1:]}."


def _join(problems: list[str], known: Iterable[str]) -> str:
    return f"{' It '.join(problems)} Known: {', '.join(known) or 'none'}."
