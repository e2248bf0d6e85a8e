"""Web endpoints: Alertmanager's webhook, a page of notifications, the same as JSON, and the runbooks."""

import re
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import structlog
from flask import Flask, Response, jsonify, render_template, request
from msgspec import Meta
from werkzeug.exceptions import HTTPException

from monitoring.receiver.store import Notification, Store, StoreFailed
from monitoring.receiver.webhook import BadWebhook, Webhook, parse
from services.clock import NANOSECONDS
from services.runtime.web import BadRequest, parameters

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
MOST: Final = 10_000
ON_PAGE: Final = 200
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,100}")
_HEADERS: Final = {
    # The page shows text that others wrote: it allows no script and loads nothing.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
log = structlog.get_logger()


class Asked(msgspec.Struct):
    """Which notifications."""

    limit: Annotated[int, Meta(ge=1, le=MOST)] = 100
    since: str = "0"
    alertname: str | None = None
    status: Literal["firing", "resolved"] | None = None


def create_app(store: Store, runbooks: Path) -> Flask:
    """Build the web application; *runbooks* is the folder with the files that runbook_url names."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.jinja_env.filters["moment"] = lambda moment: f"{moment:%Y-%m-%d %H:%M:%S}"
    _add_webhook(app, store)
    _add_views(app, store, runbooks)
    _add_errors(app)
    return app


def _add_webhook(app: Flask, store: Store) -> None:
    @app.post("/webhook")
    def receive() -> Response:
        # A web page may post plain text to any address without asking, but not this type.
        if request.mimetype != "application/json":
            raise BadRequest(f"the content type must be application/json; got {request.mimetype!r:.80}")
        webhook = parse(request.get_data())
        store.put(webhook.receiver, webhook.alerts)
        _log(webhook)
        return jsonify({"kept": len(webhook.alerts)})


def _add_views(app: Flask, store: Store, runbooks: Path) -> None:
    @app.get("/")
    def page() -> str:
        found = store.newest(ON_PAGE)
        firing = store.count(open_only=True)
        links = {one.id: runbook_link(one.annotations.get("runbook_url", ""), runbooks) for one in found}
        return render_template("page.html", notifications=found, firing=firing, links=links)

    @app.get("/api/notifications")
    def notifications() -> Response:
        asked = parameters(Asked)
        found = store.newest(
            asked.limit, since_ns=_nanoseconds(asked.since), alertname=asked.alertname, status=asked.status
        )
        return jsonify({"total": store.count(), "notifications": [as_json(one) for one in found]})

    @app.get("/runbooks/<name>")
    def runbook(name: str) -> tuple[Response, int]:
        file = runbooks / f"{name}.md"
        if not _NAME.fullmatch(name) or not file.is_file():
            return jsonify({"error": f"there is no runbook {name!r:.80}"}), 404
        return Response(file.read_text(encoding="utf-8"), content_type="text/plain; charset=utf-8"), 200

    @app.get("/health")
    def health() -> Response:
        store.count()
        return jsonify({"status": "ok", "service": "cdb_alert_receiver", "checks": {"store": "ok"}})


def _add_errors(app: Flask) -> None:
    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(_HEADERS)
        return response

    @app.errorhandler(BadWebhook)
    @app.errorhandler(BadRequest)
    def refuse(error: Exception) -> tuple[Response, int]:
        log.warning("refused", path=request.path, error=str(error))
        return jsonify({"error": str(error)}), 400

    @app.errorhandler(StoreFailed)
    def unavailable(error: StoreFailed) -> tuple[Response, int]:
        # Not a 4xx: Alertmanager would not try again.
        log.error("not kept", path=request.path, error=str(error))
        return jsonify({"status": "error", "error": str(error), "checks": {"store": str(error)}}), 503

    @app.errorhandler(HTTPException)
    def other(error: HTTPException) -> tuple[Response, int]:
        return jsonify({"error": f"{error.name}: {error.description}"}), error.code or 500


def as_json(notification: Notification) -> dict[str, Any]:
    """Notification as JSON; times in ISO 8601, UTC."""
    fields = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(notification).items()
    }
    return {"alertname": notification.alertname, "severity": notification.severity, **fields}


def runbook_link(address: str, runbooks: Path) -> str:
    """Link for an alert's runbook_url: a web address, or a page of the receiver; "" if there is none."""
    if address.startswith(("http://", "https://")):
        return address
    name = Path(address).stem
    known = _NAME.fullmatch(name) and (runbooks / f"{name}.md").is_file()
    return f"/runbooks/{name}" if known else ""


def _nanoseconds(given: str) -> int:
    """Read the parameter `since`: seconds since 1970, or ISO 8601 with an offset."""
    try:
        seconds = float(given) if re.fullmatch(r"[0-9]{1,11}(\.[0-9]{1,9})?", given) else _seconds(given)
    except (ValueError, OverflowError):
        raise BadRequest(
            f"since must be seconds since 1970 or a time such as 2026-11-23T10:00:00Z; got {given!r:.80}"
        ) from None
    return int(seconds * NANOSECONDS)


def _seconds(given: str) -> float:
    moment = datetime.fromisoformat(given)
    if moment.tzinfo is None:
        raise ValueError("no offset")
    return max(0.0, moment.timestamp())


def _log(webhook: Webhook) -> None:
    for alert in webhook.alerts:
        log.info(
            "notification",
            alertname=alert.labels.get("alertname", ""),
            status=alert.status,
            severity=alert.labels.get("severity", ""),
            component=alert.labels.get("component", ""),
            summary=alert.annotations.get("summary", ""),
            receiver=webhook.receiver,
        )
    if webhook.truncated_alerts:
        log.warning("alertmanager left alerts out", alerts=webhook.truncated_alerts)
