"""Run a whole stack at its documented ports: `unshare --net python -m tests.system.documented.run_stack STATE [ROOT]`.

Prints one line when all is ready; ends, and removes what it made, as soon as its standard input is closed.
"""

import io
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

from cdb.running.native import Ports, Stack, StackConfig, select
from cdb.stack import view
from tests.support.network import switch_loopback
from tests.support.paths import ROOT

READY: Final = "ready"
START: Final = "up.svg"
"""What `make up` shows, as a picture in the state directory while the stack runs."""
QUICK: Final = {"CDB_METRIC_EXPORT_INTERVAL_S": "1", "CDB_SCRAPE_INTERVAL": "2s", "CDB_METRIC_EXPIRATION": "6s"}
"""As the demo runs, but with figures that arrive within seconds."""


def main() -> None:
    """Run the stack until standard input ends."""
    switch_loopback(on=True)
    state, root = Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else ROOT)
    stack = Stack(StackConfig.isolated(root, state, parts=select(()), environment=QUICK, ports=Ports.default()))
    picture = Console(record=True, file=io.StringIO(), width=88)
    picture.print("[bold]$ make up")
    try:
        with view.progress(picture) as on_progress:
            stack.start()
            if failure := stack.wait_ready(120, on_progress):
                sys.exit(f"{failure.part}: {failure.reason}\n" + "\n".join(failure.log_tail))
        picture.print(view.addresses(stack.config))
        picture.save_svg(str(state / START), title="claire-de-binare")
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        (state / START).unlink(missing_ok=True)
        stack.remove()


if __name__ == "__main__":
    main()
