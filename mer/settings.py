"""Messages for settings that are refused: every problem at once, each with the nearest known name."""

import difflib
from typing import Iterable

from pydantic import BaseModel, ValidationError


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
            problems.append(f"has an unusable {name!r} ({problem['input']!r}): {problem['msg']}.")
    return " It ".join(problems)
