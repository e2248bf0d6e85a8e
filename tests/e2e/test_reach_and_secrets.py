"""Who can reach a running stack: this machine. Who knows its secrets: the parts that need them, and no file or list."""

from collections.abc import Iterator
from typing import Final

import psutil
import pytest

from cdb.stack import processes
from cdb.stack.config import Kind, Part
from cdb.stack.envfile import SECRETS
from tests.e2e.watched import Watched, watched_bot

pytestmark = pytest.mark.e2e

LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
MORE_SECRETS: Final = {
    "GRAFANA_PASSWORD": "grafana-throw-away-41x",
    "MEXC_API_KEY": "key-throw-away-42x",
    "MEXC_API_SECRET": "secret-throw-away-43x",
}
OVERWRITE_THEIRS: Final = frozenset({"redis", "postgres"})
"""They write their titles over their environment, so nobody can read there what they were given."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Run all parts, with every secret that there is."""
    with watched_bot(tmp_path_factory.mktemp("reach"), MORE_SECRETS) as bot:
        bot.bot.wait_trading()
        yield bot


def secrets_of(watched: Watched) -> dict[str, str]:
    return {name: watched.bot.stack.config.environment[name] for name in SECRETS}


def running(watched: Watched) -> dict[str, psutil.Process]:
    """Return the process of each part that runs on."""
    pids = {part.name: watched.bot.stack.pid_of(part.name) for part in watched.bot.stack.config.parts}
    return {name: psutil.Process(pid) for name, pid in pids.items() if pid is not None}


def listeners(watched: Watched) -> dict[str, set[tuple[str, int]]]:
    """Return where each process of the stack can be reached over the network."""
    found: dict[str, set[tuple[str, int]]] = {}
    for process in processes.of_stack(watched.bot.stack.config):
        for connection in process.net_connections(kind="inet"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr:
                found.setdefault(process.name(), set()).add((connection.laddr.ip, connection.laddr.port))
    return found


def test_every_part_listens_on_this_machine_only(watched: Watched) -> None:
    """The collector, the services and all others; each where the stack's ports say."""
    found = listeners(watched)
    listening = {address for addresses in found.values() for address in addresses}
    assert {host for host, _ in listening} <= LOOPBACK, found
    ports = watched.bot.stack.config.ports
    wanted = {ports.of(name) for part in watched.bot.stack.config.parts for name in part.ports}
    assert {port for _, port in listening} == wanted, found


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_in_no_process_list_no_log_and_no_configuration(watched: Watched, name: str) -> None:
    """Not even of what started the parts, nor in what the servers were configured with."""
    value = secrets_of(watched)[name]
    for process in processes.of_stack(watched.bot.stack.config):
        assert value not in " ".join(process.cmdline()), process.name()
    layout = watched.bot.stack.config.layout
    logs = sorted(layout.logs.iterdir())
    assert len(logs) > len(watched.bot.stack.config.parts)
    for file in (*logs, layout.supervisor_conf, *layout.prometheus_conf.rglob("*.yml")):
        assert value.encode() not in file.read_bytes(), file


def test_files_that_hold_a_secret_are_for_their_owner_alone(watched: Watched) -> None:
    """Whatever the stack writes into its state directory."""
    values = [value.encode() for value in secrets_of(watched).values()]
    state = watched.bot.stack.config.state_dir
    holders = [
        file
        for file in state.rglob("*")
        if file.is_file() and "data" not in file.relative_to(state).parts and any_in(values, file.read_bytes())
    ]
    assert holders, "at least the record of the stack has them"
    assert {file: oct(file.stat().st_mode & 0o777) for file in holders} == dict.fromkeys(holders, "0o600")


def any_in(values: list[bytes], content: bytes) -> bool:
    return any(value in content for value in values)


def test_every_part_has_the_secrets_it_needs_and_no_others(watched: Watched) -> None:
    """By the environment of its process; of two servers only that none of the others is there."""
    found = running(watched)
    parts: dict[str, Part] = {part.name: part for part in watched.bot.stack.config.parts}
    assert set(found) == {name for name, part in parts.items() if part.kind is not Kind.ONE_SHOT}
    for name, process in found.items():
        environ = process.environ()
        known = {secret for secret, value in secrets_of(watched).items() if value in environ.values()}
        if name in OVERWRITE_THEIRS:
            assert known <= set(parts[name].secrets), name
        else:
            assert known == set(parts[name].secrets), name
            assert environ["CDB_STACK_ID"] == watched.bot.stack.config.stack_id
