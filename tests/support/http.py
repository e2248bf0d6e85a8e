"""Ask a program of a running stack, and take whatever it answers."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any


def ask(
    port: int, path: str, *, post: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    """Status and body, parsed if it is JSON, of GET or POST on 127.0.0.1; status 0 if nobody answers."""
    method = "GET" if post is None else "POST"  # without a body no type is claimed for it, either
    url = f"http://127.0.0.1:{port}{path}"
    request = urllib.request.Request(url, data=post or None, headers=dict(headers or {}), method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310  loopback
            return reply.status, _parsed(reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _parsed(error.read())
    except OSError:
        return 0, None


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")
