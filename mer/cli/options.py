"""What the commands share: types of arguments, names answered with the nearest one, groups in the order of the work."""

import difflib
from pathlib import Path

import click

from mer_core import registry
from mer_core.errors import BadInput, UnknownName


class Existing(click.Path):
    """A path to read, which must be there. Checked while the line is parsed, before anything heavy is imported."""

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


class Name(click.ParamType):
    """The name of a file in a registry folder; a wrong one is answered with the nearest."""

    def __init__(self, package: str):
        self.package = package
        self.name = package.rsplit(".", 1)[-1].rstrip("s")

    def convert(self, value, param, ctx):
        try:
            return registry.check(value, registry.names(self.package), self.name)
        except UnknownName as error:
            self.fail(str(error), param, ctx)

    def get_metavar(self, param, ctx=None):
        return self.name.upper()


def known(package: str) -> str:
    """The names in a registry folder, for a help text."""
    return ", ".join(registry.names(package))


class Commands(click.Group):
    """A group that answers an unknown command with the nearest one, and lists commands in the order of the work."""

    def resolve_command(self, ctx, args):
        try:
            registry.check(args[0], self.list_commands(ctx), "command")
        except UnknownName as error:
            ctx.fail(str(error))
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx):
        return list(self.commands)
