"""`python -m tests.exchange mexc`: an exchange on this machine, to run the bot against, until it is told to stop."""

import argparse
import asyncio
import itertools
import signal
import sys
import time
from typing import Final

from tests.exchange.binance import BinanceServer
from tests.exchange.faults import Faults
from tests.exchange.lively import LivelyTape
from tests.exchange.market import Market
from tests.exchange.mexc import MexcServer
from tests.exchange.schedule import random_faults
from tests.exchange.server import ExchangeServer

SERVERS: Final[dict[str, type[MexcServer | BinanceServer]]] = {"mexc": MexcServer, "binance": BinanceServer}
REST_KEEPS: Final = {"mexc": 1000, "binance": None}
REMEMBERED: Final = 100_000
PAST_S: Final = 600.0
PAST_DEALS: Final = 5_000
FAULTS_S: Final = 30.0
FAULTS_HELP: Final = """play up to three faults every 30 s, drawn from this seed on, and print them: connections that
are refused, cut or silent; frames that are broken, huge or sent twice; old trades again; subscriptions that
are refused; REST that is slow, wrong or refuses; a clock that is off"""


def main() -> int:
    """Run one exchange until SIGTERM or SIGINT."""
    return asyncio.run(_serve(_arguments()))


async def _serve(asked: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    market = Market(
        asked.symbols.split(","),
        rest_keeps=REST_KEEPS[asked.exchange],
        skew_s=asked.skew,
        first_id=time.time_ns() // 10_000,  # higher than any id of an earlier run
        remembers=REMEMBERED,
    )
    tape = LivelyTape(market, seed=asked.seed, rate=asked.rate, pace=asked.pace)
    tape.play_past(min(PAST_S, PAST_DEALS / asked.rate))
    server = SERVERS[asked.exchange](market, Faults(), ws_port=asked.ws_port, rest_port=asked.rest_port)
    await server.start()
    playing = [asyncio.ensure_future(tape.run())]
    if asked.faults is not None:
        playing.append(asyncio.ensure_future(_fail(server, asked.faults)))
    sys.stdout.write(f"{how_to_use(server)}\n")
    sys.stdout.flush()
    await stop.wait()
    for task in playing:
        task.cancel()
    await asyncio.gather(*playing, return_exceptions=True)
    await server.stop()
    return 0


async def _fail(server: ExchangeServer, seed: int) -> None:
    """Let one schedule of faults follow another, and print each of them."""
    for number in itertools.count(seed):
        schedule = random_faults(number, lasts_s=FAULTS_S, most=3, longest_s=FAULTS_S / 3)
        sys.stdout.write(f"seed {number}:\n{schedule}\n")
        sys.stdout.flush()
        await schedule.run(server)


def how_to_use(server: ExchangeServer) -> str:
    """Where it is, and the command that starts the bot on it."""
    name = server.name.upper()
    urls = f"{name}_WS_URL={server.ws_url} {name}_REST_URL={server.rest_url}"
    bot = f"CDB_SOURCE={server.name} CDB_SYMBOLS={','.join(server.market.listings)} {urls} make up"
    return f"{server.name} at {server.ws_url} and {server.rest_url}; {bot}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.exchange", description=__doc__)
    parser.add_argument("exchange", choices=SERVERS)
    parser.add_argument("--ws-port", type=int, default=9001, help="0 is any free one (default: 9001)")
    parser.add_argument("--rest-port", type=int, default=9002, help="0 is any free one (default: 9002)")
    parser.add_argument("--symbols", default="BTCUSDT,ETHUSDT", help="comma-separated (default: BTCUSDT,ETHUSDT)")
    parser.add_argument("--rate", type=float, default=20.0, help="deals per second, of all symbols (default: 20)")
    parser.add_argument("--pace", type=float, default=1.0, help="how many times faster prices swing (default: 1)")
    parser.add_argument("--seed", type=int, default=1, help="decides prices and quantities (default: 1)")
    parser.add_argument("--skew", type=float, default=0.0, help="seconds its clock is ahead of ours (default: 0)")
    parser.add_argument("--faults", type=int, metavar="SEED", help=FAULTS_HELP)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
