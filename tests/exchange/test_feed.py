"""Single things that exchanges and networks do, each against the stand-in, and what the feed makes of them."""

import asyncio
import ssl
import subprocess
import time
from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog

from services.clock import WallClock
from services.ws.exchange.answers import Answers
from services.ws.exchange.rest import Rest, RestAway
from services.ws.live_source import refuse_unknown
from services.ws.sources.mexc import MexcSettings, MexcSource
from services.ws.sources.port import SourceRefused
from services.ws.trades import TradeCheck
from telemetry.setup import get_metrics
from tests.exchange.binance import BinanceServer
from tests.exchange.faults import ALL
from tests.exchange.feeds import QUICK, SYMBOLS, Run, running_feed, settled, until
from tests.exchange.market import Market
from tests.exchange.tape import Tape

EXCHANGES = pytest.mark.parametrize("name", ["mexc", "binance"])


def play(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scene, 60))


async def given(run: Run, more: int = 1) -> None:
    """Wait for *more* trades."""
    before = len(run.given)
    assert await until(lambda: len(run.given) >= before + more, within_s=10), run.states


@EXCHANGES
def test_a_second_connection_takes_over_before_the_first_must_end(name: str) -> None:
    async def scene() -> None:
        run = Run.new(name)
        async with running_feed(run, timing=replace(QUICK, lifetime_s=0.4)):
            assert await until(lambda: len(run.server.record.opened) >= 4, within_s=20)
            assert await settled(run) == ""
        assert set(run.states) == {""}, "there was always a connection"

    play(scene())


def test_an_announced_end_is_no_loss() -> None:
    """Only Binance announces it."""

    async def scene() -> None:
        run = Run.new("binance")
        async with running_feed(run):
            await given(run)
            run.server.faults.shutdown_notice_s = 0.5
            assert await until(lambda: len(run.server.record.opened) >= 2, within_s=10)
            await asyncio.sleep(0.6)
            assert await settled(run) == ""
        assert set(run.states) == {""}

    play(scene())


@EXCHANGES
@pytest.mark.parametrize("skew_s", [-3600.0, -2.0, 0.1, 7.0])
def test_times_are_by_our_clock_whatever_the_exchange_s_shows(name: str, skew_s: float) -> None:
    """So nothing is refused as from the future, and nothing looks stale."""

    async def scene() -> None:
        run = Run.new(name, skew_s=skew_s)
        async with running_feed(run):
            await given(run)
            await asyncio.sleep(0.5)
            run.given.clear()
            await given(run, 30)
            ages = [time.time() - trade.ts_event / 1e9 for trade in run.given]
            check = TradeCheck(SYMBOLS, WallClock())
            refused = [refusal for trade in run.given if (refusal := check.objection(trade))]
        assert -0.5 < min(ages) <= max(ages) < 3
        assert refused == []

    play(scene())


def test_a_refused_symbol_does_not_harm_the_others_and_joins_when_it_is_taken() -> None:
    """Binance accepts any name."""

    async def scene() -> None:
        run = Run.new("mexc")
        run.server.faults.refused = frozenset({"ETHUSDT"})
        async with running_feed(run) as feed:
            await given(run, 20)
            assert {trade.symbol for trade in run.given} == {"BTCUSDT"}
            assert await until(lambda: feed.not_subscribed == {"ETHUSDT"}, within_s=10)
            run.server.faults.heal()
            assert await until(lambda: any(trade.symbol == "ETHUSDT" for trade in run.given), within_s=10)
            assert feed.not_subscribed == set()
            assert await settled(run) == ""

    play(scene())


def test_one_trade_from_the_future_spoils_nothing() -> None:
    async def scene() -> None:
        run = Run.new("mexc")
        async with running_feed(run):
            await given(run, 60)
            before = counted("cdb_feed_frames_unreadable_total")
            deals = run.market.listings["BTCUSDT"].deals
            right = deals[-1]
            deals[-1] = right._replace(time_ns=right.time_ns + 10**9 * 10**6)
            run.server.faults.again_on_subscribe, run.server.faults.drop = 1, "reset"
            assert await until(lambda: counted("cdb_feed_frames_unreadable_total") > before, within_s=10)
            deals[:] = [right if deal.time_ns > right.time_ns + 10**9 * 10**3 else deal for deal in deals]
            run.server.faults.heal()
            run.given.clear()
            await given(run, 60)
        assert sum(trade.late for trade in run.given if trade.symbol == "BTCUSDT") < 30

    play(scene())


