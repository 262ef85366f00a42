"""Shared parts of the commands: argument types, common options, output, and command groups."""

import difflib
import functools
import json
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import click
from click.shell_completion import CompletionItem

from data_prep import face_model_file
from mer_core import progress, registry
from mer_core.configs import config_names, find_config
from mer_core.device import DEVICES, choose_device
from mer_core.errors import BadPlugin, BadSetting, NotFound, UnknownName


class ExistingPath(click.Path):
    """A path to read, checked while the command line is parsed, before anything heavy is imported."""

    def convert(self, value, param, ctx):
        path = Path(value)
        if not path.exists():
            names = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
            similar = difflib.get_close_matches(path.name, names, n=1)
            advice = "Check the path." if path.is_absolute() else f"The path is relative to {Path.cwd()}."
            hint = f"Did you mean {path.parent / similar[0]}?" if similar else advice
            raise NotFound(f"There is no file or folder at {path}. {hint}")
        return super().convert(value, param, ctx)


FOLDER, FILE = click.Path(path_type=Path, file_okay=False), click.Path(path_type=Path, dir_okay=False)
ANY = click.Path(path_type=Path)
INPUT, INPUT_FOLDER = ExistingPath(path_type=Path), ExistingPath(path_type=Path, file_okay=False)
INPUT_FILE = ExistingPath(path_type=Path, dir_okay=False)


class Config(click.ParamType):
    """A configuration: a YAML file, or the name of one that ships."""

    name = "config"

    def convert(self, value: Any, param: Any, ctx: Any) -> Path:
        return find_config(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(name) for name in config_names() if name.startswith(incomplete)]


class Name(click.ParamType):
    """The name of a file in a registry folder; the message for a wrong one suggests the nearest."""

    def __init__(self, package: str):
        self.package = package
        self.name = package.rsplit(".", 1)[-1].rstrip("s")

    def convert(self, value, param, ctx):
        try:
            return registry.check_name(value, registry.list_names(self.package), self.name)
        except UnknownName as error:
            self.fail(str(error), param, ctx)

    def get_metavar(self, param, ctx=None):
        return self.name.upper()

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [
            CompletionItem(name) for name in registry.list_names(self.package) if name.startswith(incomplete)
        ]


class Protocol(Name):
    """A listed protocol, a protocol of one action unit, or a YAML file; `protocols.load` checks it."""

    def __init__(self) -> None:
        super().__init__("mer.protocols")

    def convert(self, value, param, ctx):
        return value


class Classifier(Name):
    """A listed classifier, or `FILE.py:NAME`: a function, class or object of a Python file.

    The file is executed.
    """

    def __init__(self) -> None:
        super().__init__("mer.classifiers")

    def convert(self, value, param, ctx):
        file, _, name = str(value).rpartition(":")
        if not file.endswith(".py"):
            return super().convert(value, param, ctx)
        module = registry.import_file(file)
        if not hasattr(module, name):
            raise BadSetting(
                f"{file} defines no {name!r}. It defines: {', '.join(_public(module)) or 'nothing'}."
            )
        value = getattr(module, name)
        try:
            return value() if callable(value) else value
        except Exception as error:  # user code may raise anything
            raise BadPlugin(f"{name}() of {file} raised {type(error).__name__}: {error}") from error


