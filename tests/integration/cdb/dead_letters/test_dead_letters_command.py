"""`cdb dead-letters` on a real Redis, with letters that the services' own bus wrote."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from services.bus.entries import KEPT_BYTES, DeadEntry, Entry
from services.bus.streams import RedisBus
from services.clock import WallClock
from services.messages import MarketData, encode
from services.topology import MARKET_DATA, ORDERS
from tests.support.cli import on_a_terminal, run_cdb
from tests.support.operators import answering
from tests.support.servers import Database
from tests.support.trading import TradingDay

pytestmark = pytest.mark.integration

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
A_TRADE = encode(
    MarketData(
        ts_event=1,
        ts_init=1,
        symbol="DOGEUSDT",
        trade_id=1,
        side="BUY",
        price=Decimal("0.1"),
        quantity=Decimal(1),
        source="test",
        feed=1,
        sequence=1,
    )
)
PutAside = Callable[..., str]


@pytest.fixture
def environment(database: Database) -> Iterator[dict[str, str]]:
    """Give the environment of a stack whose cdb_risk answers operators."""
    day = TradingDay(database)
    with answering(day) as desk:
        yield desk.environment()
    day.close()


@pytest.fixture
def put_aside(bus_client: Any) -> PutAside:
    """Let a group put an entry aside, as its consumer does; return the letter's id."""

    def aside(data: bytes, *, stream: str = MARKET_DATA, group: str = "cdb_risk", entry: str | None = None) -> str:
        bus = RedisBus(bus_client, group=group, consumer=group, clock=WallClock())
        bus.make_groups([stream])
        entry_id = entry or bus_client.xadd(stream, {"data": data, "traceparent": TRACE}).decode()
        dead = DeadEntry(Entry(stream, entry_id, data, TRACE), "bad_message", "no \x1b[31mgood\r\nat all")
        bus.commit([], [], [dead])
        return str(bus_client.xrevrange("dead_letters", count=1)[0][0].decode())

    return aside


def data_of(client: Any, stream: str) -> list[bytes]:
    return [fields[b"data"] for _, fields in client.xrange(stream)]


def test_without_dead_letters_the_list_says_so(bus_client: Any, environment: dict[str, str]) -> None:
    assert bus_client.dbsize() == 0
    said = run_cdb("dead-letters", "list", environment=environment)
    assert (said.returncode, said.stdout) == (0, "There are no dead letters.\n")
    assert json.loads(run_cdb("dead-letters", "list", "--json", environment=environment).stdout) == {
        "total": 0,
        "letters": [],
    }


def test_the_list_shows_the_newest_oldest_first(put_aside: PutAside, environment: dict[str, str]) -> None:
    ids = [put_aside(f"garbage {n}".encode()) for n in range(3)]
    found = json.loads(run_cdb("dead-letters", "list", "--count", "2", "--json", environment=environment).stdout)
    assert found["total"] == 3
    assert [letter["id"] for letter in found["letters"]] == ids[1:]
    assert found["letters"][0]["stream"] == "market_data"
    assert (found["letters"][0]["group"], found["letters"][0]["size"]) == ("cdb_risk", 9)
    shown = run_cdb("dead-letters", "list", "--count", "2", environment=environment).stdout
    assert ids[2] in shown
    assert "1 older dead letters are not shown" in shown


def test_control_characters_never_reach_the_terminal(put_aside: PutAside, environment: dict[str, str]) -> None:
    letter = put_aside("\x1b]0;owned\x07 \x9b31m \u202egnp.exe [bold]".encode())
    for arguments in (("list",), ("show", letter)):
        said = run_cdb("dead-letters", *arguments, environment=environment).stdout
        assert not [c for c in said if c != "\n" and not c.isprintable()], ascii(said)
        assert "\\x1b[31mgood\\x0d\\x0aat all" in said
    assert "\\x1b]0;owned\\x07 \\x9b31m \\u202egnp.exe [bold]" in said


def test_json_is_shown_indented_and_bytes_as_hex(put_aside: PutAside, environment: dict[str, str]) -> None:
    as_json = run_cdb("dead-letters", "show", put_aside(A_TRADE), environment=environment).stdout
    assert '\n  "symbol": "DOGEUSDT",\n' in as_json
    assert TRACE in as_json
    as_hex = run_cdb("dead-letters", "show", put_aside(b"\xff\x00\x1b"), environment=environment).stdout
    assert "000000  ff 00 1b" in as_hex


def test_show_in_json_gives_every_byte(put_aside: PutAside, environment: dict[str, str]) -> None:
    found = json.loads(
        run_cdb("dead-letters", "show", put_aside(b"\xff\x00"), "--json", environment=environment).stdout
    )
    assert (found["data"], found["encoding"], found["traceparent"]) == ("/wA=", "base64", TRACE)


