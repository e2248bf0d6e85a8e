"""`cdb up`, `down`, `status`, `env` and `clean`: the operator's stack."""

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console

from cdb.kit.ending import Ended
from cdb.kit.errors import AWAY, INTERRUPTED, REFUSED
from cdb.kit.failures import complain, exit_codes
from cdb.kit.help import STACK
from cdb.kit.options import JsonOption, YesOption, confirm, duration
from cdb.kit.output import console as standard_output
from cdb.kit.output import print_json
from cdb.kit.paths import ROOT
from cdb.running.errors import StackError
from cdb.running.feed import feed
from cdb.running.native import Failure, Part, PartStatus, Stack, StackConfig, envfile, select, with_needs, with_standbys
from cdb.running.native.unknown_settings import refuse_unknown, unread
from cdb.running.native_stack import NativeStack
from cdb.running.stack import running_stack
from cdb.stack import view
from cdb.stack.building import Lacking, building, titles
from cdb.stack.notices import Market, say_of_account, say_source, warnings
from services.topology import CONSOLE, WS


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    for command in (up, status, down, env, clean):
        app.command(rich_help_panel=STACK)(command)


def up(
    part: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Start only this part, by its name in `cdb status`, and what it needs. Repeatable."
        ),
    ] = None,
    standby: Annotated[
        bool, typer.Option("--standby", help="Run two of each service: the second takes over when the first fails.")
    ] = False,
    timeout: Annotated[
        str,
        typer.Option(metavar="TIME", help="Maximum time to wait until all parts are ready, such as 90s or 5m."),
    ] = "120s",
) -> None:
    """Start the stack in the background and wait until every part is ready.

    The first time, it trades while the collector, Prometheus, Alertmanager and Jaeger are still being built; each joins
    when it is ready. Ctrl-C then leaves the bot trading; the next `cdb up` goes on building where this one ended.

    Safe to repeat: it starts missing parts and leaves healthy ones alone. If the supervisor was killed and every part
    goes on without it, the command changes nothing and says what to do.

    Exit code: 0 all parts are ready, 1 the start failed or a part is not ready in time, 2 invalid option.

    Example: REDIS_PORT=26379 cdb up --timeout 60s
    """
    within = duration("--timeout", timeout, least=timedelta(seconds=1), plain="s")
    console = standard_output()
    with exit_codes(REFUSED):
        _native_stack("up -d")
        _ensure_env(console)
        names = with_needs(tuple(part or ()))
        parts = select(with_standbys(names) if standby else names)
        stack = Stack(StackConfig.for_operator(ROOT, os.environ, parts=parts))
        ran_before = stack.running()
        with stack.held(), view.progress(console) as show:
            changed = stack.start(without_unbuilt=True)
            market = Market(running_stack(), show)
            active = Stack.attach(stack.config.state_dir) or stack
            awaited = active.only(stack.config.parts) if part else active
            lacking = Lacking.of(awaited.config.parts)
            lacked = [one.part for one in lacking]
            built = awaited.only(part for part in awaited.config.parts if part not in lacked)
            failure = built.wait_ready(within.total_seconds(), market.look)
        if failure:
            _explain(failure, active)
            raise typer.Exit(1)
    if ran_before:
        console.print(view.health(active.status()))
    console.print(view.addresses(active.config))
    _say_what_nobody_reads(console)
    say_source(console, running_stack(), awaited.config.parts)
    market.wait(awaited.config.parts)
    say_of_account(console, running_stack())
    if changed:
        console.print(
            f"The running stack has not applied these changes: {'; '.join(changed)}. To apply them: cdb down, cdb up"
        )
    _say_where_to_look(console, active.config)
    if lacking:
        _build(console, awaited, lacking, within.total_seconds())


def status(as_json: JsonOption = False) -> None:
    """Show every part with its health and uptime.

    With CDB_STACK=compose it shows the containers of the Docker stack and their health checks.

    Exit code: 0 all healthy, 1 at least one part is unhealthy, 3 the stack is not running.

    Example: cdb status --json
    """
    with exit_codes():
        stack = running_stack()
        parts = stack.parts()
        not_running = "" if parts else stack.not_running
        ready = {part.name for part in parts if part.ready}
        market = feed(stack) if WS.name in ready else None
        wrong = warnings(stack, market, ready)
    healthy = bool(parts) and all(part.ready for part in parts)
    if as_json:
        print_json(
            {
                "running": bool(parts),
                "healthy": healthy,
                "parts": [_as_json(p) for p in parts],
                "market": market,
                "warnings": wrong,
            }
        )
    elif parts:
        standard_output().print(view.health(parts))
        if market:
            typer.echo(f"Trades come from: {market.source}")
        for warning in wrong:
            complain(warning)
    else:
        typer.echo(not_running, err=True)
    if not healthy:
        raise typer.Exit(REFUSED if parts else AWAY)


def down() -> None:
    """Stop the stack and keep its data.

    Exit code: 0 stopped, or nothing was running; 1 failed.

    Example: cdb down
    """
    with exit_codes(REFUSED):
        stack = _native_stack("down")
        ran = stack.running()
        ended = stack.stop()
    if ended:
        typer.echo(f"ended leftover processes: {', '.join(ended)}")
    typer.echo("stopped; the data is kept (`cdb clean` deletes it)" if ran or ended else "nothing was running")


