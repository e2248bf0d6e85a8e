"""Servers of the console that answer what a test decides, without a socket."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import httpx

from cdb.kit.http_client import HttpClient
from cdb.kit.prometheus import Prometheus
from cdb.trace.jaeger import Jaeger
from console.ground import Ground

Answers = Callable[[str, Mapping[str, str]], Any]
"""From path and parameters to the JSON of an answer, or its status if that is a number."""


def with_servers(
    ground: Ground,
    *,
    prometheus: Answers | None = None,
    alertmanager: Answers | None = None,
    jaeger: Answers | None = None,
) -> Ground:
    """*ground* with those servers in the place of its own."""
    changed: dict[str, Any] = {}
    if prometheus:
        changed["prometheus"] = Prometheus("http://prometheus", transport=_transport(prometheus))
    if alertmanager:
        changed["alertmanager"] = HttpClient("http://am", name="Alertmanager", transport=_transport(alertmanager))
    if jaeger:
        changed["jaeger"] = Jaeger("http://jaeger", transport=_transport(jaeger))
    return replace(ground, **changed)


def prometheus_of(**data: Any) -> Answers:
    """A Prometheus: the data of each path, such as targets; all queries give no sample unless *query* says else."""
    known = {"query": {"resultType": "vector", "result": []}, **data}

    def answers(path: str, _parameters: Mapping[str, str]) -> Any:
        name = path.removeprefix("/api/v1/")
        return {"status": "success", "data": known[name]} if name in known else 404

    return answers


def _transport(answers: Answers) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        found = answers(request.url.path, dict(request.url.params))
        return httpx.Response(found) if isinstance(found, int) else httpx.Response(200, json=found)

    return httpx.MockTransport(answer)
