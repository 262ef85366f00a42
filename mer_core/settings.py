"""Settings checked by name and type before anything runs; messages suggest the nearest known name."""

import difflib
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from mer_core.errors import BadSetting


def check_options(
    options: dict[str, Any], function: Callable[..., Any], excluded: Iterable[str], owner: str
) -> dict[str, Any]:
    """Convert `options` to the types in the signature of `function`.

    YAML reads 1e-3 as text, so "1e-3" becomes 0.001 for a float.

    Parameters
    ----------
    options : dict
        Settings by parameter name.
    function : callable
        Its annotated parameters are the known settings.
    excluded : iterable of str
        Parameters that are not settings.
    owner : str
        Subject of the message, such as "The classifier mer_net".

    Raises
    ------
    BadInput
        If `function` lacks an option or cannot take its value; the message names all of them.
    """
    parameters = {
        name: p for name, p in inspect.signature(function).parameters.items() if name not in set(excluded)
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
        raise BadSetting(f"{owner} {_join(problems, parameters)}")
    return values


def describe_errors(error: ValidationError, model: type[BaseModel]) -> str:
    """Describe every problem of a pydantic `error` about `model` in plain text that follows a file name."""
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
    nearest = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"has no setting {name!r}." + (f" Did you mean {nearest[0]}?" if nearest else "")


def _invalid_value(name: str, value: Any, reason: str) -> str:
    reason = reason.removeprefix("Value error, ").rstrip(".")
    return f"cannot take {name} = {value!r}: {reason[0].lower()}{reason[1:]}."


def _join(problems: list[str], known: Iterable[str]) -> str:
    return f"{' It '.join(problems)} Known: {', '.join(known) or 'none'}."
