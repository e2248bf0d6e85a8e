"""What a backup must bring back, whichever way the stack runs."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from cdb.backup import archive

_DRAWN: Final = ("sum(cdb_signals_generated_total)", "sum(cdb_trades_executed_total)", "max(cdb_total_exposure_pct)")


def drawn_before(at: float, prometheus: Callable[..., Any]) -> list[Any]:
    """Series that three panels of the dashboards draw of the minute before *at*; None for each that is not answered.

    *prometheus* asks GET /api/v1/<path> with parameters.
    """
    minute = {"start": str(at - 60), "end": str(at), "step": "5"}
    answers = (prometheus("query_range", query=query, **minute) for query in _DRAWN)
    return [answer and answer["result"] for answer in answers]


def half_of_the_ledger(saved: Path, folder: Path) -> Path:
    """An archive that is sound but for the ledger's dump, of which the end is missing."""
    broken = folder / "broken.tar"
    with archive.opened(saved) as found:
        files = {name: found.extract(name, folder) for name in found.manifest.members}
        dump = files["ledger.dump"]
        os.truncate(dump, dump.stat().st_size * 3 // 4)
        members = {name: archive.described(file) for name, file in files.items()}
        manifest = msgspec.structs.replace(found.manifest, members=members)
        archive.write(broken, manifest, files, partial=folder / "partial")
    return broken
