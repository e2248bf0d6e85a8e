"""Assemble the operator's command from its groups."""

import typer

from cdb.commands import alerts, audit, backup, breaker, check, dashboard, dead_letters, doctor, replay, stack, trace

app = typer.Typer(
    name="cdb",
    help="Run Claire de Binare, a paper-trading bot, and look inside it.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,  # a local may be a password
)

# One line for each module of cdb/commands; a module registers its own commands and groups.
stack.register(app)
replay.register(app)
audit.register(app)
backup.register(app)
breaker.register(app)
dead_letters.register(app)
alerts.register(app)
dashboard.register(app)
check.register(app)
doctor.register(app)
trace.register(app)
