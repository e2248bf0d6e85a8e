"""What every service answers over HTTP: /health, /metrics, and test endpoints only where they are switched on."""

import re
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from flask import Flask, Response, jsonify, request
from msgspec import Meta
from waitress.server import create_server
from waitress.wasyncore import close_all

from services.errors import ServerAway
from services.runtime.health import Health
from telemetry import metrics

THREADS: Final = 4
CONNECTIONS: Final = 1_000
"""Idle ones included, which are closed after two minutes."""
ENDS_WITHIN_S: Final = 1
MAX_REQUEST_BYTES: Final = 64 * 1024
_FIELD: Final = re.compile(r"`(?:\$\.)?(\w+)[^`]*`$")

P = TypeVar("P", bound=msgspec.Struct)


class BadRequest(Exception):
    """A request's parameter is missing or wrong; the text says which and what is allowed."""


def create_app(service: str, health: Health) -> Flask:
    """The service's web application without test endpoints."""
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


def parameters(kind: type[P]) -> P:
    """Read the request's parameters, from its address, JSON or form; raises BadRequest naming the wrong one."""
    return converted({**request.form, **_json_parameters(), **request.args}, kind)


def json_body(kind: type[P]) -> P:
    """Read the request's body, a JSON object of printable texts; raises BadRequest naming the wrong field."""
    try:
        given = msgspec.json.decode(request.get_data())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"the body must be a JSON object: {error}") from error
    if not isinstance(given, dict):
        raise BadRequest("the body must be a JSON object")
    found = converted(given, kind, strict=True)
    for name in kind.__struct_fields__:
        text = getattr(found, name)
        if isinstance(text, str) and not text.isprintable():
            raise BadRequest(f"{name} must be printable, on one line; got {text!r:.80}")
    return found


def converted(given: Mapping[str, Any], kind: type[P], *, strict: bool = False) -> P:
    """Make a *kind* of what is *given*, texts if not *strict*; raises BadRequest naming the wrong field."""
    try:
        return msgspec.convert(given, kind, strict=strict)
    except msgspec.ValidationError as error:
        found = _FIELD.search(str(error))
        name = found[1] if found else "it"
        if name not in given:
            raise BadRequest(f"{name} is missing") from error
        if name not in (known := kind.__struct_encode_fields__):
            raise BadRequest(f"{name} is unknown; known are {', '.join(known)}") from error
        raise BadRequest(f"{name} must be {_allowed(kind, name)}; got {given[name]!r:.80}") from error


class WebServer:
    """Listens on *host*:*port*, 0 for a free one, and answers in *threads* of its own until it is closed.

    Ends the process with a sentence if it cannot listen there.
    """

    def __init__(self, app: Flask, *, host: str, port: int, threads: int = THREADS) -> None:
        self._sockets: dict[int, Any] = {}
        try:
            self._server = create_server(
                app,
                host=host,
                port=port,
                threads=threads,
                map=self._sockets,
                connection_limit=CONNECTIONS,
                asyncore_use_poll=True,  # select knows no more than 1,024 files
            )
        except OSError as error:
            sys.exit(f"cannot listen on {host}:{port}: {error.strerror or error}")
        threading.Thread(target=self._server.run, name="http", daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens; *host* is one address."""
        return int(self._server.effective_port)  # type: ignore[union-attr]

    def close(self) -> None:
        """Take no more requests; those that are being answered have ENDS_WITHIN_S."""
        self._server.task_dispatcher.shutdown(timeout=ENDS_WITHIN_S)
        close_all(self._sockets)


def _json_parameters() -> dict[str, Any]:
    try:
        body = request.get_json(silent=True)
    except RecursionError:
        body = None
    return body if isinstance(body, dict) else {}


def _allowed(kind: type[msgspec.Struct], name: str) -> str:
    """What the field's type says, for a person."""
    info = next(field.type for field in msgspec.inspect.type_info(kind).fields if field.encode_name == name)  # type: ignore[attr-defined]
    if isinstance(info, msgspec.inspect.UnionType):
        info = info.types[0]
    if isinstance(info, msgspec.inspect.LiteralType):
        hint = get_type_hints(kind)[name]
        literal = next(one for one in (hint, *get_args(hint)) if get_origin(one) is Literal)
        return f"one of {', '.join(get_args(literal))}"
    for type_, words in _WORDS.items():
        if isinstance(info, type_):
            return words(info)
    return _text(info)


def _text(info: Any) -> str:
    if getattr(info, "pattern", None):
        return f"a text that matches {info.pattern}"
    if getattr(info, "max_length", None):
        return f"a text of {info.min_length or 0} to {info.max_length} characters"
    return "a text"


_WORDS: Final[dict[type, Callable[[Any], str]]] = {
    msgspec.inspect.IntType: lambda info: f"a whole number from {info.ge} to {info.le}",
    msgspec.inspect.FloatType: lambda info: f"a number from {info.ge:g} to {info.le:g}",
    msgspec.inspect.ListType: lambda info: f"a list of up to {info.max_length}, each {_text(info.item_type)}",
    msgspec.inspect.BoolType: lambda _info: "true or false",
    msgspec.inspect.DictType: lambda _info: "an object",
}
