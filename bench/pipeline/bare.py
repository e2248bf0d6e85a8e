"""The yardstick: the same hops with nothing, or with one commit, beside ours in one run.

Three processes relay JSON over Redis' pub/sub: no delivery guarantee, no checks, no telemetry, and no ledger or one row
of it. `python -m bench.pipeline.bare ROLE`, in the environment of a service, is one of them; it ends with its standard
input.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from bench.pipeline.latency import SETTINGS, TRADES_PER_SECOND, WARM_UP_S, compared, follow, to_order
from bench.pipeline.report import Aim, Distribution, Narrator, Section
from bench.stacks import ROOT, SERVICES, Bot, Lab
from services.bus.client import connect as connect_bus
from services.ledger.connection import LedgerAddress, connect
from services.settings import BusSettings, LedgerSettings, read

SIGNAL_EVERY: Final = 12
"""One trade in so many leads to an order, as it does with ours."""
AIMS: Final[Mapping[str, Mapping[str, Aim | None]]] = {
    "bare": {"p50": Aim("<", 1.3), "p95": Aim("<", 1.5)},
    "one commit": {"p50": None, "p95": None},
}
TABLE: Final = "CREATE TABLE bare_orders (number bigint PRIMARY KEY, symbol text, price numeric, placed_at timestamptz)"
INSERT: Final = "INSERT INTO bare_orders VALUES (%s, %s, %s, now())"


def measure(lab: Lab, narrator: Narrator, *, seconds: float, rounds: int) -> Section:
    """Follow orders for *seconds* of ours and of both relays, *rounds* times, in another order each time."""
    section = Section("Bare: our orders to those of a relay that does nothing else", SETTINGS)
    found: dict[str, list[Distribution]] = {"ours": [], "bare": [], "one commit": []}
    with lab.run("bare", SERVICES, SETTINGS) as bot:
        bot.query(TABLE)
        ways = {
            "ours": lambda: to_order(follow(bot, narrator, seconds, what="bare: ours")),
            "bare": lambda: _relayed(bot, narrator, seconds, "relay"),
            "one commit": lambda: _relayed(bot, narrator, seconds, "commit"),
        }
        for number in range(rounds):
            turn = number % len(ways)
            for name in (*found,)[turn:] + (*found,)[:turn]:
                found[name].append(ways[name]())
    section.rows = [
        {"round": number, "what": name, "orders": each.samples, "p50, ms": each.p50, "p95, ms": each.p95}
        for name, runs in found.items()
        for number, each in enumerate(runs, 1)
    ]
    for name, aims in AIMS.items():
        section.figures += compared(f"ours (committed) to {name}", found["ours"], found[name], aims)
    section.notes = ["bare: from the trade's message built to the order's message published; one commit: to its commit"]
    return section


def _relayed(bot: Bot, narrator: Narrator, seconds: float, last: str) -> Distribution:
    with ExitStack() as running:
        orders = running.enter_context(_program(bot, last))
        running.enter_context(_program(bot, "core"))
        with _program(bot, "market"):
            narrator.spend(WARM_UP_S, f"bare: {last}: warming up for {WARM_UP_S:g} s")
            warm = time.time_ns()
            narrator.spend(seconds, f"bare: {last}: measuring for {seconds:g} s")
        made = json.loads(orders.communicate(timeout=10)[0])
    return Distribution.of("", [(done - began) / 1e6 for began, done in made if began >= warm])


@contextmanager
def _program(bot: Bot, role: str) -> Iterator[subprocess.Popen[str]]:
    """One process of the relay; it ends with the block."""
    environment = {**os.environ, **bot.stack.config.process_environment()}
    with subprocess.Popen(
        [sys.executable, "-m", "bench.pipeline.bare", role],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdin is not None
        try:
            yield program
        finally:
            if not program.stdin.closed:
                program.stdin.close()


def _market(client: Any, ended: threading.Event) -> None:
    number, due = 0, time.monotonic()
    while not ended.wait(max(0.0, due - time.monotonic())):
        number, due = number + 1, due + 1 / TRADES_PER_SECOND
        trade = {"number": number, "symbol": "BTCUSDT", "price": "64000.5", "quantity": "0.01", "ts": time.time_ns()}
        client.publish("bare.trades", json.dumps(trade))


def _core(client: Any, ended: threading.Event) -> None:
    for trade in _messages(client, "bare.trades", ended):
        if trade["number"] % SIGNAL_EVERY == 0:
            client.publish("bare.signals", json.dumps({**trade, "side": "BUY"}))


def _risk(client: Any, ended: threading.Event, ledger: Any) -> None:
    orders = []
    for signal in _messages(client, "bare.signals", ended):
        if ledger:
            ledger.execute(INSERT, (time.time_ns(), signal["symbol"], signal["price"]))
        client.publish("bare.orders", json.dumps({**signal, "order": signal["number"]}))
        orders.append((signal["ts"], time.time_ns()))
    print(json.dumps(orders))


def _messages(client: Any, channel: str, ended: threading.Event) -> Iterator[dict[str, Any]]:
    heard = client.pubsub(ignore_subscribe_messages=True)
    heard.subscribe(channel)
    while not ended.is_set():
        if message := heard.get_message(timeout=0.5):
            yield json.loads(message["data"])


def _watch(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def main() -> None:
    """Be one of the three until standard input ends."""
    bus = read(BusSettings, os.environ)
    client = connect_bus(host=bus.redis_host, port=bus.redis_port, password=bus.redis_password.get_secret_value())
    ended = threading.Event()
    threading.Thread(target=_watch, args=(ended,), daemon=True).start()
    if sys.argv[1] == "market":
        _market(client, ended)
    elif sys.argv[1] == "core":
        _core(client, ended)
    elif sys.argv[1] == "relay":
        _risk(client, ended, None)
    else:
        connection = connect(LedgerAddress.of(read(LedgerSettings, os.environ)))
        connection.autocommit = True
        _risk(client, ended, connection.cursor())


if __name__ == "__main__":
    main()
