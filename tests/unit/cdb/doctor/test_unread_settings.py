"""What `cdb doctor` says of settings that are set and that nothing reads."""

import pytest

from cdb.doctor.unread_settings import without_effect
from cdb.running.native.envfile import TEMPLATE, read
from tests.support.paths import ROOT

MAIL = {"CDB_SMTP_SMARTHOST": "mail:587", "CDB_SMTP_FROM": "a@example.org", "CDB_SMTP_TO": "b@example.org"}


def said(way: str = "native", **given: str) -> list[str]:
    return without_effect(given, given, ROOT, way=way)


@pytest.mark.parametrize("way", ["native", "compose"])
def test_the_template_says_nothing_that_has_no_effect(way: str) -> None:
    lines = {name: value for name, value in read(TEMPLATE).items() if value}
    assert [line for line in without_effect(lines, lines, ROOT, way=way) if not line.startswith("MEXC_")] == []


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"TZ": "UTC"}, "TZ in .env is not a setting and has no effect"),
        ({"STOP_LOSS": "0.1"}, "STOP_LOSS in .env is not a setting: did you mean STOP_LOSS_PCT?"),
        (
            {"SIMULATOR_PACE": "2", "CDB_SOURCE": "replay"},
            "SIMULATOR_PACE: neither CDB_SOURCE nor CDB_STRATEGIES names what reads it",
        ),
        ({"CDB_SMTP_TO": "b@example.org"}, "CDB_SMTP_TO: CDB_SMTP_SMARTHOST is empty"),
        ({**MAIL, "CDB_SMTP_PASSWORD": "x"}, "CDB_SMTP_PASSWORD: CDB_SMTP_USER is empty"),
        ({"CDB_BASE_IMAGE": "debian:trixie"}, "CDB_BASE_IMAGE: only the Docker stack reads it"),
    ],
)
def test_a_setting_without_effect_is_named_with_the_reason(given: dict[str, str], line: str) -> None:
    assert said(**given) == [line]


def test_what_containers_do_not_get_is_named() -> None:
    assert said("compose", CDB_SCRAPE_INTERVAL="5s") == ["CDB_SCRAPE_INTERVAL: only the native stack reads it"]
    assert said("native", CDB_SCRAPE_INTERVAL="5s") == []


def test_a_default_that_is_written_down_for_another_source_is_not_told() -> None:
    assert said(SIMULATOR_PACE="1.0", CDB_SOURCE="replay") == []


def test_what_has_an_effect_is_not_told() -> None:
    assert said(**MAIL, SIMULATOR_PACE="2", MAX_POSITION_PCT="0.2", COMPOSE_PROJECT_NAME="x") == []
