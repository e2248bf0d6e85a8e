"""What OpenTelemetry's own instrumentations see: requests that change something, and the statements below a span.

Redis has none: its span per round trip would repeat the send spans (services/bus/messaging_spans.py), and its polling
is no news. docs/decisions/0015 has the reasons and the figures. In the reference mode (docs/reference-mode.md) they see
every request, every statement and every command.
"""

import os
from typing import Final

import psycopg2.extensions
import redis
from flask import Flask
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor

ASKED_ALL_THE_TIME: Final = "/health,/metrics,/feed"


def trace_requests(app: Flask, *, every: bool = False) -> None:
    """Give each request to *app* a span, except those that somebody repeats every few seconds, unless *every* one."""
    _choose_names()
    excluded = "" if every else ASKED_ALL_THE_TIME
    FlaskInstrumentor().instrument_app(app, excluded_urls=excluded)  # type: ignore[no-untyped-call]


def trace_commands(client: redis.Redis) -> None:
    """Give each command of *client* a span, without arguments."""
    _choose_names()
    RedisInstrumentor.instrument_client(client)


def trace_statements(connection: psycopg2.extensions.connection) -> None:
    """Let cursors of *connection* record their statements, without arguments; Ledger decides which do."""
    _choose_names()
    Psycopg2Instrumentor.instrument_connection(connection)


def _choose_names() -> None:
    """Have the instrumentations use today's database and HTTP conventions; they read this once, before they begin."""
    os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "database,http"
