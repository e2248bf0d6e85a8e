"""A stack on real servers: Redis, PostgreSQL, and a small service in the place of ours."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis
from pydantic import SecretStr

from cdb.running.errors import InUse
from cdb.running.native import Kind, Part, Stack, StackConfig, StackError, processes, select
from cdb.running.native.probes import http_ok
from services.bus.client import connect as connect_bus
from services.ledger.connection import LedgerAddress
from services.ledger.connection import connect as connect_ledger
from services.settings import LedgerSettings, read
from tests.support.paths import ROOT
from tests.support.waiting import until

pytestmark = pytest.mark.integration

SERVERS = select(("redis", "postgres"))
FAKE_SERVICE = Path(__file__).with_name("fake_service.py")


def a_service(*, unhealthy_while: Path = Path("/nonexistent")) -> Part:
    command = (sys.executable, str(FAKE_SERVICE), str(unhealthy_while))
    return Part("fake", kind=Kind.SERVICE, command=lambda _: command, probe=http_ok("cdb_ws"), ports=("cdb_ws",))


def a_program(name: str, code: str, kind: Kind) -> Part:
    return Part(name, kind=kind, command=lambda _: (sys.executable, "-c", code))


def a_stack(state: Path, *more: Part, **environment: str) -> Stack:
    return Stack(StackConfig.isolated(ROOT, state, parts=(*SERVERS, *more), environment=environment))


def redis_of(stack: Stack) -> redis.Redis:
    config = stack.config
    password = config.environment["REDIS_PASSWORD"]
    return redis.Redis(port=config.ports.redis, password=password, decode_responses=True)


def query(stack: Stack, statement: str) -> list[tuple[object, ...]]:
    settings = stack.config.environment
    connection = psycopg2.connect(
        host="127.0.0.1",
        port=stack.config.ports.postgres,
        user=settings["POSTGRES_USER"],
        password=settings["POSTGRES_PASSWORD"],
        dbname=settings["POSTGRES_DB"],
    )
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def eventually(condition: Callable[[], bool], seen: Callable[[], object], within: float = 20.0) -> None:
    until(lambda: (condition(), seen()), holds=lambda found: found[0], within_s=within, every_s=0.05)


def no_trace_of(stack: Stack) -> None:
    assert stack.leftovers() == []
    assert not stack.config.layout.run.exists()
    assert not stack.config.layout.short_run.exists()
    assert not list(stack.config.state_dir.rglob("*.pid"))
    assert stack.status() == ()


NewStack = Callable[..., Stack]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run a stack that no test of this module stops."""
    unhealthy = tmp_path_factory.mktemp("switch") / "unhealthy"
    stack = a_stack(tmp_path_factory.mktemp("shared"), a_service(unhealthy_while=unhealthy))
    with stack:
        yield stack
    stack.remove()


@pytest.fixture
def new_stack() -> Iterator[NewStack]:
    """Make stacks that are removed after the test, however it ends."""
    made: list[Stack] = []

    def make(state: Path, *more: Part, **environment: str) -> Stack:
        made.append(a_stack(state, *more, **environment))
        return made[-1]

    yield make
    for stack in made:
        stack.remove()


@pytest.fixture
def stack(tmp_path: Path, new_stack: NewStack) -> Stack:
    """Give a stack that is not started yet."""
    return new_stack(tmp_path / "state")


def test_every_part_is_ready_and_has_a_process(shared: Stack) -> None:
    status = shared.status()
    assert [(part.name, part.ready) for part in status] == [("redis", True), ("postgres", True), ("fake", True)]
    assert all(part.pid and psutil.pid_exists(part.pid) for part in status)


