"""cdb_ws over HTTP: how far the feed is, and scenarios to try out where test endpoints are switched on."""

import threading
from collections.abc import Callable, Collection
from typing import Annotated, Any, Final, Literal

import msgspec
from flask import Flask, Response, jsonify
from msgspec import Meta

from services.bus.streams import RedisBus
from services.runtime.parameters import BadRequest, parameters
from services.runtime.web import Count, add_test_endpoint
from services.topology import MARKET_DATA
from services.ws.publisher import FeedStatus
from services.ws.sources.port import NoScenario, Source

GARBAGE: Final = b"\xff{this is no message"


class Scenario(msgspec.Struct):
    """What is to happen."""

    kind: Literal["shock", "stall", "garbage"]


class Stall(msgspec.Struct):
    """For how long no trade comes."""

    seconds: Annotated[float, Meta(ge=0.1, le=3600)]


class Shock(msgspec.Struct):
    """Which price moves, and by how much."""

    symbol: str
    percent: Annotated[float, Meta(ge=-90, le=900)]


def add_feed_page(app: Flask, status: FeedStatus) -> None:
    """Answer GET /feed with how far the source has been read."""

    @app.get("/feed")
    def feed() -> Response:
        return jsonify(status.as_dict())


def add_scenarios(app: Flask, source: Source, bus: RedisBus, *, symbols: Callable[[], Collection[str]]) -> None:
    """Answer POST /test/scenario. *bus* is for its threads alone."""
    lock = threading.Lock()

    def scenario(asked: Scenario) -> dict[str, Any]:
        if asked.kind == "garbage":
            count = parameters(Count).count
            with lock:
                bus.publish_raw(MARKET_DATA, [GARBAGE] * count)
            return {"kind": asked.kind, "count": count}
        try:
            return {"kind": asked.kind, **_play(source, asked.kind, symbols())}
        except NoScenario as error:
            raise BadRequest(f"kind={asked.kind} cannot be played by the source {source.name}") from error

    add_test_endpoint(app, "/test/scenario", Scenario, scenario)


def _play(source: Source, kind: Literal["shock", "stall"], symbols: Collection[str]) -> dict[str, Any]:
    if kind == "stall":
        stall = parameters(Stall)
        source.stall(stall.seconds)
        return {"seconds": stall.seconds}
    shock = parameters(Shock)
    if shock.symbol not in symbols:
        raise BadRequest(f"symbol must be one of {', '.join(sorted(symbols))}; got {shock.symbol!r:.80}")
    source.shock(shock.symbol, shock.percent / 100)
    return {"symbol": shock.symbol, "percent": shock.percent}