@pytest.mark.parametrize(
    "nested", [b"[" * 60_000, b'{"a":' * 10_000, b'"\\u001b\\ud800"', b"NaN", b"", b"\xef\xbb\xbf{}"]
)
def test_whatever_is_in_a_letter_can_be_shown(put_aside: PutAside, environment: dict[str, str], nested: bytes) -> None:
    said = run_cdb("dead-letters", "show", put_aside(nested), environment=environment)
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("data", [A_TRADE, "ünïcode \x1b".encode(), b"\xff\xfe\x00", b""])
def test_a_resent_message_is_the_same_to_the_byte(
    put_aside: PutAside, bus_client: Any, environment: dict[str, str], data: bytes
) -> None:
    letter = put_aside(data)
    bus_client.xtrim(MARKET_DATA, maxlen=0)
    said = run_cdb("dead-letters", "resend", letter, environment=environment)
    assert said.returncode == 0, said.stderr
    ((entry_id, fields),) = bus_client.xrange(MARKET_DATA)
    assert fields == {b"data": data, b"traceparent": TRACE.encode()}
    entry = entry_id.decode()
    assert said.stdout == f"{letter} was resent to market_data as {entry}, not yet processed by cdb_risk\n"
    assert bus_client.xlen("dead_letters") == 0


@pytest.mark.parametrize("columns", [120, 80, 60])
def test_each_letter_has_a_line_and_its_detail_another_however_narrow(
    put_aside: PutAside, environment: dict[str, str], columns: int
) -> None:
    ids = [put_aside(f"garbage {n}".encode(), group=group) for n, group in enumerate(("cdb_core", "cdb_risk"))]
    place = {"PATH": os.environ["PATH"], **environment, "CDB_STATE_DIR": "/nonexistent"}
    said = on_a_terminal("dead-letters", "list", environment=place, columns=columns)
    _, first, detail, second, _ = said.stdout.splitlines()
    assert (first.split()[0], second.split()[0]) == (ids[0], ids[1])
    assert detail == "    9 bytes: no \\x1b[31mgood\\x0d\\x0aat all"
    assert max(map(len, (first, second))) <= columns


def test_a_piped_list_has_the_whole_detail(put_aside: PutAside, environment: dict[str, str]) -> None:
    put_aside(b"garbage")
    said = run_cdb("dead-letters", "list", environment=environment)
    assert said.stdout.splitlines()[2] == "    7 bytes: no \\x1b[31mgood\\x0d\\x0aat all"


def test_letters_are_discarded_and_others_stay(
    put_aside: PutAside, bus_client: Any, environment: dict[str, str]
) -> None:
    ids = [put_aside(b"one"), put_aside(b"two"), put_aside(b"three")]
    messages = data_of(bus_client, MARKET_DATA)
    asked = run_cdb("dead-letters", "discard", ids[0], environment=environment)
    assert (asked.returncode, bus_client.xlen("dead_letters")) == (1, 3)
    assert f"`cdb dead-letters discard {ids[0]} --yes` runs without asking" in asked.stderr
    said = run_cdb("dead-letters", "discard", ids[0], ids[2], "--yes", environment=environment)
    assert (said.returncode, said.stdout) == (0, "deleted 2 dead letters\n")
    assert [entry_id.decode() for entry_id, _ in bus_client.xrange("dead_letters")] == [ids[1]]
    assert data_of(bus_client, MARKET_DATA) == messages


def test_all_are_discarded_also_what_cannot_be_read(
    put_aside: PutAside, bus_client: Any, environment: dict[str, str]
) -> None:
    put_aside(b"one")
    bus_client.xadd("dead_letters", {"data": b"what is this"})
    said = run_cdb("dead-letters", "discard", "--all", "--yes", "--json", environment=environment)
    assert (said.returncode, said.stdout) == (0, '{"discarded":2}\n')
    nothing = run_cdb("dead-letters", "discard", "--all", environment=environment)
    assert (nothing.returncode, nothing.stdout) == (0, "deleted 0 dead letters\n")


@pytest.mark.parametrize("handled", [True, False])
def test_a_message_that_comes_back_is_said(
    put_aside: PutAside, bus_client: Any, environment: dict[str, str], handled: bool
) -> None:
    """The reader puts aside again what it cannot read; what it can read is only read."""
    letter = put_aside(b"garbage")
    bus = RedisBus(bus_client, group="cdb_risk", consumer="cdb_risk", clock=WallClock())
    bus.make_groups([MARKET_DATA])
    bus.read([MARKET_DATA], count=10, block_ms=1)
    stop = threading.Event()

    def read_on() -> None:
        while not stop.is_set():
            found = bus.read([MARKET_DATA], count=10, block_ms=50)
            dead = [] if handled else [DeadEntry(one, "bad_message", "not JSON") for one in found]
            bus.commit(found if handled else [], [], dead)

    reader = threading.Thread(target=read_on)
    reader.start()
    said = run_cdb("dead-letters", "resend", letter, environment=environment)
    stop.set()
    reader.join()
    back = [entry_id.decode() for entry_id, _ in bus_client.xrange("dead_letters")]
    assert said.stdout.endswith(", read by cdb_risk\n")
    assert said.returncode == (0 if handled else 1)
    assert said.stderr == "".join(
        f"cdb: {letter} came back as {one}, cdb_risk could not process it: not JSON; "
        f"`cdb dead-letters discard {one}` deletes it\n"
        for one in back
    )
    assert len(back) == (0 if handled else 1)


