"""Where the commands that look inside look."""

from pathlib import Path

import pytest

from cdb.running.addresses import bus_settings, ledger_settings
from cdb.running.native import StackError

SECRETS = {"POSTGRES_PASSWORD": "p", "REDIS_PASSWORD": "r"}


def test_the_environment_goes_before_the_file_and_that_before_defaults(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=file\nPOSTGRES_DB=from_file\nPOSTGRES_USER=filed\n")
    found = ledger_settings(tmp_path, {"POSTGRES_DB": "chosen", "POSTGRES_PORT": "25432"})
    assert (found.postgres_db, found.postgres_port, found.postgres_user) == ("chosen", 25432, "filed")
    assert (found.postgres_password.get_secret_value(), found.postgres_host) == ("file", "127.0.0.1")


def test_in_a_container_secrets_are_in_files(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "REDIS_PASSWORD").write_text("filed\n")
    found = bus_settings(tmp_path / "root", {"CDB_SECRETS_DIR": str(tmp_path), "REDIS_HOST": "cdb_redis"})
    assert (found.redis_password.get_secret_value(), found.redis_host) == ("filed", "cdb_redis")


def test_what_the_command_line_says_goes_before_all(tmp_path: Path) -> None:
    found = ledger_settings(tmp_path, {**SECRETS, "POSTGRES_DB": "chosen"}, database="other", port=1, host="::1")
    assert (found.postgres_db, found.postgres_port, found.postgres_host) == ("other", 1, "::1")


def test_only_the_settings_of_the_server_in_question_are_needed(tmp_path: Path) -> None:
    assert bus_settings(tmp_path, {"REDIS_PASSWORD": "r", "REDIS_PORT": "26379"}).redis_port == 26379


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, "POSTGRES_PASSWORD is not set"),
        ({"POSTGRES_PASSWORD": ""}, "POSTGRES_PASSWORD is refused"),
        ({**SECRETS, "POSTGRES_PORT": "five"}, "POSTGRES_PORT='five' is no port"),
    ],
)
def test_a_missing_or_wrong_setting_is_named(tmp_path: Path, environ: dict[str, str], says: str) -> None:
    with pytest.raises(StackError, match=says):
        ledger_settings(tmp_path, environ)


def test_no_error_shows_a_secret(tmp_path: Path) -> None:
    with pytest.raises(StackError) as refusal:
        ledger_settings(tmp_path, {"POSTGRES_PASSWORD": "hush", "POSTGRES_DB": ""})
    assert "hush" not in str(refusal.value)
