"""With CDB_PROMETHEUS=debian it runs on the distribution's Prometheus and Alertmanager; what they stored is kept."""

import json
import time
from pathlib import Path

import pytest

from tests.support.backups import drawn_before
from tests.support.bot import LIVELY, running_bot
from tests.support.programs import required_program
from tests.support.versions import image_version
from tests.support.waiting import until
from tests.system.native.conftest import OFTEN

pytestmark = pytest.mark.e2e

BUILT = image_version("cdb_prometheus")


def test_an_archive_made_with_it_is_restored_on_the_built_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("prometheus", "prometheus-alertmanager"):
        required_program(package, package=package)
    settings = {**LIVELY, **OFTEN}
    with monkeypatch.context() as patch:
        patch.setenv("CDB_PROMETHEUS", "debian")
        with running_bot(tmp_path / "before", settings, parts=()) as bot:
            assert bot.prometheus("status/buildinfo")["version"] != BUILT
            bot.wait_trading()
            at, drawn = until(
                lambda: (now := time.time(), drawn_before(now, bot.prometheus)),
                holds=lambda seen: all(seen[1]),
                within_s=90,
                what="something on every chart",
            )
            saved = bot.cdb("backup", str(tmp_path), "--json")
            assert saved.returncode == 0, saved.stderr
            archive = json.loads(saved.stdout)
    with running_bot(tmp_path / "after", settings, parts=()) as bot:
        assert bot.prometheus("status/buildinfo")["version"] == BUILT
        restored = bot.cdb("restore", archive["file"], "--yes", within_s=240)
        assert restored.returncode == 0, restored.stderr
        assert drawn_before(at, bot.prometheus) == drawn
        bot.wait_trading()
        bot.quiesce()
        bot.audit()