def test_no_secret_is_in_a_command_line_or_in_a_file_that_others_may_read(shared: Stack) -> None:
    config = shared.config
    secrets = [config.environment[name] for name in ("REDIS_PASSWORD", "POSTGRES_PASSWORD")]
    lines = [" ".join(process.cmdline()) for process in processes.of_stack(config)]
    assert len(lines) >= 4
    assert not [line for line in lines for secret in secrets if secret in line]
    open_files = [p for p in config.state_dir.glob("*") if p.is_file() and p.stat().st_mode & 0o077]
    assert open_files == []


def test_servers_listen_on_loopback_and_on_sockets_that_only_their_owner_reaches(shared: Stack) -> None:
    connections = [c for p in processes.of_stack(shared.config) for c in p.net_connections(kind="all")]
    listening = {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}
    layout, told = shared.config.layout, shared.config.process_environment()
    of_postgres = Path(told["POSTGRES_HOST"], f".s.PGSQL.{shared.config.ports.postgres}")
    # The kernel keeps the name under which supervisord bound its socket before it renamed it.
    unix = {str(c.laddr) for c in connections if c.family == socket.AF_UNIX and c.laddr}
    others = {path for path in unix if not path.startswith(str(layout.supervisor_socket))}
    assert others == {told["REDIS_HOST"], str(of_postgres)}
    assert all(Path(path).parent.stat().st_mode & 0o077 == 0 for path in others)


def test_both_servers_are_reached_by_the_addresses_that_parts_are_told(shared: Stack) -> None:
    told = shared.config.process_environment()
    with closing(connect_bus(host=told["REDIS_HOST"], port=1, password=told["REDIS_PASSWORD"])) as client:
        assert client.ping()
    address = LedgerAddress.of(read(LedgerSettings, told))
    with closing(connect_ledger(address)) as ledger, ledger.cursor() as cursor:
        cursor.execute("SELECT inet_server_addr()")
        assert cursor.fetchone() == (None,)
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        connect_ledger(replace(address, password=SecretStr("wrong")))


@pytest.mark.parametrize("name", ["x" * 90, "one,two", 'a "quoted" folder'])
def test_both_servers_are_reached_wherever_the_state_directory_is(
    tmp_path: Path, new_stack: NewStack, name: str
) -> None:
    with new_stack(tmp_path / name) as stack:
        told = stack.config.process_environment()
        with closing(connect_bus(host=told["REDIS_HOST"], port=1, password=told["REDIS_PASSWORD"])) as client:
            assert client.ping()
        connect_ledger(LedgerAddress.of(read(LedgerSettings, told))).close()


def test_redis_keeps_what_it_accepted_and_refuses_strangers(shared: Stack) -> None:
    client = redis_of(shared)
    seen = client.config_get("appendonly", "appendfsync", "maxmemory", "maxmemory-policy")
    assert set(seen.values()) == {"yes", "everysec", "268435456", "noeviction"}
    client.close()
    stranger = redis.Redis(port=shared.config.ports.redis)
    with pytest.raises(redis.AuthenticationError):
        stranger.ping()
    stranger.close()


def test_the_ledger_refuses_a_wrong_password(shared: Stack) -> None:
    wrong = {**shared.config.environment, "POSTGRES_PASSWORD": "wrong"}
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        query(Stack(replace(shared.config, environment=wrong)), "SELECT 1")


def test_starting_again_leaves_what_is_healthy_alone(shared: Stack) -> None:
    before = {part.name: part.pid for part in shared.status()}
    assert shared.start() == []
    assert shared.wait_ready(20) is None
    assert {part.name: part.pid for part in shared.status()} == before


def test_starting_again_starts_what_was_stopped(shared: Stack) -> None:
    shared.stop_part("fake")
    assert shared.pid_of("fake") is None
    shared.start()
    assert shared.wait_ready(20) is None


@pytest.mark.parametrize("name", ["fake", "redis", "postgres"])
def test_a_killed_part_comes_back(shared: Stack, name: str) -> None:
    pid = shared.pid_of(name)
    assert pid
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: shared.pid_of(name) not in {None, pid}, shared.status)
    assert shared.wait_ready(20) is None


