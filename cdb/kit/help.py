"""How `--help` reads: panels of commands, flags without a type, arguments in upper case without braces."""

from typing import Any, Final

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

STACK: Final = "Stack"
TRADING: Final = "Trading"
MONITORING: Final = "Monitoring"
BACKUP: Final = "Backup"


class PlainCommand(TyperCommand):
    """A command whose help reads as other programs' help does."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _plain(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return _without_braces(super().collect_usage_pieces(ctx))


class PlainGroup(TyperGroup):
    """The same for a group of commands. Without any word after it, it shows its help, unless it does something then."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ([] if self.invoke_without_command else ["--help"]))

    def get_params(self, ctx: Any) -> list[Any]:
        return _plain(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return _without_braces(super().collect_usage_pieces(ctx))


def use_plain_help(app: typer.Typer) -> None:
    """Let every command and group below *app* show its parameters so."""
    for command in app.registered_commands:
        command.cls = PlainCommand
    for group in app.registered_groups:
        group.cls = PlainGroup
        if group.typer_instance:
            use_plain_help(group.typer_instance)


def _plain(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        if parameter.metavar is not None:
            continue
        if isinstance(parameter, TyperOption) and parameter.is_flag:
            parameter.metavar = ""
        elif isinstance(parameter, TyperArgument):
            parameter.metavar = parameter.name.upper()
    return parameters


def _without_braces(pieces: list[str]) -> list[str]:
    return [piece.replace("{", "").replace("}", "") for piece in pieces]
