"""Who may read and who may act: names of hosts, origins, sessions, tokens against forged requests, attempts."""

import hashlib
import hmac
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, abort, current_app, g, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from console.settings import ConsoleSettings
from services import topology

TOKEN: Final = "token"  # noqa: S105  a field's name
ATTEMPTS: Final = 5
"""Wrong passwords within WINDOW_S, from anywhere; then nobody may try until the first of them is that long ago."""
WINDOW_S: Final = 60.0
_COOKIE: Final = "cdb_console"
_SAFE: Final = frozenset({"GET", "HEAD"})
_OPEN: Final = frozenset({"login", "health", "grafana_health", "static", "webhook"})
"""What one reaches without a login, wherever the console listens."""
_ACTING: Final = frozenset({"act"})
"""What one reaches with a login only."""
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
log = structlog.get_logger()


class Attempts:
    """Counts wrong passwords."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._wrong: deque[float] = deque()

    def wait_s(self) -> float:
        """Seconds until the next attempt; 0 if it may be made now."""
        with self._lock:
            now = self._monotonic()
            while self._wrong and self._wrong[0] <= now - WINDOW_S:
                self._wrong.popleft()
            return self._wrong[0] + WINDOW_S - now if len(self._wrong) >= ATTEMPTS else 0.0

    def was_wrong(self) -> None:
        """Take notice of one."""
        with self._lock:
            self._wrong.append(self._monotonic())


def add(app: Flask, settings: ConsoleSettings, attempts: Attempts) -> None:
    """Let *app* answer only those who may ask."""
    password = settings.password.get_secret_value().encode()
    # Made from the password: a session lasts over a restart, and ends when the password changes.
    app.secret_key = hashlib.scrypt(password, salt=b"cdb_console session", n=2**14, r=8, p=1)
    app.config.update(
        SESSION_COOKIE_NAME=_COOKIE,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        PERMANENT_SESSION_LIFETIME=settings.session,
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    names = frozenset(name.lower() for name in (*_LOOPBACK, topology.CONSOLE.name, *settings.names))
    _add_checks(app, names, reads_are_open=settings.reads_are_open)
    _add_headers(app)
    _add_login(app, password, attempts)
    app.jinja_env.globals.update(token=_token, is_operator=is_operator, nonce=_nonce)


def is_operator() -> bool:
    """Whether the one who asks has logged in, and not out again."""
    return "operator" in session and session["operator"] not in _ended()


def _ended() -> set[object]:
    """Sessions that were logged out of since the console started; the browser could keep their cookies."""
    ended: set[object] = current_app.extensions.setdefault("cdb_ended_sessions", set())
    return ended


def _add_checks(app: Flask, names: frozenset[str], *, reads_are_open: bool) -> None:
    @app.before_request
    def check() -> WerkzeugResponse | None:
        # Another name leads here if somebody's page has its own name point to this machine (DNS rebinding).
        if _name_in(request.headers.get("Host", "")) not in names:
            log.warning("refused", why="foreign name", path=request.path, host=request.headers.get("Host"))
            abort(400, "The console does not answer under this name. CDB_CONSOLE_NAMES adds names.")
        if request.endpoint == "webhook":
            if "Origin" in request.headers or "Sec-Fetch-Site" in request.headers:
                refuse("a page in a browser may not send notifications")
            return None
        if request.method not in _SAFE:
            _refuse_forged()
        if request.endpoint in _OPEN or is_operator():
            return None
        if request.method not in _SAFE:
            refuse("log in first")
        if reads_are_open and request.endpoint not in _ACTING:
            return None
        return redirect(url_for("login", next=request.full_path.rstrip("?")))


def _name_in(host: str) -> str:
    """The name or address in a Host header; "" if it is malformed. Werkzeug's own check knows no IPv6, and no _."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return ""
    return parts.hostname or "" if parts.netloc == host and parts.username is None else ""


def _refuse_forged() -> None:
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        refuse("the request comes from another site")
    if "Origin" in request.headers and urlsplit(request.headers["Origin"]).netloc != request.headers["Host"]:
        refuse("the request comes from another site")
    given = request.form.get(TOKEN, "") or request.headers.get("X-CSRF-Token", "")
    known = session.get(TOKEN, "")
    if not known or not hmac.compare_digest(given.encode(), str(known).encode()):
        refuse("the form has expired: load the page again")


def refuse(why: str) -> None:
    """Answer 403 and log it."""
    log.warning("refused", why=why, method=request.method, path=request.path, origin=request.origin)
    abort(403, why)


def _add_headers(app: Flask) -> None:
    @app.after_request
    def protect(response: Response) -> Response:
        policy = (
            "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
            f"style-src 'self' 'nonce-{_nonce()}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response


def _add_login(app: Flask, password: bytes, attempts: Attempts) -> None:
    @app.route("/login", methods=["GET", "POST"])
    def login() -> tuple[str, int] | WerkzeugResponse:
        if request.method != "POST":
            return render_template("login.html", error="", next=_own_path(request.args.get("next", ""))), 200
        onward = _own_path(request.form.get("next", ""))
        if wait_s := attempts.wait_s():
            log.warning("login refused", why="too many attempts", address=request.remote_addr)
            error = f"Too many wrong passwords: wait {wait_s:.0f} s."
            return render_template("login.html", error=error, next=onward), 429
        if not hmac.compare_digest(request.form.get("password", "").encode(), password):
            attempts.was_wrong()
            log.warning("login refused", why="wrong password", address=request.remote_addr)
            error = "This is not the password. It is CDB_CONSOLE_PASSWORD in .env."
            return render_template("login.html", error=error, next=onward), 403
        session.clear()  # a new token, too
        session.permanent = True
        session["operator"] = secrets.token_urlsafe(16)
        log.info("logged in", address=request.remote_addr)
        return redirect(onward)

    @app.post("/logout")
    def logout() -> WerkzeugResponse:
        _ended().add(session.get("operator"))
        session.clear()
        return redirect("/")


def _own_path(path: str) -> str:
    """*path* if it leads to a page of ours, else the first page."""
    parts = urlsplit(path)
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and not (parts.scheme or parts.netloc)
    return path if ours and path.isprintable() else "/"


def _token() -> str:
    if TOKEN not in session:
        session[TOKEN] = secrets.token_urlsafe(24)
    return str(session[TOKEN])


def _nonce() -> str:
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)
