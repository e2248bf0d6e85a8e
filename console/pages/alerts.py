"""Alerts: which fire, what was told, the runbooks, and Alertmanager's webhook."""

import re
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
import structlog
from flask import Flask, Response, abort, jsonify, render_template, request
from msgspec import Meta

from cdb.alerts import silences as silences_
from cdb.alerts.alerts import fires_now, inhibitors, subject
from console import runbooks
from console.ground import Ground
from monitoring.notifications.store import Notification
from monitoring.notifications.webhook import Webhook, parse
from services.clock import NANOSECONDS
from services.runtime.parameters import BadRequest, parameters

MOST: Final = 10_000
ON_PAGE: Final = 200
log = structlog.get_logger()


class Asked(msgspec.Struct):
    """Which notifications."""

    limit: Annotated[int, Meta(ge=1, le=MOST)] = 100
    since: str = "0"
    alertname: str | None = None
    status: Literal["firing", "resolved"] | None = None


def add(app: Flask, ground: Ground) -> None:
    """Answer /alerts, /runbooks/NAME, /api/notifications and Alertmanager's /webhook."""
    _add_webhook(app, ground)
    _add_views(app, ground)


def _add_webhook(app: Flask, ground: Ground) -> None:
    @app.post("/webhook")
    def webhook() -> Response:
        # A web page may post plain text to any address without asking, but not this type.
        if request.mimetype != "application/json":
            raise BadRequest(f"the content type must be application/json; got {request.mimetype!r:.80}")
        found = parse(request.get_data())
        ground.notifications.put(found.receiver, found.alerts)
        _log(found)
        return jsonify({"kept": len(found.alerts)})


def _add_views(app: Flask, ground: Ground) -> None:
    store, folder = ground.notifications, ground.runbooks

    @app.get("/alerts")
    def alerts() -> str:
        told = ground.knowledge.of("told", lambda: store.newest(ON_PAGE), for_s=0)
        open_ones = ground.knowledge.of("told as firing", lambda: store.count(open_only=True), for_s=0)
        firing = ground.knowledge.of("firing", lambda: fires_now(ground.alertmanager))
        silences = ground.knowledge.of("silences", lambda: silences_.active(ground.alertmanager))
        return render_template(
            "alerts.html",
            refresh=10,
            firing=firing,
            silences=silences,
            told=told,
            told_as_firing=open_ones.value,
            link=lambda address: runbooks.link(folder, address),
            about=subject,
            held_back_by=lambda alert: inhibitors(alert, firing.value or []),
            is_web=lambda address: address.startswith(("http://", "https://")),
        )

    @app.get("/api/notifications")
    def notifications() -> Response:
        asked = parameters(Asked)
        found = store.newest(
            asked.limit, since_ns=_nanoseconds(asked.since), alertname=asked.alertname, status=asked.status
        )
        return jsonify({"total": store.count(), "notifications": [as_json(one) for one in found]})

    @app.get("/runbooks/<name>")
    def runbook(name: str) -> str:
        file = runbooks.file_of(folder, name)
        if file is None:
            abort(404, f"there is no runbook {name!r:.80}")
        text = runbooks.html(file.read_text(encoding="utf-8"))
        return render_template("runbook.html", name=name, text=text)


def as_json(notification: Notification) -> dict[str, Any]:
    """Notification as JSON; times in ISO 8601, UTC."""
    fields = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(notification).items()
    }
    return {"alertname": notification.alertname, "severity": notification.severity, **fields}


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