def test_a_part_that_is_stopped_as_it_dies_stays_stopped(shared: Stack) -> None:
    """Supervisord is about to start it again, and has nothing to stop meanwhile."""
    for _ in range(8):
        pid = shared.pid_of("redis")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        shared.stop_part("redis")
        assert shared.pid_of("redis") is None
        assert {part.name: part.state for part in shared.status()}["redis"] == "stopped"
        shared.start_part("redis")
        assert shared.wait_ready(20) is None


def test_a_restarted_part_has_a_new_process(shared: Stack) -> None:
    pid = shared.pid_of("fake")
    shared.stop_part("fake")
    shared.start_part("fake")
    assert shared.wait_ready(20) is None
    assert shared.pid_of("fake") != pid


def test_health_is_what_the_probe_sees_and_names_the_failing_check(shared: Stack) -> None:
    switch = Path(shared.config.part("fake").command(shared.config)[-1])
    switch.touch()
    fake = shared.status()[-1]
    switch.unlink()
    assert (fake.ready, fake.health.detail) == (False, "ledger: away")


def test_the_log_of_a_part_has_what_it_said(shared: Stack) -> None:
    assert "the service listens" in shared.log_tail("fake")


def test_an_unknown_part_is_refused_with_the_known_ones(shared: Stack) -> None:
    with pytest.raises(StackError, match=r"no part 'fakee'; known: redis, postgres, fake"):
        shared.stop_part("fakee")


def test_another_command_finds_the_stack_with_its_ports_and_settings(shared: Stack) -> None:
    found = Stack.attach(shared.config.state_dir)
    assert found
    assert found.config.ports == shared.config.ports
    assert found.config.environment == shared.config.environment


def test_data_survive_a_stop_and_nothing_else_does(stack: Stack) -> None:
    with stack:
        client = redis_of(stack)
        client.set("bus", "kept")
        client.close()
        query(stack, "CREATE TABLE kept (n int)")
        query(stack, "INSERT INTO kept VALUES (7)")
    no_trace_of(stack)
    with stack:
        client = redis_of(stack)
        assert client.get("bus") == "kept"
        client.close()
        assert query(stack, "SELECT n FROM kept") == [(7,)]


def test_removing_the_state_ends_and_removes_its_replays(stack: Stack, new_stack: NewStack) -> None:
    stack.config.layout.create()
    kept = new_stack(stack.config.layout.replays / "kept")
    kept.start()
    assert kept.wait_ready(30) is None
    assert stack.remove() == []
    assert kept.leftovers() == []
    assert not stack.config.state_dir.exists()


def test_removing_the_state_leaves_foreign_files(stack: Stack) -> None:
    with stack:
        pass
    (stack.config.state_dir / "notes.txt").touch()
    assert [path.name for path in stack.config.layout.remove()] == ["notes.txt"]
    (stack.config.state_dir / "notes.txt").unlink()
    assert stack.config.layout.remove() == []
    assert not stack.config.state_dir.exists()


def test_stopping_ends_what_a_killed_supervisor_left_even_stopped_processes(
    tmp_path: Path, new_stack: NewStack
) -> None:
    stack = new_stack(tmp_path / "state", a_service())
    stack.start()
    assert stack.wait_ready(30) is None
    for name in ("fake", "redis"):
        os.kill(stack.pid_of(name) or 0, signal.SIGSTOP)
    os.kill(int(stack.config.layout.supervisor_pid.read_text()), signal.SIGKILL)
    assert len(stack.stop()) >= 3
    no_trace_of(stack)


def test_stopping_ends_a_lost_process_that_does_not_listen(tmp_path: Path, new_stack: NewStack) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
    stack = new_stack(tmp_path / "state", a_program("deaf", deaf, Kind.SERVICE))
    stack.start()
    assert stack.wait_ready(30) is None
    eventually(lambda: stack.log_tail("deaf") == ["deaf"], lambda: stack.log_tail("deaf"))
    os.kill(int(stack.config.layout.supervisor_pid.read_text()), signal.SIGKILL)
    stack.stop()
    no_trace_of(stack)


