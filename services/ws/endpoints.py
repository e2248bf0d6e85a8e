"""cdb_ws over HTTP: how far the feed is, and scenarios to try out where test endpoints are switched on."""

import threading
from collections.abc import Sequence
from typing import Any, Final

from flask import Flask, Response, jsonify

from services.bus.streams import Bus
from services.runtime.web import BadRequest, add_test_endpoint, number, text, whole_number
from services.topology import MARKET_DATA
from services.ws.publisher import FeedStatus
from services.ws.sources.port import NoScenario, Source

KINDS: Final = ("shock", "stall", "garbage")
GARBAGE: Final = b"\xff{this is no message"


def add_feed_page(app: Flask, status: FeedStatus) -> None:
    """Answer GET /feed with how far the source has been read."""

    @app.get("/feed")
    def feed() -> Response:
        return jsonify(status.as_dict())


def add_scenarios(app: Flask, source: Source, bus: Bus, *, symbols: Sequence[str]) -> None:
    """Answer POST /test/scenario. *bus* is for its threads alone."""
    lock = threading.Lock()

    def scenario() -> dict[str, Any]:
        kind = text("kind", KINDS)
        if kind == "garbage":
            count = whole_number("count", low=1, high=10_000)
            with lock:
                bus.publish_raw(MARKET_DATA, [GARBAGE] * count)
            return {"kind": kind, "count": count}
        try:
            return _play(source, kind, symbols)
        except NoScenario as error:
            raise BadRequest(f"kind={kind} cannot be played by the source {source.name}") from error

    add_test_endpoint(app, "/test/scenario", scenario)


def _play(source: Source, kind: str, symbols: Sequence[str]) -> dict[str, Any]:
    if kind == "stall":
        seconds = number("seconds", low=0.1, high=3600)
        source.stall(seconds)
        return {"kind": kind, "seconds": seconds}
    symbol = text("symbol", tuple(symbols))
    percent = number("percent", low=-90, high=900)
    source.shock(symbol, percent / 100)
    return {"kind": kind, "symbol": symbol, "percent": percent}
