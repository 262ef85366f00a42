"""Import a module without the rest of its package."""

import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any


def defer_packages(*names: str) -> None:
    """Let the modules of packages be imported before the code of the packages themselves runs.

    Python runs the `__init__` of every package around a module, and there some import all that they offer.
    It runs here at the first use of a name that is no imported module of the package, which makes nothing
    missing. Packages that are imported already, or not installed, are left as they are.

    Parameters
    ----------
    *names : str
        Packages, the outer before the inner.
    """
    for name in names:
        if name in sys.modules or (spec := find_spec(name)) is None:
            continue
        package = module_from_spec(spec)
        sys.modules[name] = package
        _defer(package, spec.loader)
        outer, _, inner = name.rpartition(".")
        if outer:
            setattr(sys.modules[outer], inner, package)


def _defer(package: ModuleType, loader: Any) -> None:
    """Give a package a `__getattr__` (PEP 562) that runs its code and gives way to it."""

    def run_and_get(attribute: str) -> Any:
        del package.__dict__["__getattr__"]
        loader.exec_module(package)
        return getattr(package, attribute)

    package.__dict__["__getattr__"] = run_and_get
