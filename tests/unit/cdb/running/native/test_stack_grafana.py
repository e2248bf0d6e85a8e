"""Grafana as a part: there where it is installed, with its secret in a file of its own; else one line says so."""

import configparser
import stat
from pathlib import Path

import pytest

from cdb.running.native import StackConfig, StackError, grafana, select
from cdb.running.native.supervisor import render
from tests.support.paths import ROOT


@pytest.fixture
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put what an unpacked Grafana looks like on the PATH; it is not started."""
    home = tmp_path / "grafana-13"
    for name in ("bin", "conf"):
        (home / name).mkdir(parents=True)
    (home / "conf/defaults.ini").touch()
    (home / "bin/grafana").write_text("#!/bin/sh\n", encoding="utf-8")
    (home / "bin/grafana").chmod(0o755)
    monkeypatch.setenv("PATH", str(home / "bin"))
    return home


def a_config(state: Path) -> StackConfig:
    config = StackConfig.isolated(ROOT, state, parts=select(("grafana",)))
    config.layout.create()
    grafana.prepare(config)
    return config


@pytest.mark.skipif(grafana.installed(), reason="there is a Grafana here")
def test_without_grafana_there_is_no_such_part_and_asking_for_it_says_so() -> None:
    assert "grafana" not in [part.name for part in select(())]
    config = StackConfig.isolated(ROOT, ROOT / ".cdb", parts=select(("grafana",)))
    with pytest.raises(StackError, match="Grafana is not installed"):
        config.part("grafana").command(config)


@pytest.mark.usefixtures("unpacked")
def test_with_grafana_it_is_a_part_like_any_other() -> None:
    assert "grafana" in [part.name for part in select(())]


def test_its_command_line_has_its_files_and_no_secret(unpacked: Path, tmp_path: Path) -> None:
    config = a_config(tmp_path / "state")
    command = config.part("grafana").command(config)
    assert command[:2] == (str(unpacked / "bin/grafana"), "server")
    assert f"--homepath={unpacked}" in command or "--homepath=/usr/share/grafana" in command
    assert config.environment["GRAFANA_PASSWORD"] not in render(config, "the socket's")


@pytest.mark.usefixtures("unpacked")
def test_its_password_is_in_a_file_that_only_the_owner_reads(tmp_path: Path) -> None:
    config = a_config(tmp_path / "state")
    place = config.layout.grafana_conf
    settings = configparser.RawConfigParser()
    settings.read(place / "grafana.ini", encoding="utf-8")
    secret = Path(settings["security"]["admin_password"].removeprefix("$__file{").removesuffix("}"))
    assert secret.read_text(encoding="utf-8") == config.environment["GRAFANA_PASSWORD"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} == {0o600}
    assert config.environment["GRAFANA_PASSWORD"] not in (place / "grafana.ini").read_text(encoding="utf-8")


@pytest.mark.usefixtures("unpacked")
def test_it_listens_on_loopback_and_begins_with_the_trading_overview(tmp_path: Path) -> None:
    config = a_config(tmp_path / "state")
    settings = configparser.RawConfigParser()
    settings.read(config.layout.grafana_conf / "grafana.ini", encoding="utf-8")
    assert dict(settings["server"]) == {"http_addr": "127.0.0.1", "http_port": str(config.ports.grafana)}
    home = Path(settings["dashboards"]["default_home_dashboard_path"])
    assert home.read_text(encoding="utf-8").count('"uid": "cdb-trading-overview"') == 1
    assert Path(settings["paths"]["provisioning"]).is_dir()


def test_nothing_of_it_is_left_when_the_stack_is_removed(unpacked: Path, tmp_path: Path) -> None:
    config = a_config(tmp_path / "state")
    assert config.layout.remove() == []
    assert not config.state_dir.exists()
    assert unpacked.exists()