def _check_device(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    # A missing device is an error now, not after minutes of work; the other values need no check.
    if value in ("cuda", "mps"):
        choose_device(value)
    return value


def device_option(default: str | None = "auto") -> Any:
    """Return the option --device; `default=None` lets a command see whether it was typed."""
    return click.option(
        "--device",
        type=click.Choice(DEVICES),
        default=default,
        show_default=default is not None,
        callback=_check_device,
        help="Where networks run; auto is CUDA if torch can use it, otherwise the CPU."
        + ("" if default else "  [default: auto]"),
    )


def _public(module: ModuleType) -> list[str]:
    return [name for name, value in vars(module).items() if not name.startswith("_") and callable(value)]


def known(package: str) -> str:
    """Return a placeholder that help texts replace with the names in `package`, plug-ins included."""
    return f"[known: {package}]"


def _insert_names(text: str) -> str:
    return re.sub(r"\[known: ([\w.]+)\]", lambda found: ", ".join(registry.list_names(found[1])), text)


class HelpMixin:
    """Completes help texts when they are shown: names, those of plug-ins included, and missing defaults."""

    params: list[click.Parameter]
    epilog: str | None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # --help ends the parsing where it stands, so plug-ins named after it are loaded first.
        given, *_ = self.make_parser(ctx).parse_args(list(args))  # type: ignore[attr-defined]
        for option in self.params:
            if option.name == "plugin":
                option.handle_parse_result(ctx, given, [])
        return super().parse_args(ctx, args)  # type: ignore[misc]

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for option in self.params:
            if isinstance(option, click.Option) and option.help:
                option.help = _insert_names(option.help)
                states_default = option.required or option.show_default or "[default:" in option.help
                if not states_default and option.name != "version":
                    option.help += f"  [default: {'off' if option.is_flag else 'none'}]"
        self.epilog = self.epilog and _insert_names(self.epilog)
        super().format_help(ctx, formatter)  # type: ignore[misc]


@dataclass
class Output:
    """How this call of `mer` prints: set by -q, -v and --json, anywhere on the line."""

    quiet: bool = False
    verbose: bool = False
    json: bool = False


OUTPUT = Output()


def emit(text: str, data: Any) -> None:
    """Print a command's result: `text`, or `data` with --json."""
    if OUTPUT.json:
        text = json.dumps(_to_json(data), indent=2, ensure_ascii=False, allow_nan=False)
    click.echo(text)


def _to_json(value: Any) -> Any:
    """Return tables, arrays, numpy numbers and paths as JSON can hold them; NaN becomes null."""
    if isinstance(value, dict):
        return {str(name): _to_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json(item) for item in value]
    if hasattr(value, "to_dict"):
        return _to_json(value.to_dict("records"))
    if hasattr(value, "tolist"):
        return _to_json(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (str, bool, int)) else str(value)


def _set_output(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        setattr(OUTPUT, str(param.name), True)
        progress.set_verbosity(OUTPUT.quiet, OUTPUT.verbose)


def _load_plugins(ctx: click.Context, param: click.Parameter, files: tuple[Path, ...]) -> None:
    for file in files:
        registry.load_plugin(file)


def _use_face_model(ctx: click.Context, param: click.Parameter, file: Path | None) -> None:
    if file is not None:
        os.environ[face_model_file.VARIABLE] = str(file.absolute())  # worker processes inherit it


def _common_options() -> list[click.Option]:
    plugin = click.Option(
        ["--plugin"],
        type=INPUT_FILE,
        multiple=True,
        expose_value=False,
        is_eager=True,
        callback=_load_plugins,
        help="Python file that adds a dataset, flow method, feature, classifier or protocol; it is executed. "
        "May be repeated.",
    )
    face_model = click.Option(
        ["--face-model"],
        type=INPUT_FILE,
        expose_value=False,
        callback=_use_face_model,
        help="MediaPipe's face_landmarker.task, for releases of MediaPipe without built-in models.  "
        f"[env: {face_model_file.VARIABLE}]",
    )
    return [plugin, face_model] + [
        click.Option(
            [*flags], is_flag=True, expose_value=False, is_eager=True, callback=_set_output, help=text
        )
        for flags, text in (
            (("-q", "--quiet"), "Print results and errors only."),
            (("-v", "--verbose"), "Print details of each step."),
            (("--json",), "Print results and errors as JSON."),
        )
    ]


class Command(HelpMixin, click.Command):
    """A command with the common options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _common_options()


command = functools.partial(click.command, cls=Command)


class Commands(HelpMixin, click.Group):
    """A group whose message for an unknown command suggests the nearest; commands keep their order."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _common_options()

    def resolve_command(self, ctx, args):
        try:
            registry.check_name(args[0], self.list_commands(ctx), "command")
        except UnknownName as error:
            ctx.fail(str(error))
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx):
        return list(self.commands)


class Root(Commands):
    """The command `mer` itself; each call starts with the default output."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        OUTPUT.quiet = OUTPUT.verbose = OUTPUT.json = False
        progress.set_verbosity()
        return super().make_context(*args, **kwargs)
