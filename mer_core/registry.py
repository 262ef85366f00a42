"""Datasets, flow methods, features, classifiers and protocols by name.

Names come from three places: the package's own folder, where each file is one name; entry points of
installed packages (`srflow_mer.classifiers` etc.); and files loaded with `load_plugin`. Listing names imports
nothing; `load` imports the one module it returns.
"""

import difflib
import functools
import importlib
import importlib.util
import pkgutil
import re
import sys
import zlib
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from mer_core.errors import BadPlugin, NotFound, UnknownName

WITH_VARIANTS = ("timm",)  # modules that take a variant, as in timm:resnet18
# Attribute that each module of a package must define, and entry point group that extends the package.
REQUIRED = {
    "data_prep.datasets": "read_annotations",
    "flow.methods": "load",
    "mer.features": "extract",
    "mer.classifiers": "Classifier",
    "mer.protocols": "PROTOCOL",
}
GROUPS = {
    "data_prep.datasets": "srflow_mer.datasets",
    "flow.methods": "srflow_mer.flow_methods",
    "mer.features": "srflow_mer.features",
    "mer.classifiers": "srflow_mer.classifiers",
    "mer.protocols": "srflow_mer.protocols",
}
PLUGIN_KINDS = ("dataset", "method", "feature", "classifier", "protocol")  # nouns of their packages
_plugins: dict[Path, ModuleType] = {}


def list_names(package: str) -> list[str]:
    """Return the known names of `package` (such as "flow.methods"), sorted; `_` files are helpers."""
    return sorted({*_package_modules(package), *_entry_points(package), *_plugin_modules(package)})


def load(package: str, name: str) -> Any:
    """Import and return the module of `name` in `package`.

    Raises
    ------
    UnknownName
        If the name is unknown; the message offers the nearest.
    BadInput
        If a plug-in cannot be imported or lacks the attribute that the package requires.
    """
    check_name(name, list_names(package), package.rsplit(".", 1)[-1].rstrip("s"))
    file = module_name(name)
    if file in _package_modules(package):
        return importlib.import_module(f"{package}.{file}")
    if file in _plugin_modules(package):
        return _plugin_modules(package)[file]
    return _load_entry_point(package, _entry_points(package)[file])


def load_plugin(path: str | Path) -> ModuleType:
    """Execute a Python file and register it under the file's name.

    Only ever called with a path that the user typed: files and bundles cannot name code to run.

    Raises
    ------
    BadInput
        If the file fails to execute, defines none of `REQUIRED`, or has a name that is already used.
    """
    path = Path(path).resolve()
    if path in _plugins:
        return _plugins[path]
    module = import_file(path)
    kinds = [package for package, attribute in REQUIRED.items() if hasattr(module, attribute)]
    if not kinds:
        raise BadPlugin(f"The plug-in {path} defines none of {', '.join(REQUIRED.values())}.")
    conflicts = [package for package in kinds if path.stem in list_names(package)]
    if conflicts:
        raise BadPlugin(f"The plug-in {path} has a name that {conflicts[0]} already has. Rename the file.")
    _plugins[path] = module
    return module


def import_file(path: str | Path) -> ModuleType:
    """Execute a Python file as a module that workers can import again; raise `BadInput` on failure."""
    path = Path(path).resolve()
    name = f"mer_file_{path.stem}_{zlib.crc32(bytes(path)):08x}"
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.is_file():
        raise NotFound(f"There is no file at {path}.")
    if spec is None or spec.loader is None:
        raise BadPlugin(f"{path} is not a Python file: its name does not end in .py.")
    if name in sys.modules:
        return sys.modules[name]
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # user code may raise anything
        del sys.modules[name]
        raise BadPlugin(f"{path} cannot be executed: {type(error).__name__}: {error}") from error
    return module


def imported_files() -> list[str]:
    """Return the files that `import_file` executed, so that worker processes can execute them too."""
    ours = (module for name, module in sys.modules.items() if name.startswith("mer_file_"))
    return [module.__file__ for module in ours if module.__file__]


def restore_files(files: list[str]) -> None:
    """Execute in a worker process the files that `imported_files` returned in the parent."""
    for file in files:
        module = import_file(file)
        if any(hasattr(module, attribute) for attribute in REQUIRED.values()):
            _plugins[Path(file)] = module


def module_name(name: str) -> str:
    """Return the module that `name` refers to: `timm` for `timm:resnet18`."""
    module, _, variant = name.partition(":")
    return module if module in WITH_VARIANTS and variant else name


def check_name(name: str, known: list[str], kind: str) -> str:
    """Return `name` if it is one of `known`, else raise `UnknownName`; `kind` is the noun in the message."""
    if module_name(name) in known:
        return name
    forms = {_comparison_form(other): other for other in known}
    nearest = difflib.get_close_matches(_comparison_form(name), forms, n=1, cutoff=0.5)
    hint = f" Did you mean {forms[nearest[0]]}?" if nearest else ""
    plugin = (
        "" if nearest or kind not in PLUGIN_KINDS else " If it is a plug-in, name its file with --plugin."
    )
    raise UnknownName(f"There is no {kind} called {name!r}.{hint} Known: {', '.join(known)}.{plugin}")


def protocol_file(value: Any) -> Path:
    """Return the file of a protocol plug-in: its attribute `PROTOCOL`, or the entry point itself."""
    return Path(getattr(value, "PROTOCOL", value))


@functools.cache
def _package_modules(package: str) -> frozenset[str]:
    folder = Path(__file__).parents[1].joinpath(*package.split("."))
    files = {path.stem for path in folder.glob("*.yaml")} if package == "mer.protocols" else set()
    return frozenset(
        files | {m.name for m in pkgutil.iter_modules([str(folder)]) if not m.name.startswith("_")}
    )


@functools.cache
def _entry_points(package: str) -> dict[str, metadata.EntryPoint]:
    if package not in GROUPS:
        return {}
    return {point.name: point for point in metadata.entry_points(group=GROUPS[package])}


def _plugin_modules(package: str) -> dict[str, ModuleType]:
    required = REQUIRED.get(package)
    return {path.stem: m for path, m in _plugins.items() if required and hasattr(m, required)}


def _load_entry_point(package: str, point: metadata.EntryPoint) -> Any:
    try:
        loaded = point.load()
    except Exception as error:  # code of another package may raise anything
        raise BadPlugin(
            f"The plug-in {point.value} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if package != "mer.protocols" and not hasattr(loaded, REQUIRED[package]):
        raise BadPlugin(f"The plug-in {point.value} does not define {REQUIRED[package]}.")
    return loaded


def _comparison_form(name: str) -> str:
    """Return the form in which names are compared: CASME II, casme-2 and casme2 are equal."""
    letters = re.sub(r"[\s_-]", "", name.lower())
    return re.sub(r"(?<=[a-hj-z])i{2,3}$", lambda roman: str(len(roman[0])), letters)