def test_more_symbols_than_one_connection_takes_get_more_connections() -> None:
    async def scene() -> None:
        run = Run.new("mexc", rate=300.0, symbols=tuple(f"S{number}USDT" for number in range(65)))
        async with running_feed(run, [*run.market.listings]):
            assert await until(lambda: {trade.symbol for trade in run.given} == {*run.market.listings}, within_s=20)
        assert len(run.server.record.opened) == 3
        assert run.server.record.most_messages() <= 100

    play(scene())


@EXCHANGES
def test_a_silent_connection_is_looked_into_and_opened_again(name: str) -> None:
    async def scene() -> None:
        run = Run.new(name)
        async with running_feed(run):
            await given(run, 20)
            run.server.faults.silent = ALL
            assert await until(lambda: "silent" in run.states[-1], within_s=10)
            run.server.faults.heal()
            assert await settled(run) == ""

    play(scene())


@EXCHANGES
def test_a_subscription_that_nobody_answers_is_a_dead_connection(name: str) -> None:
    async def scene() -> None:
        run = Run.new(name)
        run.server.faults.silent, run.server.faults.no_acks = ALL, True
        async with running_feed(run):
            assert await until(lambda: len(run.server.record.opened) >= 2, within_s=20)
            run.server.faults.heal()
            assert await settled(run) == ""
        assert any(state.startswith("no answer to the subscription of BTCUSDT") for state in run.states)

    play(scene())


@EXCHANGES
def test_a_quiet_market_is_no_dead_connection(name: str) -> None:
    async def scene() -> None:
        run = Run.new(name)
        async with running_feed(run):
            await given(run, 20)
            run.tape.rate = 0.0
            asked = len(run.server.record.calls)
            assert await until(lambda: len(run.server.record.calls) >= asked + 4, within_s=10), "REST was not asked"
        assert len(run.server.record.opened) == 1
        assert set(run.states) == {""}

    play(scene())


@EXCHANGES
@pytest.mark.parametrize(("status", "pause_s"), [(429, 1), (418, 2), (403, 2)])
def test_nothing_is_asked_for_as_long_as_the_exchange_says(name: str, status: int, pause_s: int) -> None:
    async def scene() -> None:
        run = Run.new(name)
        await run.server.start()
        run.server.faults.rest_status, run.server.faults.retry_after_s = status, pause_s
        exchange = run.exchange()
        async with Rest(exchange) as rest:
            with pytest.raises(RestAway, match=str(status)):
                await rest.get(exchange.time_path)
            run.server.faults.heal()
            with pytest.raises(RestAway, match=f"asking again in {pause_s} s"):
                await rest.get(exchange.time_path)
            assert len(run.server.record.calls) == 1
            assert await until_answered(rest, exchange.time_path)
        first, *_, last = run.server.record.calls
        assert last.at - first.at >= pause_s
        await run.server.stop()

    play(scene())


@EXCHANGES
@pytest.mark.parametrize("fault", ["huge_bytes", "broken", "wrong_type", "unknown_kind", "rest_body", "refuse_upgrade"])
def test_what_cannot_be_read_is_counted_and_survived(name: str, fault: str) -> None:
    values = {"huge_bytes": 10_000_000, "rest_body": "html", "refuse_upgrade": 502}

    async def scene() -> None:
        run = Run.new(name)
        async with running_feed(run):
            await given(run, 20)
            setattr(run.server.faults, fault, values.get(fault, True))
            run.server.faults.drop = "" if fault in {"huge_bytes", "broken", "wrong_type", "unknown_kind"} else "reset"
            await asyncio.sleep(0.7)
            run.server.faults.heal()
            assert await settled(run) == ""

    before = counted("cdb_feed_frames_unreadable_total")
    play(scene())
    if fault not in {"rest_body", "refuse_upgrade"} and (fault, name) != ("wrong_type", "binance"):
        assert counted("cdb_feed_frames_unreadable_total") > before