def env(
    for_tests: Annotated[
        bool, typer.Option("--for-tests", help="Begin new secrets with test-; `cdb doctor` warns about them.")
    ] = False,
) -> None:
    """Create .env with generated secrets, or append missing secrets and required settings.

    Existing lines stay unchanged. Optional settings (commented lines in a new .env) are not added to an existing .env.

    Exit code: 0 .env is complete, 1 it cannot be read or written, or has an unknown setting.

    Example: cdb env
    """
    with exit_codes(REFUSED):
        _ensure_env(standard_output(), always=True, mark=envfile.TEST_MARK if for_tests else "")
        refuse_unknown(envfile.read_strictly(ROOT / ".env"), {}, ROOT)
        _say_what_nobody_reads(standard_output())


def clean(
    yes: YesOption = False,
    with_env: Annotated[bool, typer.Option("--env", help="Also delete .env and the secrets in it.")] = False,
) -> None:
    """Stop the stack and delete its data and logs, including the ledger and saved replays.

    Exit code: 0 deleted, 1 failed, another command uses the stack or a replay, or you declined.

    Example: cdb clean --yes
    """
    with exit_codes(REFUSED):
        stack = _native_stack("down --volumes")
        place = stack.config.state_dir
        if not yes:
            what = f"the ledger, the bus, the logs and saved replays in {place}{' and .env' if with_env else ''}"
            confirm(f"Delete {what}?", instead="cdb clean --yes")
        left = stack.remove()
        if with_env:
            (ROOT / ".env").unlink(missing_ok=True)
    typer.echo(
        f"deleted {place}"
        if not left
        else f"deleted the stack's files in {place}; kept other files: {', '.join(p.name for p in left)}"
    )


def _native_stack(compose: str) -> Stack:
    """Find the stack without containers; raises StackError, naming what *compose* would do, if the other is meant."""
    found = running_stack()
    if not isinstance(found, NativeStack):
        raise StackError(f"CDB_STACK=compose selects the Docker stack, so run: docker compose {compose}")
    return found.stack


def _ensure_env(console: Console, *, always: bool = False, mark: str = "") -> None:
    path = ROOT / ".env"
    change = envfile.ensure(path, mark=mark)
    if change.created:
        console.print(f"created {path} with generated secrets, mode 600")
    elif change.added:
        console.print(f"added to {path}: {', '.join(change.added)}")
    elif always:
        console.print(f"{path} is complete; nothing was changed")
    if change.mode_tightened:
        console.print(f"set the mode of {path} to 600: it holds secrets")


def _say_what_nobody_reads(console: Console) -> None:
    for line in unread(envfile.read(ROOT / ".env"), ROOT):
        console.print(line, highlight=False)


def _say_where_to_look(console: Console, config: StackConfig) -> None:
    console.print(
        f"The stack runs in the background. Status: make status   Stop: make down   Logs: {config.layout.logs}",
        highlight=False,
        soft_wrap=True,
    )
    if any(part.name == CONSOLE.name for part in config.parts):
        port = config.ports.of(CONSOLE.name)
        console.print(
            f"The console: http://localhost:{port}   To act there: CDB_CONSOLE_PASSWORD in .env", highlight=False
        )


def _build(console: Console, stack: Stack, lacking: Sequence[Lacking], within_s: float) -> None:
    """Build what *lacking* parts lack, let each join, and wait until it is ready."""
    console.print(
        f"It runs without {titles(lacking)}: they are built now, and each joins. Ctrl-C leaves the bot running; "
        "the next `make up` goes on building.",
        highlight=False,
    )
    with exit_codes(REFUSED), building(stack.config, lacking) as builds:
        try:
            with view.progress(console) as show:
                for part in builds.finished():
                    if part:
                        stack.start_part(part.name)
                    show((*_seen(stack, builds.built), *builds.status()))
                joined = stack.only(builds.built)
                failure = joined.wait_ready(within_s, lambda now: show((*now, *builds.status())))
        except (KeyboardInterrupt, Ended) as ended:
            without = f" without {titles(builds.left)}" if builds.left else ""
            complain(f"the bot runs on{without}; the next `make up` goes on")
            raise typer.Exit(INTERRUPTED) if isinstance(ended, KeyboardInterrupt) else ended from None
        for one in builds.failed:
            for line in builds.error(one):
                typer.echo(f"  {line}", err=True)
            complain(f"the bot runs without {one.program.title}; all of its build is in {builds.log(one)}")
    if failure:
        _explain(failure, stack)
    if failure or builds.failed:
        raise typer.Exit(1)


def _seen(stack: Stack, parts: Sequence[Part]) -> tuple[PartStatus, ...]:
    """Look at *parts*; raises StackError if somebody stopped the stack meanwhile."""
    if not stack.running():
        raise StackError("the stack was stopped meanwhile: `make up` starts it again and goes on building")
    return stack.only(parts).status()


def _explain(failure: Failure, stack: Stack) -> None:
    log = stack.config.layout.log(failure.part)
    typer.echo(f"\nThe last lines of {log}:" if failure.log_tail else f"\n{log} has nothing of this start", err=True)
    for line in failure.log_tail:
        typer.echo(f"  {line}", err=True)
    complain(f"{failure.part} is not ready: {failure.reason}")
    typer.echo("The other parts keep running: see `cdb status`. Fix the problem, then run: cdb down, cdb up.", err=True)


def _as_json(part: PartStatus) -> dict[str, object]:
    return {
        "name": part.name,
        "state": part.state,
        "healthy": part.ready,
        "detail": part.health.detail,
        "pid": part.pid,
        "uptime_seconds": part.uptime,
    }
