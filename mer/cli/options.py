"""What the commands share: types of arguments, names answered with the nearest one, groups in the order of
the work.
"""

import difflib
import functools
import json
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
from mer_core.errors import BadInput, UnknownName


class Existing(click.Path):
    """A path to read, which must be there. Checked while the line is parsed, before anything heavy is
    imported.
    """

    def convert(self, value, param, ctx):
        path = Path(value)
        if not path.exists():
            names = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
            near = difflib.get_close_matches(path.name, names, n=1)
            where = "Check the path." if path.is_absolute() else f"The path is taken from {Path.cwd()}."
            hint = f"Did you mean {path.parent / near[0]}?" if near else where
            raise BadInput(f"There is no file or folder at {path}. {hint}")
        return super().convert(value, param, ctx)


FOLDER, FILE = click.Path(path_type=Path, file_okay=False), click.Path(path_type=Path, dir_okay=False)
ANY = click.Path(path_type=Path)
INPUT, INPUT_FOLDER = Existing(path_type=Path), Existing(path_type=Path, file_okay=False)
INPUT_FILE = Existing(path_type=Path, dir_okay=False)


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
    """The name of a file in a registry folder; a wrong one is answered with the nearest."""

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


class Classifier(Name):
    """A listed classifier, or `FILE.py:NAME`: a function, class or object in a Python file, which is
    executed.
    """

    def __init__(self) -> None:
        super().__init__("mer.classifiers")

    def convert(self, value, param, ctx):
        file, _, name = str(value).rpartition(":")
        if not file.endswith(".py"):
            return super().convert(value, param, ctx)
        module = registry.import_file(file)
        if not hasattr(module, name):
            raise BadInput(
                f"{file} defines no {name!r}. It defines: {', '.join(_public(module)) or 'nothing'}."
            )
        made = getattr(module, name)
        return made() if callable(made) else made


def _usable(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value in ("cuda", "mps"):  # said now, not after minutes of work; the others need no torch to check
        choose_device(value)
    return value


def device_option(default: str | None = "auto") -> Any:
    """Return the option --device; with `default` None, whether it was typed can be seen."""
    return click.option(
        "--device",
        type=click.Choice(DEVICES),
        default=default,
        show_default=default is not None,
        callback=_usable,
        help="Where networks run; auto is CUDA where torch can use it, else the CPU."
        + ("" if default else "  [default: auto]"),
    )


def _public(module: ModuleType) -> list[str]:
    return [name for name, value in vars(module).items() if not name.startswith("_") and callable(value)]


KNOWN = "[known: {}]"


def known(package: str) -> str:
    """Return a mark that help texts replace with the names in `package`, those of plug-ins included."""
    return KNOWN.format(package)


def _with_names(text: str) -> str:
    return re.sub(r"\[known: ([\w.]+)\]", lambda mark: ", ".join(registry.list_names(mark[1])), text)


class HelpMixin:
    """Lists names in help texts when they are asked for, so that plug-ins are among them."""

    params: list[click.Parameter]
    epilog: str | None

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for option in self.params:
            if isinstance(option, click.Option) and option.help:
                option.help = _with_names(option.help)
        self.epilog = self.epilog and _with_names(self.epilog)
        super().format_help(ctx, formatter)  # type: ignore[misc]


@dataclass
class Output:
    """How this call of `mer` prints: set by -q, -v and --json, wherever they stand on the line."""

    quiet: bool = False
    verbose: bool = False
    json: bool = False


OUTPUT = Output()


def emit(text: str, data: Any) -> None:
    """Print a command's result: `text` for people, or with --json `data` (what JSON can hold, or a
    DataFrame's records).
    """
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=_plain) if OUTPUT.json else text)


def _plain(value: Any) -> Any:
    """What JSON can hold of a path, an array, a table or a number of numpy's."""
    if hasattr(value, "to_dict"):
        return value.to_dict("records")
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _switch(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        setattr(OUTPUT, str(param.name), True)
        progress.set_verbosity(OUTPUT.quiet, OUTPUT.verbose)


def _load_plugins(ctx: click.Context, param: click.Parameter, files: tuple[Path, ...]) -> None:
    for file in files:
        registry.load_plugin(file)


def _use_face_model(ctx: click.Context, param: click.Parameter, file: Path | None) -> None:
    if file is not None:
        os.environ[face_model_file.VARIABLE] = str(file.absolute())  # worker processes inherit it


def _switches() -> list[click.Option]:
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
        help="MediaPipe's face_landmarker.task, where MediaPipe has no models inside.  "
        f"[env: {face_model_file.VARIABLE}]",
    )
    return [plugin, face_model] + [
        click.Option([*flags], is_flag=True, expose_value=False, is_eager=True, callback=_switch, help=text)
        for flags, text in (
            (("-q", "--quiet"), "Print results and errors only."),
            (("-v", "--verbose"), "Print details of each step."),
            (("--json",), "Print results and errors as JSON."),
        )
    ]


class Command(HelpMixin, click.Command):
    """A command that takes -q, -v and --json."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _switches()


command = functools.partial(click.command, cls=Command)


class Commands(HelpMixin, click.Group):
    """A group that answers an unknown command with the nearest one, and lists commands in the order of the
    work.
    """

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _switches()

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
        OUTPUT.__init__()  # type: ignore[misc]
        progress.set_verbosity()
        return super().make_context(*args, **kwargs)
