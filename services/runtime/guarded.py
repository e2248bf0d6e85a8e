"""Endpoints that change something: POST with a JSON body, for whoever has the operator's token and nobody else."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
import structlog
from flask import Flask, Response, request
from pydantic import SecretStr

from services.actions import Refused
from services.runtime.parameters import json_body
from services.runtime.requests import NotAnswered

P = TypeVar("P", bound=msgspec.Struct)

log = structlog.get_logger()


class _Stopped(Exception):
    def __init__(self, status: int, error: str) -> None:
        self.status = status
        super().__init__(error)


@dataclass(frozen=True)
class Guarded:
    """Endpoints of *app* that want `Authorization: Bearer` with *token*; without a token they answer 503."""

    app: Flask
    token: SecretStr

    def __post_init__(self) -> None:
        for kind, status in _STATUS.items():
            self.app.register_error_handler(kind, _answer_with(status))
        self.app.register_error_handler(_Stopped, lambda error: _said(error, error.status))

    def add(self, path: str, kind: type[P], action: Callable[[P], Mapping[str, Any]]) -> None:
        """Answer POST *path* with what *action* makes of its body."""

        def act() -> Response:
            self._check()
            return _json(action(json_body(kind)))

        self.app.add_url_rule(path, endpoint=path, view_func=act, methods=["POST"])

    def _check(self) -> None:
        token = self.token.get_secret_value()
        if not token:
            raise _Stopped(503, "CDB_OPERATOR_TOKEN is not set: `cdb env` writes it into .env, then restart the stack")
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
            log.warning("request refused: wrong or no token", path=request.path, address=request.remote_addr)
            raise _Stopped(401, "Authorization must be 'Bearer ' and CDB_OPERATOR_TOKEN")


_STATUS: Final = {Refused: 409, NotAnswered: 503}


def _answer_with(status: int) -> Callable[[Exception], Response]:
    return lambda error: _said(error, status)


def _said(error: Exception, status: int) -> Response:
    response = _json({"error": str(error)}, status)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _json(body: Mapping[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, content_type="application/json")
