"""A type that is decoded for the first time in several threads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

IN_THREADS = """
import sys, threading, types
import msgspec
from services.decoding import prepared

SOURCE = '''
import msgspec
class Inner(msgspec.Struct):
    names: "list[str]"
class Middle(msgspec.Struct):
    some: "tuple[Inner, ...]"
    by_name: "dict[str, Inner]"
class Outer(msgspec.Struct):
    middle: Middle
    others: "list[Middle]"
    outer: "Outer | None" = None
'''
INNER = {"names": ["a"]}
MIDDLE = {"some": [INNER], "by_name": {"b": INNER}}
DATA = msgspec.json.encode({"middle": MIDDLE, "others": [MIDDLE]})

def decode(kind):
    started.wait()
    msgspec.json.decode(DATA, type=prepared(kind))
    msgspec.convert([msgspec.json.decode(DATA)], prepared(list[kind]))

sys.setswitchinterval(1e-6)
for number in range(200):
    module = sys.modules[f"fresh{number}"] = types.ModuleType(f"fresh{number}")
    exec(SOURCE, module.__dict__)
    started = threading.Barrier(4)
    threads = [threading.Thread(target=decode, args=[module.Outer]) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
"""


def test_threads_may_decode_a_type_for_the_first_time_together() -> None:
    done = subprocess.run([sys.executable, "-c", IN_THREADS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("room", ["cdb", "console", "monitoring", "services"])
def test_every_type_is_prepared_before_it_is_decoded(room: str) -> None:
    files = [file for file in (ROOT / room).rglob("*.py") if file != ROOT / "services" / "decoding.py"]
    assert [str(file) for file in files if unprepared(file)] == []


def unprepared(file: Path) -> list[int]:
    """Lines where a type is decoded that is not prepared."""
    return [
        call.lineno
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        for kind in decoded_by(call)
        if not (isinstance(kind, ast.Call) and ast.unparse(kind.func) == "prepared")
    ]


def decoded_by(call: ast.Call) -> list[ast.expr]:
    match ast.unparse(call.func):
        case "msgspec.convert":
            return call.args[1:2]
        case "msgspec.json.Decoder":
            return call.args[:1]
        case "msgspec.json.decode":
            return [given.value for given in call.keywords if given.arg == "type"]
    return []
