"""What every service answers over HTTP: /health, /metrics, and test endpoints only where they are switched on."""

import re
import threading
from collections.abc import Callable
from typing import Any, Final

from flask import Flask, Response, jsonify, request
from waitress.server import BaseWSGIServer, MultiSocketServer, create_server

from services.errors import ServerAway
from services.runtime.health import Health
from telemetry import metrics

THREADS: Final = 4
MAX_REQUEST_BYTES: Final = 64 * 1024
_WHOLE_NUMBER: Final = re.compile(r"-?[0-9]{1,18}")


class BadRequest(Exception):
    """A request's parameter is missing or wrong; the text says which and what is allowed."""


def create_app(service: str, health: Health) -> Flask:
    """Return the service's web application without test endpoints."""
    app = Flask(service)
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES

    @app.get("/health")
    def show_health() -> tuple[Response, int]:
        checks = health.checks()
        healthy = all(verdict == "ok" for verdict in checks.values())
        metrics.set_health_status(service, healthy)
        body = {"status": "ok" if healthy else "error", "service": service, "checks": checks}
        return jsonify(body), 200 if healthy else 503

    @app.get("/metrics")
    def show_metrics() -> Response:
        return Response(metrics.get_metrics(), content_type=metrics.CONTENT_TYPE)

    @app.errorhandler(BadRequest)
    def refuse(error: BadRequest) -> tuple[Response, int]:
        return jsonify({"error": str(error)}), 400

    @app.errorhandler(ServerAway)
    def unavailable(error: ServerAway) -> tuple[Response, int]:
        return jsonify({"error": str(error)}), 503

    return app


def add_test_endpoint(app: Flask, path: str, action: Callable[[], dict[str, Any]]) -> None:
    """Answer POST *path* with what *action* returns; it reads its parameters with whole_number, number and text."""

    def act() -> Response:
        return jsonify(action())

    app.add_url_rule(path, endpoint=path, view_func=act, methods=["POST"])


def add_faults_endpoint(app: Flask, order_faults: Callable[[int], None]) -> None:
    """Answer POST /test/errors?count=N: the next N messages fail once each."""

    def errors() -> dict[str, Any]:
        count = whole_number("count", low=1, high=10_000)
        order_faults(count)
        return {"count": count}

    add_test_endpoint(app, "/test/errors", errors)


def text(name: str, allowed: tuple[str, ...]) -> str:
    """Return a parameter that must be one of *allowed*."""
    value = _parameter(name)
    if value not in allowed:
        raise BadRequest(f"{name} must be one of {', '.join(allowed)}; got {value!r:.80}")
    return value


def number(name: str, *, low: float, high: float, default: float | None = None) -> float:
    """Return a parameter that must be a number from *low* to *high*."""
    value = _parameter(name, None if default is None else str(default))
    try:
        found = float(value)
    except ValueError:
        found = float("nan")
    if not low <= found <= high:
        raise BadRequest(f"{name} must be a number from {low:g} to {high:g}; got {value!r:.80}")
    return found


def whole_number(name: str, *, low: int, high: int, default: int | None = None) -> int:
    """Return a parameter that must be a whole number from *low* to *high*."""
    value = _parameter(name, None if default is None else str(default))
    if not _WHOLE_NUMBER.fullmatch(value) or not low <= int(value) <= high:
        raise BadRequest(f"{name} must be a whole number from {low} to {high}; got {value!r:.80}")
    return int(value)


def serve(app: Flask, *, host: str, port: int) -> MultiSocketServer | BaseWSGIServer:
    """Listen on *host*:*port* and answer in background threads; close() the returned server to end."""
    server: MultiSocketServer | BaseWSGIServer = create_server(app, host=host, port=port, threads=THREADS)
    threading.Thread(target=server.run, name="http", daemon=True).start()
    return server


def _parameter(name: str, default: str | None = None) -> str:
    try:
        body = request.get_json(silent=True)
    except RecursionError:
        body = None
    found = request.args.get(name)
    if found is None and isinstance(body, dict) and name in body:
        found = str(body[name])
    if found is None:
        found = request.form.get(name, default)
    if found is None:
        raise BadRequest(f"{name} is missing")
    return found
