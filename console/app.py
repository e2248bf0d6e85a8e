"""The web application: access, pages, errors."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import structlog
from flask import Flask, Response, jsonify, render_template, request
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from cdb.kit import figures
from cdb.kit.errors import Away
from console import access, words
from console.ground import Ground
from console.pages import acting, actions, alerts, dashboards, decisions, metrics, overview, system, traces, trades
from monitoring.notifications.store import StoreFailed
from monitoring.notifications.webhook import BadWebhook
from services.errors import ServerAway
from services.runtime.parameters import BadRequest

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
PAGES: Final[tuple[Callable[[Flask, Ground], None], ...]] = (
    overview.add,
    dashboards.add,
    decisions.add,
    traces.add,
    trades.add,
    alerts.add,
    system.add,
    metrics.add,
    acting.add,
    actions.add,
)
MENU: Final = (
    ("/", "Overview"),
    ("/dashboards", "Dashboards"),
    ("/decisions", "Decisions"),
    ("/traces", "Traces"),
    ("/trades", "Trades"),
    ("/alerts", "Alerts"),
    ("/system", "System"),
    ("/metrics-reference", "Metrics"),
)
"""Address and name of each page, in the order of the menu."""
_STATIC: Final = Path(__file__).parent / "static"
log = structlog.get_logger()


def create_app(ground: Ground) -> Flask:
    """Build the web application."""
    app = Flask("console", static_folder=str(_STATIC))
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, MAX_FORM_MEMORY_SIZE=64 * 1024, MAX_FORM_PARTS=50)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 86_400  # their addresses change with their content
    access.add(app, ground.settings, access.Attempts())
    app.jinja_env.filters.update(moment=moment, instant=instant, ago=lambda at: ago(at, ground), **words.FILTERS)
    app.jinja_env.globals.update(menu=MENU, asset=asset)
    for add in PAGES:
        add(app, ground)
    _add_health(app, ground)
    _add_errors(app)
    return app


def moment(at: datetime) -> Markup:
    """*at* in UTC; the script shows it in the reader's zone."""
    try:
        utc = at.astimezone(UTC)
    except OverflowError:  # whoever reaches Alertmanager may give an alert any time
        return Markup("{}").format(at.isoformat())
    return Markup('<time datetime="{}">{} UTC</time>').format(utc.isoformat(), f"{utc:%Y-%m-%d %H:%M:%S}")


def instant(iso: str) -> Markup:
    """A moment in ISO 8601 as `moment` shows it."""
    return moment(datetime.fromisoformat(iso))


def ago(at: datetime, ground: Ground) -> str:
    """How long ago *at* was, such as 4 s."""
    age_s = ground.clock.now_ns() / 1e9 - at.timestamp()
    return figures.seconds(age_s) if age_s >= 1 else "less than 1 s"


@cache
def asset(name: str) -> str:
    """Address of the file *name* in static/, which changes with its content."""
    digest = hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def _add_health(app: Flask, ground: Ground) -> None:
    @app.get("/health")
    def health() -> tuple[Response, int]:
        ground.notifications.count()
        return jsonify({"status": "ok", "service": "cdb_console", "checks": {"notifications": "ok"}}), 200


def _add_errors(app: Flask) -> None:
    @app.errorhandler(BadWebhook)
    @app.errorhandler(BadRequest)
    def refuse(error: Exception) -> Any:
        log.warning("refused", path=request.path, error=str(error))
        return _told(400, "This cannot be read", str(error))

    @app.errorhandler(StoreFailed)
    @app.errorhandler(ServerAway)
    @app.errorhandler(Away)
    def unavailable(error: Exception) -> Any:
        # Not a 4xx: Alertmanager would not try again.
        log.error("unavailable", path=request.path, error=str(error))
        return _told(503, "Not available now", str(error))

    @app.errorhandler(HTTPException)
    def other(error: HTTPException) -> Any:
        return _told(error.code or 500, error.name, error.description or "")

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Any:
        log.error("broken", path=request.path, exc_info=error)
        return _told(500, "The console made a mistake", "Its log says more.")


def _told(status: int, title: str, text: str) -> tuple[Any, int]:
    if request.path.startswith(("/api/", "/webhook", "/health")):
        return jsonify({"error": text or title}), status
    back = request.path if status == 400 and request.args else "/"
    return render_template("error.html", title=title, text=text, back=back), status