@pytest.mark.parametrize(
    ("certificate", "trusted", "said"),
    [
        ("", False, ""),
        ("IP:127.0.0.1", False, "CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"),
        ("DNS:elsewhere", True, "CERTIFICATE_VERIFY_FAILED] certificate verify failed: IP address mismatch"),
        ("IP:127.0.0.1", True, "did not receive a valid HTTP response"),
    ],
)
def test_a_wrong_certificate_is_a_reason(
    certificate: str, trusted: bool, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No TLS where there should be, a certificate of nobody we know, one for another host; and a good one passes."""

    async def scene() -> None:
        run = Run.new("mexc")
        await run.server.start()
        port = int(run.server.ws_url.split(":")[2].split("/")[0])
        relay = None
        if certificate:
            relay = await asyncio.start_server(_hang_up, "127.0.0.1", 0, ssl=self_signed(tmp_path, certificate))
            port = relay.sockets[0].getsockname()[1]
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        feed = run.feed(ws_url=f"wss://127.0.0.1:{port}/ws")
        feeding = asyncio.create_task(feed.run(SYMBOLS))
        assert await until(lambda: bool(run.states), within_s=10)
        assert run.states[-1].startswith(f"cannot connect to wss://127.0.0.1:{port}/ws: ")
        assert said in run.states[-1]
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        if relay:
            relay.close()
        await run.server.stop()

    play(scene())


@EXCHANGES
def test_compressed_frames_are_read(name: str) -> None:
    async def scene() -> None:
        run = Run.new(name, deflate=True)
        async with running_feed(run):
            await given(run, 100)
            assert all(line.protocol.extensions for line in run.server.lines)
            assert await settled(run) == ""

    play(scene())


def test_symbols_that_the_exchange_does_not_have_are_refused_with_near_ones() -> None:
    async def scene() -> None:
        run = Run.new("mexc")
        await run.server.start()
        with pytest.raises(SourceRefused) as refused:
            await asyncio.to_thread(refuse_unknown, run.exchange(), ("BTCUSDT", "BTCUSD", "XYZ"))
        assert str(refused.value) == (
            "CDB_SYMBOLS is refused: mexc does not have BTCUSD (did you mean BTCUSDT or ETHUSDT?), XYZ"
        )
        await run.server.stop()

    play(scene())


@EXCHANGES
def test_a_symbol_that_the_exchange_has_paused_is_told(name: str) -> None:
    async def scene() -> None:
        run = Run.new(name)
        run.market.listings["ETHUSDT"].status = "paused"
        async with running_feed(run):
            await given(run, 60)
            assert counted("cdb_exchange_symbol_trading", '"BTCUSDT"') == 1
            assert counted("cdb_exchange_symbol_trading", '"ETHUSDT"') == 0

    play(scene())


def test_an_exchange_that_cannot_be_asked_refuses_nothing() -> None:
    source = MexcSource(MexcSettings(ws_url="ws://127.0.0.1:1", rest_url="http://127.0.0.1:1"), ("BTCUSD",))
    assert source.warning.startswith("REST of mexc does not answer: /api/v3/exchangeInfo: ")


@EXCHANGES
def test_rest_that_does_not_answer_is_told_until_it_does(name: str) -> None:
    """Trades still come."""

    async def scene() -> None:
        run = Run.new(name)
        run.server.faults.rest_status = 404
        async with running_feed(run) as feed:
            await given(run, 20)
            assert await until(lambda: bool(feed.warning), within_s=10)
            assert feed.warning.startswith(f"REST of {name} does not answer: /api/v3/")
            assert feed.warning.endswith(": answered 404")
            assert run.states[-1] == ""
            run.server.faults.heal()
            assert await until(lambda: not feed.warning, within_s=20)

    play(scene())


def test_an_answer_of_another_path_takes_nothing_back() -> None:
    """Each path has its own reason, and a pause that the exchange asked for is none of its own."""

    async def scene() -> None:
        run = Run.new("mexc")
        await run.server.start()
        exchange = run.exchange()
        answers = Answers(Rest(exchange), "mexc")
        async with answers.rest:
            run.server.faults.rest_status, run.server.faults.retry_after_s = 429, 1
            with pytest.raises(RestAway):
                await answers.get(exchange.listing_path, exchange.read_listing)
            with pytest.raises(RestAway, match="asking again"):
                await answers.get(exchange.listing_path, exchange.read_listing)
            run.server.faults.heal()
            assert await until_answered(answers.rest, exchange.time_path)
            await answers.get(exchange.time_path, exchange.read_time)
            assert answers.warning == "REST of mexc does not answer: /api/v3/exchangeInfo: answered 429"
            await answers.get(exchange.listing_path, exchange.read_listing)
            assert answers.warning == ""
        await run.server.stop()

    play(scene())


def test_the_clock_is_compared_again_after_a_reconnection_and_its_correction_is_logged() -> None:
    """Not only after the minute that lies between two comparisons."""

    async def scene() -> None:
        run = Run.new("mexc")
        with structlog.testing.capture_logs() as lines:
            async with running_feed(run):
                await given(run, 20)
                run.market.skew_s = 7.0
                run.server.faults.drop = "reset"
                assert await until(lambda: run.states[-1] != "", within_s=10)
                run.server.faults.heal()
                assert await until(lambda: any(line["event"] == "clock corrected" for line in lines), within_s=15)
        (line,) = [line for line in lines if line["event"] == "clock corrected"]
        assert (line["before_s"], line["correction_s"]) == (0.0, pytest.approx(-7.0, abs=0.5))

    play(scene())


def test_what_rest_tells_is_history_and_what_a_connection_tells_is_not() -> None:
    """The age of history says nothing of how fast trades arrive."""

    async def scene() -> None:
        run = Run.new("mexc")
        past = sum(len(run.market.deals(symbol)) for symbol in SYMBOLS)
        async with running_feed(run):
            await given(run, past + 50)
        assert sum(trade.history for trade in run.given) >= past - 1
        assert not all(trade.history for trade in run.given)

    play(scene())


def test_a_path_that_no_exchange_has_is_told_with_the_usual_address() -> None:
    async def scene() -> None:
        run = Run.new("mexc")
        await run.server.start()
        feeding = asyncio.create_task(run.feed(ws_url=f"{run.server.ws_url}/wrong").run(SYMBOLS))
        assert await until(lambda: bool(run.states), within_s=10)
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        await run.server.stop()
        assert run.states[-1].endswith("HTTP 404; MEXC_WS_URL may be wrong, wss://wbs-api.mexc.com/ws is usual")

    play(scene())


@EXCHANGES
def test_after_a_restart_nothing_comes_twice(name: str) -> None:
    """What is on the bus stays told, and the time between is filled."""

    async def scene() -> None:
        run = Run.new(name)
        async with running_feed(run):
            await given(run, 50)
            assert await settled(run) == ""
        run.tape.play(40)
        again = run.after_restart()
        async with running_feed(again):
            await given(again)
            assert await settled(again) == ""

    play(scene())


def test_a_history_that_begins_again_with_higher_ids_and_earlier_times_is_a_gap_without_a_length() -> None:
    """As that of a stand-in that was started again: the new one's past is from before the last trade of the old one."""

    async def scene() -> None:
        run, new = Run.new("binance"), Market(SYMBOLS, first_id=10**12)
        Tape(new, rate=100.0).play_past(60.0, 50)
        with structlog.testing.capture_logs() as lines:
            async with running_feed(run):
                await given(run, 100)
                await run.server.stop()
                ports = [urlsplit(url).port or 0 for url in (run.server.ws_url, run.server.rest_url)]
                server = BinanceServer(new, ws_port=ports[0], rest_port=ports[1])
                await server.start()
                assert await until(lambda: any(line["event"] == "gap not filled" for line in lines), within_s=20)
            await server.stop()
        lost = [line for line in lines if line["event"] == "gap not filled"]
        assert {line["seconds"] for line in lost} == {0.0}
        assert all(datetime.fromisoformat(line["before"]) < datetime.fromisoformat(line["after"]) for line in lost)

    before = counted("cdb_telemetry_values_refused_total")
    play(scene())
    assert counted("cdb_telemetry_values_refused_total") == before


def test_a_gap_longer_than_rest_keeps_is_told() -> None:
    async def scene() -> None:
        run = Run.new("mexc")
        async with running_feed(run):
            await given(run, 20)
            run.tape.rate = 0.0
            await asyncio.sleep(0.3)
            await run.server.stop()
            run.tape.play(5_000)
            await asyncio.sleep(0.5)
            run.tape.play(100)
            await run.server.start()
            run.tape.rate = 100.0
            assert await until(
                lambda: counted("cdb_feed_gap_seconds_total", 'result="not_filled"') > before, within_s=10
            )
            lost = sum(run.missing(symbol).total() for symbol in SYMBOLS)
        assert 2_000 < lost < 5_000
        assert not any(run.surplus(symbol) for symbol in SYMBOLS)

    before = counted("cdb_feed_gap_seconds_total", 'result="not_filled"')
    play(scene())


def counted(name: str, label: str = "") -> float:
    """The sum of a metric's values in this process, of those with *label*."""
    lines = [line for line in get_metrics().decode().splitlines() if line.startswith(name) and label in line]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


async def until_answered(rest: Rest, path: str) -> bool:
    """Ask until there is an answer, as somebody would who does not know when."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            await rest.get(path)
        except RestAway:
            await asyncio.sleep(0.05)
        else:
            return True
    return False


async def _hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def self_signed(folder: Path, name: str) -> ssl.SSLContext:
    names = ("-subj", "/CN=stand-in", "-addext", f"subjectAltName={name}")
    subject = (*names, "-days", "1", "-nodes", "-newkey", "rsa:2048")
    files = ("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"))
    subprocess.run(["openssl", "req", "-x509", *subject, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
