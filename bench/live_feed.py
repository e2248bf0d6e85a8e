"""How much processor time a live source needs for a trade, from the frame to what cdb_ws publishes, decoding included.

`python -m bench.live_feed [mexc|binance]`: a stand-in exchange in a process of its own sends at each of several rates,
and the source runs here, as in cdb_ws. "load" is processor seconds per second: below 1 it keeps up on one core.
"""

import argparse
import subprocess
import sys
import threading
import time
from contextlib import suppress

from services import plugins
from services.ws import sources
from services.ws.live_source import LiveSource
from services.ws.sources.port import Source, SourceWaits

SYMBOLS = tuple(f"S{number:02d}USDT" for number in range(30))
RATES = (200, 2_000, 20_000)
SECONDS = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exchange", nargs="?", choices=["mexc", "binance"], default="mexc")
    exchange = parser.parse_args().exchange
    print(f"{exchange}, {len(SYMBOLS)} symbols, {SECONDS:.0f} s each")
    print(f"{'sent/s':>8} {'taken/s':>8} {'load':>6} {'us/trade':>9} {'behind s':>9}")
    for rate in RATES:
        print(measured(exchange, rate))


def measured(exchange: str, rate: int) -> str:
    """One line of the table."""
    command = [sys.executable, "-m", "tests.exchange", exchange, "--rate", str(rate), "--symbols", ",".join(SYMBOLS)]
    with subprocess.Popen(
        [*command, "--ws-port", "0", "--rest-port", "0"], stdout=subprocess.PIPE, text=True
    ) as stand_in:
        try:
            assert stand_in.stdout is not None
            _, _, ws_url, _, rest_url = stand_in.stdout.readline().split(";")[0].split()
            return _line(source_of(exchange, ws_url, rest_url), rate)
        finally:
            stand_in.terminate()


def source_of(exchange: str, ws_url: str, rest_url: str) -> Source:
    kind: type[LiveSource] = plugins.find(sources, exchange, "SOURCE")
    return kind(kind.settings(ws_url=ws_url, rest_url=rest_url), SYMBOLS)


def _line(source: Source, rate: int) -> str:
    source.start_from([])
    stop = threading.Event()
    _read(source, stop, 3.0)
    began, used = time.monotonic(), time.process_time()
    taken, newest_ns = _read(source, stop, SECONDS)
    took_s, used_s = time.monotonic() - began, time.process_time() - used
    behind_s = time.time() - newest_ns / 1e9
    return f"{rate:8d} {taken / took_s:8.0f} {used_s / took_s:6.2f} {used_s / max(1, taken) * 1e6:9.1f} {behind_s:9.2f}"


def _read(source: Source, stop: threading.Event, seconds: float) -> tuple[int, int]:
    end = time.monotonic() + seconds
    taken = newest_ns = 0
    while time.monotonic() < end:
        with suppress(SourceWaits):
            for trade in source.next(stop) or ():
                taken += 1
                newest_ns = trade.ts_event  # type: ignore[union-attr]
    return taken, newest_ns


if __name__ == "__main__":
    main()
