"""System: parts, targets, streams, dead letters, and what cdb doctor finds."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import Flask, render_template

from console.ground import Ground
from console.knowledge import WAIT_S, Known
from console.system import bus
from console.system.doctor import checklist
from console.system.ledger import Size, size
from console.system.letters import letters
from console.system.parts import parts, rules
from console.system.reach import reached

T = TypeVar("T")
_FOR_S: Final = 3.0
_SIZE_S: Final = 60.0


def add(app: Flask, ground: Ground) -> None:
    """Answer /system."""

    @app.get("/system")
    def system() -> str:
        _all(ground, wait_s=0.0)  # so that all servers are asked at the same time
        return render_template("system.html", refresh=5, **_all(ground, wait_s=WAIT_S))


def _all(ground: Ground, *, wait_s: float) -> dict[str, Any]:
    def ask(key: str, work_out: Callable[[], T], for_s: float = _FOR_S) -> Known[T]:
        return ground.knowledge.of(key, work_out, for_s=for_s, wait_s=wait_s)

    return {
        "reached": reached(ground, wait_s=wait_s),
        "parts": ask("parts", lambda: parts(ground.prometheus)),
        "rules": ask("rules", lambda: rules(ground.prometheus)),
        "streams": ask("streams", lambda: bus.streams(ground.bus)),
        "memory": ask("memory of Redis", lambda: bus.memory(ground.bus)),
        "letters": ask("dead letters", lambda: letters(ground.bus)),
        "size": ask("size of the ledger", lambda: _size(ground), _SIZE_S),
        "checklist": checklist(ground, wait_s=wait_s),
    }


def _size(ground: Ground) -> Size:
    with ground.ledger.moment() as rows:
        return size(rows)
