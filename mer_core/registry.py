"""The folder is the registry: a dataset, flow method, feature or classifier is one file, found by its name.

Listing reads the folder and imports nothing; a file is imported only when its name is asked for.
"""

import difflib
import importlib
import pkgutil
import re
from pathlib import Path
from types import ModuleType

from mer_core.errors import UnknownName

WITH_VARIANTS = ("timm",)  # files that stand for many things, named as in timm:resnet18


def names(package: str) -> list[str]:
    """Names of the files in `package` (for example `"flow.methods"`), sorted; files that start with `_` are helpers."""
    folder = Path(__file__).parents[1].joinpath(*package.split("."))
    return sorted(m.name for m in pkgutil.iter_modules([str(folder)]) if not m.name.startswith("_"))


def load(package: str, name: str) -> ModuleType:
    """Import the file `name` of `package`; raises `UnknownName` with the nearest name if there is none."""
    known = names(package)
    check(name, known, package.rsplit(".", 1)[-1].rstrip("s"))
    return importlib.import_module(f"{package}.{file_of(name)}")


def file_of(name: str) -> str:
    """The file that `name` names, which is `timm` for `timm:resnet18`."""
    file, _, variant = name.partition(":")
    return file if file in WITH_VARIANTS and variant else name


def check(name: str, known: list[str], kind: str) -> str:
    """Return `name` if it is one of `known`, else raise `UnknownName` saying what is meant by `kind`."""
    if file_of(name) in known:
        return name
    plain = {_plain(one): one for one in known}
    near = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.5)
    hint = f" Did you mean {plain[near[0]]}?" if near else ""
    raise UnknownName(f"There is no {kind} called {name!r}.{hint} Known: {', '.join(known)}.")


def _plain(name: str) -> str:
    """The name as it is compared to find the nearest: CASME II, casme-2 and casme2 are one."""
    letters = re.sub(r"[\s_-]", "", name.lower())
    return re.sub(r"(?<=[a-hj-z])i{2,3}$", lambda roman: str(len(roman[0])), letters)
