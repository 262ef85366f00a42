"""What the commands share: types of arguments, names answered with the nearest one, groups in the order of the work."""

from pathlib import Path

import click

from mer_core import registry
from mer_core.errors import UnknownName

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
ANY = click.Path(path_type=Path)


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