def test_stopping_ends_a_supervisor_that_hangs(stack: Stack) -> None:
    stack.start()
    assert stack.wait_ready(30) is None
    os.kill(int(stack.config.layout.supervisor_pid.read_text()), signal.SIGSTOP)
    stack.stop()
    no_trace_of(stack)


def test_what_goes_on_without_its_supervisor_is_left_alone_until_a_part_ends(stack: Stack) -> None:
    """Supervisord cannot take over processes that it did not start."""
    stack.start()
    assert stack.wait_ready(30) is None
    redis_pid = stack.pid_of("redis")
    assert redis_pid
    os.kill(int(stack.config.layout.supervisor_pid.read_text()), signal.SIGKILL)
    eventually(lambda: not stack.running(), stack.leftovers)
    left = stack.leftovers()
    with pytest.raises(
        StackError, match=r"was killed or hangs\. Every part is healthy .* run `cdb down`, then `cdb up`"
    ):
        stack.start()
    assert stack.leftovers() == left
    os.kill(redis_pid, signal.SIGKILL)
    eventually(lambda: not psutil.pid_exists(redis_pid), stack.leftovers)
    stack.start()
    assert stack.wait_ready(30) is None


def test_a_taken_port_names_the_process_that_holds_it(stack: Stack) -> None:
    with socket.create_server(("127.0.0.1", stack.config.ports.redis)), pytest.raises(StackError) as refusal:
        stack.start()
    name = psutil.Process().name()
    port = stack.config.ports.redis
    assert str(refusal.value) == (
        f"port {port} (redis) is taken by {name} (pid {os.getpid()}): stop it, or set REDIS_PORT to a free port"
    )


def test_two_commands_at_once_are_refused_naming_the_other(stack: Stack) -> None:
    message = rf"the stack in {stack.config.state_dir} is in use by \S+ \(pid {os.getpid()}\)"
    for action in (stack.start, stack.stop, stack.remove):
        with Stack(stack.config).held(), pytest.raises(InUse, match=message):
            action()
    assert stack.leftovers() == []


def test_whoever_uses_a_stack_may_start_stop_and_remove_it(stack: Stack) -> None:
    with stack.held():
        with stack:
            assert redis_of(stack).ping()
        assert stack.remove() == []
    assert not stack.config.state_dir.exists()


def test_a_start_that_is_interrupted_leaves_nothing_running(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stack, "wait_ready", interrupt)
    with pytest.raises(KeyboardInterrupt), stack:
        pass
    no_trace_of(stack)


def test_the_state_of_a_copied_checkout_is_not_the_stack_that_runs(
    shared: Stack, tmp_path: Path, new_stack: NewStack
) -> None:
    """Its record, with ports and passwords, came along."""
    copy = tmp_path / "copy"
    shutil.copytree(shared.config.state_dir, copy, ignore=shutil.ignore_patterns("data", "*.sock"))
    assert Stack.attach(copy) is None
    assert new_stack(copy).stop() == []
    assert shared.wait_ready(20) is None


def test_a_stack_whose_state_directory_was_deleted_can_be_ended(stack: Stack) -> None:
    stack.start()
    assert stack.wait_ready(30) is None
    redis_pid = stack.pid_of("redis")
    assert redis_pid
    # Else it would end the servers, whose marks are overwritten.
    os.kill(int(stack.config.layout.supervisor_pid.read_text()), signal.SIGKILL)
    shutil.rmtree(stack.config.state_dir)
    stack.stop()
    assert not psutil.pid_exists(redis_pid)
    assert stack.leftovers() == []


