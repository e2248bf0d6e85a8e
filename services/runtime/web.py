"""What every service answers over HTTP: /health, /metrics, and test endpoints only where they are switched on."""

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

import msgspec
from flask import Flask, Response, jsonify, redirect, request
from msgspec import Meta

from services.errors import ServerAway
from services.runtime.health import Health
from services.runtime.loop_state import LoopState
from services.runtime.parameters import BadRequest, parameters
from telemetry import metrics

MAX_REQUEST_BYTES: Final = 64 * 1024

P = TypeVar("P", bound=msgspec.Struct)


def create_app(service: str, health: Health) -> Flask:
    """The service's web application without test endpoints."""
    app = Flask(service)
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES

    @app.get("/health")
    def show_health() -> tuple[Response, int]:
        checks = health.checks()
        healthy = all(verdict == "ok" for verdict in checks.values())
        metrics.set_health_status(service, healthy)
        well = "standby" if health.on_standby else "ok"
        body = {"status": well if healthy else "error", "service": service, "checks": checks}
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


def pass_on(app: Flask, state: LoopState, where: Callable[[], str]) -> None:
    """While the process is on standby, send whoever asks more than how it is to the one that works, at URL *where*."""

    @app.before_request
    def look() -> Any:
        if not state.on_standby or request.url_rule is None or request.path in {"/health", "/metrics"}:
            return None
        if url := where():
            return redirect(f"{url}{request.full_path.rstrip('?')}", code=307)
        return jsonify({"error": "this process is on standby, and nobody knows where the one is that works"}), 503


class Count(msgspec.Struct):
    """How many."""

    count: Annotated[int, Meta(ge=1, le=10_000)]


def add_test_endpoint(app: Flask, path: str, kind: type[P], action: Callable[[P], dict[str, Any]]) -> None:
    """Answer POST *path* with what *action* makes of its parameters."""

    def act() -> Response:
        return jsonify(action(parameters(kind)))

    app.add_url_rule(path, endpoint=path, view_func=act, methods=["POST"])


def add_faults_endpoint(app: Flask, order_faults: Callable[[int], None]) -> None:
    """Answer POST /test/errors?count=N: the next N messages fail once each."""

    def errors(asked: Count) -> dict[str, Any]:
        order_faults(asked.count)
        return {"count": asked.count}

    add_test_endpoint(app, "/test/errors", Count, errors)