def test_letters_of_two_groups_about_one_message_are_settled_together(
    put_aside: PutAside, bus_client: Any, environment: dict[str, str]
) -> None:
    entry = bus_client.xadd(MARKET_DATA, {"data": A_TRADE, "traceparent": ""}).decode()
    first = put_aside(A_TRADE, group="cdb_core", entry=entry)
    second = put_aside(A_TRADE, group="cdb_risk", entry=entry)
    found = json.loads(run_cdb("dead-letters", "resend", first, "--json", environment=environment).stdout)
    assert found["resent"][0]["settled"] == [first, second]
    assert found["resent"][0]["groups"] == ["cdb_core", "cdb_risk"]
    assert bus_client.xlen("dead_letters") == 0
    assert len(data_of(bus_client, MARKET_DATA)) == 2


def test_all_are_resent_and_what_cannot_be_stays(
    put_aside: PutAside, bus_client: Any, environment: dict[str, str]
) -> None:
    put_aside(b"one")
    too_large = put_aside(b"x" * (KEPT_BYTES + 1))
    put_aside(b"two", stream=ORDERS)
    foreign = bus_client.xadd("dead_letters", {"data": b"what is this"}).decode()
    bus_client.xtrim(MARKET_DATA, maxlen=0)
    bus_client.xtrim(ORDERS, maxlen=0)
    said = run_cdb("dead-letters", "resend", "--all", environment=environment)
    assert said.returncode == 1
    assert said.stderr.splitlines() == [
        f"cdb: {too_large} is incomplete: only {KEPT_BYTES} of its {KEPT_BYTES + 1} bytes were stored",
        f"cdb: {foreign} is not a dead letter that this version can read",
    ]
    assert (data_of(bus_client, MARKET_DATA), data_of(bus_client, ORDERS)) == ([b"one"], [b"two"])
    assert [entry_id.decode() for entry_id, _ in bus_client.xrange("dead_letters")] == [too_large, foreign]


def test_a_letter_stays_if_its_message_cannot_be_put_back(
    put_aside: PutAside, bus_client: Any, environment: dict[str, str]
) -> None:
    letter = put_aside(b"one")
    bus_client.delete(MARKET_DATA)
    bus_client.set(MARKET_DATA, "no stream")
    said = run_cdb("dead-letters", "resend", letter, environment=environment)
    assert said.returncode == 3
    assert "WRONGTYPE" in said.stderr
    assert len(said.stderr.splitlines()) == 1
    assert bus_client.xlen("dead_letters") == 1


def test_a_letter_of_no_stream_of_ours_is_refused(
    put_aside: PutAside, bus_client: Any, environment: dict[str, str]
) -> None:
    letter = put_aside(b"one", stream="elsewhere")
    said = run_cdb("dead-letters", "resend", letter, environment=environment)
    assert said.returncode == 1
    assert "'elsewhere', which is not a message stream" in said.stderr
    assert bus_client.xlen("dead_letters") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "1-1"), "there is no dead letter 1-1"),
        (("show", "x\x1b"), "is not an ID: it must look like 1700000000000-0"),
        (("resend", "1-1"), "there is no dead letter 1-1"),
        (("discard", "1-1", "--yes"), "there is no dead letter 1-1"),
    ],
)
def test_an_unknown_letter_is_one_line(
    bus_client: Any, environment: dict[str, str], arguments: tuple[str, ...], says: str
) -> None:
    assert bus_client.dbsize() == 0
    said = run_cdb("dead-letters", *arguments, environment=environment)
    assert said.returncode == 1
    assert says in said.stderr
    assert len(said.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["resend", "discard"])
def test_either_names_are_given_or_all(environment: dict[str, str], command: str) -> None:
    assert run_cdb("dead-letters", command, environment=environment).returncode == 2
    assert run_cdb("dead-letters", command, "1-1", "--all", environment=environment).returncode == 2


def test_an_unreachable_redis_is_one_line_and_exit_code_3(environment: dict[str, str]) -> None:
    said = run_cdb("dead-letters", "list", environment={**environment, "REDIS_PORT": "1"})
    assert said.returncode == 3
    assert len(said.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "command",
    [
        "audit",
        "breaker status",
        "breaker trip",
        "breaker reset",
        "flatten",
        "dead-letters list",
        "dead-letters show",
        "dead-letters resend",
        "dead-letters discard",
    ],
)
def test_every_command_explains_itself_with_an_example_and_its_exit_codes(command: str) -> None:
    said = run_cdb(*command.split(), "--help", environment={})
    assert said.returncode == 0
    assert f"Example: cdb {command}" in said.stdout
    assert "Exit code: 0" in said.stdout
