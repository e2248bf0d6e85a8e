"""Which variables of this shell somebody might take for the stack's."""

import re
from typing import Final

import psutil

from cdb.doctor.findings import Finding, ok, warn
from cdb.running.base import RunningStack
from cdb.running.native.shell import ACCOUNTS, OWN_SERVERS

_OF_OTHERS: Final = re.compile(r"(OTEL|GRPC|PIP)_\w+|PG[A-Z]+|PYTHON[A-Z]+|((http|https|all|no|ftp)_proxy)")


def variables(stack: RunningStack) -> Finding:
    """No account or server of another project is set; what is for other programs is named, and has no effect."""
    shell = psutil.Process().environ()  # as the command was started: some are removed since
    others = sorted(name for name in shell if _OF_OTHERS.fullmatch(name) or _OF_OTHERS.fullmatch(name.lower()))
    said = f"without effect: {', '.join(others) or 'none is set'}"
    own = ACCOUNTS | OWN_SERVERS.keys()
    if foreign := sorted(name for name in own & shell.keys() if shell[name] != stack.settings.get(name)):
        return warn(
            f"set in this shell, but the stack runs with another value: {', '.join(foreign)}; {said}",
            f"the stack's accounts are in {stack.root / '.env'}; unset what is meant for another project",
        )
    return ok(said)
