"""The one way to ask a server of the stack over HTTP: on this machine, never through a proxy."""

import _thread
import queue
import ssl
import threading
from collections.abc import Mapping
from typing import Any, Final, Self, TypeVar

import httpx
import msgspec

from cdb.kit.errors import Away
from cdb.kit.printable import cut
from services.decoding import prepared

TIMEOUT: Final = httpx.Timeout(10.0, connect=2.0)

T = TypeVar("T")
Parameters = Mapping[str, str | int | float | None]


def local_client(
    url: str = "", *, timeout: httpx.Timeout | float = TIMEOUT, transport: httpx.BaseTransport | None = None
) -> httpx.Client:
    """Connect to *url*; a proxy that the environment names is not used, for servers are on this machine."""
    # To read all certificates that the machine trusts takes longer than most questions, and none of ours needs one.
    verify = True if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return _Client(base_url=url, timeout=timeout, trust_env=False, transport=transport, verify=verify)


class _Client(httpx.Client):
    """Asks in a thread of its own what the main thread wants to know, so that Ctrl-C never strikes inside httpcore.

    A signal raises wherever the main thread is. Between taking the lock of httpcore's pool and the block that gives it
    back, nobody ever gives it back, and httpcore's own clearing up waits for it for ever. A thread left behind ends
    with its request, or with the process.
    """

    def send(self, *args: Any, **kwargs: Any) -> httpx.Response:
        if threading.current_thread() is not threading.main_thread():
            return super().send(*args, **kwargs)
        ask, outcome = super().send, queue.SimpleQueue[httpx.Response | Exception]()

        def work() -> None:
            try:
                outcome.put(ask(*args, **kwargs))
            except Exception as error:  # noqa: BLE001  raised where it was asked
                outcome.put(error)

        # Neither Thread nor Future: their locks are taken in Python, too.
        _thread.start_new_thread(work, ())
        answer = outcome.get()
        if isinstance(answer, Exception):
            raise answer
        return answer


class HttpClient:
    """Keeps the connections to the server at *url*, called *name* in errors, until closed. Threads may share it."""

    def __init__(
        self,
        url: str,
        *,
        name: str,
        timeout: httpx.Timeout = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = url
        self.name = name
        self._client = local_client(url, timeout=timeout, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, path: str, parameters: Parameters | None = None) -> httpx.Response:
        """Ask, without the parameters that are None; an answer of any status is returned. Raises Away."""
        sent = {name: value for name, value in (parameters or {}).items() if value is not None}
        return self.send("GET", path, params=sent)

    def send(self, method: str, path: str, **what: Any) -> httpx.Response:
        """Send a request as httpx does; an answer of any status is returned. Raises Away.

        A service on standby names the process that works; the same is sent there.
        """
        try:
            return self._sent(method, path, **what)
        except httpx.HTTPError as error:
            raise Away(f"{self.name} at {self.url} does not answer: {error or type(error).__name__}") from error

    def _sent(self, method: str, path: str, **what: Any) -> httpx.Response:
        answer = self._client.request(method, path, **what)
        if answer.status_code == httpx.codes.TEMPORARY_REDIRECT:
            return self._client.request(method, answer.headers["Location"], **{**what, "params": None})
        return answer

    def post(self, path: str, body: object, *, token: str) -> httpx.Response:
        """Send *body* as JSON with the bearer *token*; an answer of any status is returned. Raises Away.

        The cause of Away tells whether the server can have got it: with an httpx.ConnectError it cannot.
        """
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return self.send("POST", path, content=msgspec.json.encode(body), headers=headers)

    def read(self, kind: type[T], path: str, parameters: Parameters | None = None) -> T:
        """Ask, and read the JSON of a good answer as *kind*. Raises Away."""
        return self.decoded(kind, self.good(self.get(path, parameters)))

    def good(self, answer: httpx.Response) -> httpx.Response:
        """Pass on an answer of status 200. Raises Away for another one."""
        if answer.status_code != httpx.codes.OK:
            said = cut(answer.text.strip(), 200)
            raise Away(f"{self.url}{answer.url.path} answered {answer.status_code}: is it {self.name}? {said}")
        return answer

    def decoded(self, kind: type[T], answer: httpx.Response) -> T:
        """Read the JSON of *answer*, of any status, as *kind*. Raises Away."""
        try:
            return msgspec.json.decode(answer.content, type=prepared(kind))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Away(f"the server at {self.url} is not {self.name}: {error}") from error
