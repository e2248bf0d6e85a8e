"""What a failed message leaves in the log, as a process writes it."""

import json
import subprocess
import sys
from typing import Final

PROGRAM: Final = """
from services.bus.entries import Entry
from services.runtime import logs, report
from services.runtime.handling import Received
from tests.support.building import an_order

logs.configure("cdb_test", level="INFO", log_format="json")
item = Received(Entry("orders", "7-0", b"", None), an_order())
for attempt in (1, 2):
    try:
        raise ValueError("no such thing")
    except ValueError as error:
        report.failed(item, error, attempt=attempt)
"""


def test_a_message_that_fails_shows_its_traceback_once() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["service"], first["entry"], first["error"]) == ("cdb_test", "7-0", "ValueError: no such thing")
    assert "Traceback (most recent call last)" in first["exception"]
    assert "exception" not in second
