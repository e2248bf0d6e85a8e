"""Who may read and who may act on the console."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cdb.kit.errors import Refused
from console.access import ATTEMPTS, WINDOW_S, Attempts
from console.app import create_app
from console.deeds import DEEDS, Asked
from console.ground import Ground
from tests.support.clocks import SettableClock
from tests.support.consoles import PASSWORD, client_of, ground_of, token_of

READS = ("/", "/dashboards", "/decisions", "/traces", "/trades", "/alerts", "/system", "/api/notifications")


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return client_of(ground_of(tmp_path, SettableClock()))


@pytest.fixture
def distant(tmp_path: Path) -> FlaskClient:
    """A browser of a console that other machines can reach."""
    return client_of(ground_of(tmp_path, SettableClock(), CDB_HTTP_HOST="0.0.0.0"))  # noqa: S104


def log_in(client: FlaskClient, password: str = PASSWORD, **form: str) -> TestResponse:
    return client.post("/login", data={"token": token_of(client), "password": password, **form})


@pytest.mark.parametrize("path", READS)
def test_on_loopback_one_may_read_without_a_login(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", READS)
def test_elsewhere_one_must_log_in_to_read(distant: FlaskClient, path: str) -> None:
    reply = distant.get(path)
    assert reply.status_code == 302
    assert reply.headers["Location"].startswith("/login?next=")
    log_in(distant)
    assert distant.get(path).status_code == 200


def test_health_and_the_webhook_need_no_login_anywhere(distant: FlaskClient) -> None:
    assert distant.get("/health").status_code == 200
    assert distant.post("/webhook", json={"version": "4", "receiver": "x", "alerts": []}).status_code == 200


def test_after_the_login_one_is_where_one_wanted_to_be(client: FlaskClient) -> None:
    reply = log_in(client, next="/alerts?x=1")
    assert (reply.status_code, reply.headers["Location"]) == (302, "/alerts?x=1")
    assert "Log out" in client.get("/").get_data(as_text=True)


@pytest.mark.parametrize(
    "away", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", "x", "/\n/e"]
)
def test_a_login_leads_nowhere_else(client: FlaskClient, away: str) -> None:
    assert log_in(client, next=away).headers["Location"] == "/"


def test_the_cookie_is_for_this_site_alone_and_no_script_reads_it(client: FlaskClient) -> None:
    cookie = log_in(client).headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert PASSWORD not in cookie


def test_a_wrong_password_lets_nobody_in_and_says_where_the_right_one_is(client: FlaskClient) -> None:
    reply = log_in(client, "wrong")
    assert reply.status_code == 403
    assert "CDB_CONSOLE_PASSWORD in .env" in reply.get_data(as_text=True)
    assert "Log out" not in client.get("/").get_data(as_text=True)


def test_after_five_wrong_passwords_even_the_right_one_has_to_wait(client: FlaskClient) -> None:
    assert [log_in(client, "wrong").status_code for _ in range(ATTEMPTS)] == [403] * ATTEMPTS
    assert log_in(client).status_code == 429


def test_what_only_asks_for_the_head_of_a_page_does_nothing(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of another port may send such a request without a token, and the browser adds the cookie."""
    assert [client.head("/login").status_code for _ in range(2 * ATTEMPTS)] == [200] * 2 * ATTEMPTS
    assert log_in(client).status_code == 302, "nobody has tried a password"
    done: list[Asked] = []

    class Noticed:
        def preview(self, _ground: Ground, _asked: Asked) -> dict[str, Any]:
            raise Refused("it was looked at")

        def do(self, _ground: Ground, asked: Asked) -> str:
            done.append(asked)
            return "done"

    monkeypatch.setitem(DEEDS, "trip", Noticed())
    assert [client.head(f"/act/trip?why=x&id_of_action={'0' * 32}").status_code, done] == [409, []]


def test_whoever_has_logged_out_is_out_whatever_the_browser_has_kept(client: FlaskClient) -> None:
    log_in(client)
    kept = client.get_cookie("cdb_console")
    assert kept is not None
    assert client.post("/logout", data={"token": token_of(client)}).status_code == 302
    client.set_cookie("cdb_console", kept.value)
    assert client.get("/act/trip").headers["Location"].startswith("/login")


