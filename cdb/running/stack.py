"""The operator's stack, whichever way it runs: commands ask `running_stack()` where its parts are and how they do."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cdb.kit.paths import ROOT
from cdb.running.base import RunningStack
from cdb.running.compose_stack import ComposeStack
from cdb.running.errors import StackError
from cdb.running.native_stack import NativeStack

_WAYS: Final[dict[str, type[RunningStack]]] = {kind.way: kind for kind in (NativeStack, ComposeStack)}


def running_stack(root: Path = ROOT, environ: Mapping[str, str] = os.environ) -> RunningStack:
    """Find the operator's stack, in the way that CDB_STACK says; raises StackError for an unknown one."""
    way = environ.get("CDB_STACK") or NativeStack.way
    if way not in _WAYS:
        raise StackError(f"CDB_STACK={way!r:.80} is invalid: it must be {' or '.join(_WAYS)}")
    return _WAYS[way](root, environ)
