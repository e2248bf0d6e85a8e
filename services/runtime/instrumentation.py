"""What OpenTelemetry's own instrumentations see: requests that change something, and the statements below a span.

Redis has none here: its span per round trip would repeat the send spans (services/bus/messaging_spans.py), and its
polling is no news. docs/decisions/0015 has the reasons and the figures.
"""

import os
from typing import Final

import psycopg2.extensions
from flask import Flask
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor

ASKED_ALL_THE_TIME: Final = "/health,/metrics,/feed"


def trace_requests(app: Flask) -> None:
    """Give each request to *app* a span, except those that somebody repeats every few seconds."""
    _choose_names()
    FlaskInstrumentor().instrument_app(app, excluded_urls=ASKED_ALL_THE_TIME)  # type: ignore[no-untyped-call]


def trace_statements(connection: psycopg2.extensions.connection) -> None:
    """Let cursors of *connection* record their statements, without arguments; Ledger decides which do."""
    _choose_names()
    Psycopg2Instrumentor.instrument_connection(connection)


def _choose_names() -> None:
    """Have the instrumentations use today's database and HTTP conventions; they read this once, before they begin."""
    os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "database,http"
