"""One client asks all servers: it says who did not answer, and uses no proxy."""

import subprocess
import sys
from collections.abc import Callable

import httpx
import pytest

from cdb.kit.errors import Away
from cdb.kit.http_client import HttpClient, local_client

Answer = Callable[[httpx.Request], httpx.Response]
INTERRUPTED = """
import signal
from httpcore._synchronization import ThreadLock
from cdb.kit.http_client import HttpClient

def enter(lock):
    lock._lock.acquire()
    ThreadLock.__enter__ = whole
    signal.raise_signal(signal.SIGINT)
    return lock

whole, ThreadLock.__enter__ = ThreadLock.__enter__, enter
with HttpClient("http://127.0.0.1:9", name="nobody") as client:
    client.get("/")
"""


def client(answer: Answer) -> HttpClient:
    return HttpClient("http://127.0.0.1:9", name="Jaeger", transport=httpx.MockTransport(answer))


def refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("Connection refused", request=request)


def test_an_answer_is_read_as_what_is_wanted_and_parameters_without_a_value_are_not_sent() -> None:
    with client(lambda request: httpx.Response(200, json=dict(request.url.params))) as jaeger:
        assert jaeger.read(dict[str, str], "/api", {"limit": 5, "operation": None}) == {"limit": "5"}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (refuse, "Jaeger at http://127.0.0.1:9 does not answer: Connection refused"),
        (
            lambda _: httpx.Response(404, text=" nobody\n"),
            "http://127.0.0.1:9/api answered 404: is it Jaeger? nob",
        ),
        (lambda _: httpx.Response(200, text="<html>"), "the server at http://127.0.0.1:9 is not Jaeger: JSON is"),
        (lambda _: httpx.Response(200, json={"data": 1}), "the server at http://127.0.0.1:9 is not Jaeger: Expect"),
    ],
)
def test_who_is_away_or_somebody_else_is_named(answer: Answer, says: str) -> None:
    with client(answer) as jaeger, pytest.raises(Away) as raised:
        jaeger.read(dict[str, str], "/api")
    assert str(raised.value).startswith(says)


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with local_client() as asking:
        assert not asking.trust_env
        assert not any(asking._mounts.values())


def test_ctrl_c_ends_a_command_wherever_it_strikes_in_the_client() -> None:
    """Here: after the pool's lock is taken, before anything can give it back."""
    command = ["env", "--default-signal=INT", sys.executable, "-c", INTERRUPTED]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.stderr.endswith("KeyboardInterrupt\n"), ended.stderr


def test_what_a_service_on_standby_is_asked_is_asked_again_where_it_says() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.port == 9:
            return httpx.Response(307, headers={"Location": "http://127.0.0.1:10/operator/trip?a=1"})
        return httpx.Response(200, json=[str(request.url), request.headers["Authorization"], request.content.decode()])

    with client(answer) as risk:
        said = risk.post("/operator/trip", {"why": "a test"}, token="secret").json()
    assert said == ["http://127.0.0.1:10/operator/trip?a=1", "Bearer secret", '{"why":"a test"}']