@pytest.mark.parametrize("kind", ["file", "below a file"])
def test_a_state_directory_that_is_none_is_named(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "state"
    place.touch()
    stack = a_stack(place if kind == "file" else place / "x")
    assert (stack.status(), stack.stop(), Stack.attach(stack.config.state_dir)) == ((), [], None)
    with pytest.raises(StackError, match=rf"{stack.config.state_dir} cannot hold a stack: .*choose another"):
        stack.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_state_directory_of_another_user_is_refused_with_his_name(stack: Stack) -> None:
    stack.config.state_dir.mkdir()
    os.chown(stack.config.state_dir, 1, 1)
    name = pwd.getpwuid(1).pw_name
    with pytest.raises(StackError, match=rf"{stack.config.state_dir} belongs to {name}: run this command as that"):
        stack.start()


def test_a_preparation_that_was_killed_with_its_command_is_ended(stack: Stack) -> None:
    """An initdb that goes on would write into the next one's data."""
    stack.config.layout.create()
    prepare = f"""
from pathlib import Path
from cdb.running.native import StackConfig, select
from cdb.running.native.postgres import _run
config = StackConfig.isolated(Path("/"), Path({str(stack.config.state_dir)!r}), parts=select(("redis",)))
_run(["/bin/sleep", "600"], config, what="initdb")
"""
    with subprocess.Popen([sys.executable, "-c", prepare]) as command:
        eventually(lambda: len(stack.leftovers()) == 1, stack.leftovers)
        command.kill()
    assert len(stack.stop()) == 1


def test_a_half_made_cluster_is_made_again(stack: Stack) -> None:
    with stack:
        pass
    data = stack.config.part("postgres").data_dir
    assert data
    cluster = data(stack.config)
    cluster.rename(cluster.with_name("postgres.new"))  # as if killed before the rename
    with stack:
        assert query(stack, "SELECT 1") == [(1,)]
    assert not cluster.with_name("postgres.new").exists()


def test_a_pid_file_of_a_dead_server_does_not_block_the_start(stack: Stack) -> None:
    with stack:
        pass
    data = stack.config.part("postgres").data_dir
    assert data
    cluster = data(stack.config)
    stolen = subprocess.Popen(["sleep", "60"], user=cluster.stat().st_uid)
    try:
        (cluster / "postmaster.pid").write_text(f"{stolen.pid}\n{cluster}\n0\n1\n\n127.0.0.1\n")
        with stack:
            assert query(stack, "SELECT 1") == [(1,)]
    finally:
        stolen.kill()
        stolen.wait()


def test_a_new_password_is_taken_over_and_the_ledger_kept(stack: Stack) -> None:
    with stack:
        query(stack, "CREATE TABLE kept (n int)")
    password = 'it\'s \\ "new" % ; $1'
    changed = Stack(replace(stack.config, environment={**stack.config.environment, "POSTGRES_PASSWORD": password}))
    with changed:
        assert query(changed, "SELECT n FROM kept") == []
    no_trace_of(changed)


def test_secrets_with_odd_characters_work_in_a_path_with_odd_characters(tmp_path: Path, new_stack: NewStack) -> None:
    odd = "a'b\"c\\d%e ;f#g"
    settings = {"POSTGRES_PASSWORD": odd, "REDIS_PASSWORD": odd, "POSTGRES_USER": 'o"dd', "POSTGRES_DB": "o'd d"}
    state = tmp_path / "a b' \"c"
    with new_stack(state, **settings) as stack:
        assert query(stack, "SELECT 1") == [(1,)]


def test_a_deep_state_directory_works_and_is_left_clean(tmp_path: Path, new_stack: NewStack) -> None:
    stack = new_stack(tmp_path.joinpath(*["a-rather-long-name-of-a-directory"] * 5))
    with stack:
        assert stack.config.layout.short_run.stat().st_mode & 0o777 == 0o700
    no_trace_of(stack)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_the_ledger_moves_where_its_user_can_reach_it_and_goes_with_the_rest(
    tmp_path: Path, new_stack: NewStack
) -> None:
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    stack = new_stack(closed / "state")
    near, far = stack.config.layout.postgres_candidates
    with stack:
        assert query(stack, "SELECT 1") == [(1,)]
        assert not near.exists()
        assert far.with_name("belongs-to").read_text() == f"{stack.config.state_dir}\n"
    assert stack.config.layout.remove() == []
    assert not far.parent.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_a_ledger_is_not_lost_sight_of_when_its_state_directory_is_moved(tmp_path: Path, new_stack: NewStack) -> None:
    """It stays where its user can reach it; an empty one in its place would look like a loss of everything."""
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    with new_stack(closed / "state") as stack:
        query(stack, "CREATE TABLE kept (n int)")
    closed.rename(tmp_path / "moved")
    moved = new_stack(tmp_path / "moved" / "state", **stack.config.environment)
    with pytest.raises(StackError, match="was moved or copied") as refusal:
        moved.start()
    _, place, target = re.findall(r"`(mv) (\S+) (\S+)`", str(refusal.value))[0]
    shutil.move(place, target)
    with moved:
        assert query(moved, "SELECT n FROM kept") == []


def test_a_part_that_exits_again_and_again_fails_with_its_last_lines(tmp_path: Path, new_stack: NewStack) -> None:
    stack = new_stack(
        tmp_path / "state", a_program("broken", "raise SystemExit('MAX_POSITION_PCT=5 is wrong')", Kind.SERVICE)
    )
    stack.start()
    failure = stack.wait_ready(60)
    assert failure
    assert (failure.part, failure.log_tail[-1]) == ("broken", "MAX_POSITION_PCT=5 is wrong")
    assert failure.reason == "keeps exiting: MAX_POSITION_PCT=5 is wrong"
    assert stack.running()


def test_what_a_part_said_before_its_start_is_no_reason_of_its_failure(tmp_path: Path, new_stack: NewStack) -> None:
    stack = new_stack(tmp_path / "state", a_program("broken", "raise SystemExit('an old reason')", Kind.SERVICE))
    stack.start()
    assert stack.wait_ready(60)
    stack.stop()
    again = new_stack(tmp_path / "state", a_program("broken", "raise SystemExit('a new reason')", Kind.SERVICE))
    again.start()
    failure = again.wait_ready(60)
    assert failure
    assert {*failure.log_tail} == {"a new reason"}
    attached = Stack.attach(tmp_path / "state")
    assert attached
    assert {*attached.log_tail("broken")} == {"a new reason"}
    assert "an old reason" in again.config.layout.log("broken").read_text()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("", None),
        ("raise SystemExit(3)", "exit 3"),
        ("print('first'); raise SystemExit('the schema is newer')", "exit 1: the schema is newer"),
    ],
)
def test_a_one_shot_is_judged_by_its_exit(tmp_path: Path, new_stack: NewStack, code: str, reason: str | None) -> None:
    stack = new_stack(tmp_path / "state", a_program("migrate", code, Kind.ONE_SHOT))
    stack.start()
    failure = stack.wait_ready(60)
    assert (failure and (failure.part, failure.reason)) == (reason and ("migrate", reason))


def test_what_is_not_ready_in_time_says_what_its_probe_saw(shared: Stack) -> None:
    switch = Path(shared.config.part("fake").command(shared.config)[-1])
    switch.touch()
    failure = shared.wait_ready(1)
    switch.unlink()
    assert failure
    assert (failure.part, failure.reason) == ("fake", "not ready after 1 s: ledger: away")


def test_two_stacks_run_side_by_side(shared: Stack, stack: Stack) -> None:
    before = shared.pid_of("postgres")
    with stack:
        pass
    assert shared.pid_of("postgres") == before
    assert shared.wait_ready(10) is None