def test_attempts_are_forgotten_after_a_minute() -> None:
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    for _ in range(ATTEMPTS):
        assert attempts.wait_s() == 0
        attempts.was_wrong()
    now[0] = 1.0
    assert attempts.wait_s() == WINDOW_S - 1
    now[0] = WINDOW_S
    assert attempts.wait_s() == 0


def test_a_session_ends_after_its_time_and_when_the_password_changes(tmp_path: Path) -> None:
    ground = ground_of(tmp_path, SettableClock(), CDB_HTTP_HOST="0.0.0.0")  # noqa: S104
    client = client_of(ground)
    log_in(client)
    cookie = client.get_cookie("cdb_console")
    assert cookie is not None
    for password, status in ((PASSWORD, 200), ("another long password", 302)):
        changed = ground_of(tmp_path, SettableClock(), CDB_HTTP_HOST="0.0.0.0", CDB_CONSOLE_PASSWORD=password)  # noqa: S104
        other = client_of(changed)
        other.set_cookie("cdb_console", cookie.value)
        assert other.get("/").status_code == status
    expired = create_app(ground)
    expired.config["PERMANENT_SESSION_LIFETIME"] = -1  # as long ago as a session lasts, and a second more
    later = expired.test_client()
    later.set_cookie("cdb_console", cookie.value)
    assert later.get("/").status_code == 302


def forged() -> Iterator[Any]:
    yield pytest.param({}, {"data": {"password": PASSWORD}}, id="no token")
    yield pytest.param({}, {"data": {"password": PASSWORD, "token": "x" * 32}}, id="wrong token")
    yield pytest.param({}, {"data": {"password": PASSWORD, "token": "ü"}}, id="token that is no ASCII")
    for name, value in (
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
        ("Origin", "http://localhost:9999"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ):
        yield pytest.param({name: value}, None, id=f"{name} {value}")


@pytest.mark.parametrize(("headers", "body"), [*forged()])
def test_a_request_that_another_page_made_is_refused(
    client: FlaskClient, headers: dict[str, str], body: dict[str, Any] | None
) -> None:
    token = token_of(client)
    reply = client.post("/login", headers=headers, **(body or {"data": {"password": PASSWORD, "token": token}}))
    assert reply.status_code == 403
    assert "Log out" not in client.get("/").get_data(as_text=True)


def test_a_request_of_our_own_page_is_not_refused(client: FlaskClient) -> None:
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    reply = client.post("/login", headers=headers, data={"password": PASSWORD, "token": token_of(client)})
    assert reply.status_code == 302


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "x@localhost"])
def test_another_name_for_this_machine_leads_nowhere(client: FlaskClient, host: str) -> None:
    for path in ("/", "/login", "/static/console.css", "/health", "/api/notifications"):
        assert client.get(path, headers={"Host": host}).status_code == 400, path


@pytest.mark.parametrize("host", ["localhost", "localhost:8010", "127.0.0.1:3000", "[::1]:8010", "cdb_console:8010"])
def test_its_own_names_lead_here(client: FlaskClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


def test_the_operator_may_give_it_further_names(tmp_path: Path) -> None:
    client = client_of(ground_of(tmp_path, SettableClock(), CDB_CONSOLE_NAMES="bot.example, 10.0.0.7"))
    for host in ("bot.example:8010", "10.0.0.7"):
        assert client.get("/", headers={"Host": host}).status_code == 200
    assert client.get("/", headers={"Host": "other.example"}).status_code == 400


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site"])
def test_no_page_in_a_browser_may_send_notifications(client: FlaskClient, header: str) -> None:
    body = {"version": "4", "receiver": "x", "alerts": []}
    assert client.post("/webhook", json=body, headers={header: "http://localhost"}).status_code == 403


@pytest.mark.parametrize("path", [*READS, "/login", "/nothing", "/static/console.js"])
def test_every_answer_forbids_what_pages_do_not_need(client: FlaskClient, path: str) -> None:
    with client.get(path) as reply:
        headers = reply.headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/runbooks/..%2f..%2f.env"]
)
def test_no_file_but_ours_can_be_reached(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_what_goes_wrong_inside_is_told_without_a_trace(tmp_path: Path) -> None:
    app = create_app(ground_of(tmp_path, SettableClock()))

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("a secret")

    reply = app.test_client().get("/broken")
    assert reply.status_code == 500
    assert "secret" not in reply.get_data(as_text=True)
    assert "Traceback" not in reply.get_data(as_text=True)
