"""Faults that strike connections at once: they end, freeze, or get what they should not."""

import asyncio
from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from tests.exchange.lines import Batch
from tests.exchange.market import NS_PER_S

if TYPE_CHECKING:
    from tests.exchange.server import ExchangeServer

CODES: Final = {"away": 1001, "error": 1011}


def strike(server: "ExchangeServer") -> None:
    """Do what the faults ask for once; freeze connections while they are half open."""
    faults = server.faults
    if faults.half_open:
        for line in server.lines:
            line.freeze()
    if faults.drop:
        _drop(server, faults.take("drop"))
    if faults.old_again_s:
        _tell_again(server, faults.take("old_again_s"))
    if faults.huge_bytes:
        huge = Batch([server.strange_frame(faults.take("huge_bytes"))], text=server.text)
        for line in server.lines:
            line.push(huge)
    if faults.shutdown_notice_s:
        server.spawn(_shut_down(server, faults.take("shutdown_notice_s")))


def _drop(server: "ExchangeServer", how: str) -> None:
    for line in list(server.lines):
        if how not in CODES:
            line.cut(how, reset=how == "reset")
        elif line.number and not line.frozen:
            server.end(line, CODES[how], how)


def _tell_again(server: "ExchangeServer", age_s: float) -> None:
    oldest = server.market.now_ns() - int(age_s * NS_PER_S)
    for channel, lines in server.pushes.each():
        deals = server.market.since(server.symbol_of(channel), 0)
        first = bisect_left(deals, oldest, key=lambda deal: deal.time_ns)
        server.pushes.deliver(lines, server.encode(channel, deals[first : first + 1]))


async def _shut_down(server: "ExchangeServer", notice_s: float) -> None:
    told = list(server.lines)
    for line in told:
        if notice := server.shutdown_notice():
            server.say(line, notice)
    await asyncio.sleep(notice_s)
    for line in told:
        server.end(line, CODES["away"], "away")
