"""Checking settings by name and type, so that a wrong one is refused with the nearest right one before anything runs."""

import difflib
import inspect
from typing import Any, Callable, Iterable

from pydantic import BaseModel, TypeAdapter, ValidationError

from mer.errors import BadInput


def checked(options: dict[str, Any], function: Callable, given_by_mer: Iterable[str], owner: str) -> dict[str, Any]:
    """Return `options` for `function` in the types of its signature (YAML reads 1e-3 as text, so "1e-3" becomes 0.001).

    given_by_mer : parameters that are not settings
    owner : whose settings these are, for the message
    Raises `BadInput` naming every option that `function` does not have or cannot take.
    """
    parameters = {name: p for name, p in inspect.signature(function).parameters.items() if name not in set(given_by_mer)}
    values, problems = {}, []
    for name, value in options.items():
        if name not in parameters:
            problems.append(unknown(name, parameters))
            continue
        try:
            values[name] = TypeAdapter(parameters[name].annotation).validate_python(value)
        except ValidationError as error:
            problems.append(_unusable(name, value, error.errors()[0]["msg"]))
    if problems:
        raise BadInput(f"{owner} {' It '.join(problems)}")
    return values


def unknown(name: str, known: Iterable[str]) -> str:
    """Return one sentence that refuses the setting `name` and offers the nearest of `known`."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"has no setting {name!r}.{hint} Known: {', '.join(known) or 'none'}."


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Return every problem of a pydantic `error` about `model` as plain text, to be put after the file's name."""
    problems = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            problems.append(unknown(name, model.model_fields))
        elif problem["type"] == "missing":
            problems.append(f"lacks {name!r}.")
        else:
            problems.append(_unusable(name, problem["input"], problem["msg"]))
    return " It ".join(problems)


def _unusable(name: str, value: Any, why: str) -> str:
    return f"cannot take {name} = {value!r}: {why[0].lower()}{why[1:]}."
