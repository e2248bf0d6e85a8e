"""The file .env: made once, completed, never overwritten."""

from pathlib import Path

import pytest

from cdb.running.native import StackError, envfile

GENERATED = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "GRAFANA_PASSWORD")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_file_has_every_setting_and_is_private(tmp_path: Path) -> None:
    change = envfile.ensure(tmp_path / ".env")
    settings = envfile.read(tmp_path / ".env")
    assert change.created
    assert mode(tmp_path / ".env") == 0o600
    assert set(settings) == {entry.name for entry in envfile.ENTRIES}
    assert settings["POSTGRES_USER"] == "claire"
    assert settings["MAX_DAILY_DRAWDOWN_PCT"] == "0.05"


def test_generated_secrets_are_long_and_all_different(tmp_path: Path) -> None:
    for name in ("a", "b"):
        envfile.ensure(tmp_path / name)
    secrets = [envfile.read(tmp_path / name)[key] for name in ("a", "b") for key in GENERATED]
    assert len(set(secrets)) == 6
    assert min(len(secret) for secret in secrets) >= 32


def test_secrets_made_for_a_test_are_marked_and_nothing_else_is(tmp_path: Path) -> None:
    envfile.ensure(tmp_path / ".env", mark=envfile.TEST_MARK)
    marked = {name for name, value in envfile.read(tmp_path / ".env").items() if value.startswith("test-")}
    assert marked == {*GENERATED, "CDB_OPERATOR_TOKEN", "CDB_OTLP_TOKEN", "CDB_MONITORING_PASSWORD"}


def test_what_is_there_stays_and_only_missing_keys_are_appended(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    before = "# mine\nREDIS_PASSWORD='my own'\nMAX_POSITION_PCT=0.02"  # no newline at the end
    path.write_text(before)
    change = envfile.ensure(path)
    assert path.read_text().startswith(before + "\n")
    assert "REDIS_PASSWORD" not in change.added
    assert envfile.read(path)["REDIS_PASSWORD"] == "my own"
    assert envfile.read(path)["MAX_POSITION_PCT"] == "0.02"


def test_a_complete_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    envfile.ensure(path)
    before = path.read_bytes()
    change = envfile.ensure(path)
    assert (change.created, change.added, change.mode_tightened) == (False, (), False)
    assert path.read_bytes() == before


def test_a_file_that_others_may_read_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("")
    path.chmod(0o644)
    assert envfile.ensure(path).mode_tightened
    assert mode(path) == 0o600


def test_an_empty_secret_is_refused_by_name() -> None:
    settings = {entry.name: "x" for entry in envfile.ENTRIES} | {"REDIS_PASSWORD": ""}
    with pytest.raises(StackError, match=r"REDIS_PASSWORD is empty in \.env"):
        envfile.refuse_bad_values(settings, source=".env")


def test_a_secret_with_a_line_break_is_refused_without_showing_it() -> None:
    settings = {entry.name: "x" for entry in envfile.ENTRIES} | {"REDIS_PASSWORD": "hush\nhush"}
    with pytest.raises(StackError, match=r"REDIS_PASSWORD .* control character") as refusal:
        envfile.refuse_bad_values(settings, source=".env")
    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("A=a$b", r"^A in .*/\.env has a \$, which Docker Compose replaces: write the value in single quotes"),
        ('A="${B}"', r"^A in .*/\.env has a \$, which"),
        (r'A="it\'s"', r"^A in .*/\.env has \\' or \\0 in double quotes"),
        (r"A='a\\b'", r"^A in .*/\.env has \\\\ in single quotes, which Docker Compose keeps: leave the quotes out$"),
        ("A= # the default", r"^A in .*/\.env has a #, which for Docker Compose begins no comment there"),
        ("A=5\t# five", r"^A in .*/\.env has a #, which"),
        ("A='a'b", r"^line 3 of .*/\.env cannot be read"),
        ("MAX_POSITION_PCT: 0.05", r"^line 3 of .*/\.env cannot be read: it must be NAME=VALUE"),
        ("MAX_POSITION_PCT 0.05", r"^line 3 of .*/\.env cannot be read: it must be NAME=VALUE"),
        ("MAX_POSITION_PCT", r"^line 3 of .*/\.env cannot be read: it must be NAME=VALUE"),
        ("A='open", r"^line 3 of .*/\.env cannot be read: it must be NAME=VALUE"),
    ],
)
def test_what_docker_compose_would_read_differently_is_refused_without_the_value(
    tmp_path: Path, line: str, said: str
) -> None:
    (tmp_path / ".env").write_text(f"B=1\n\n{line}\n")
    with pytest.raises(StackError, match=said) as refusal:
        envfile.read_strictly(tmp_path / ".env")
    assert "a$b" not in str(refusal.value)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A='a$b'", "a$b"),
        ("A='${HOME} #1'", "${HOME} #1"),
        ("A=plain # costs $5", "plain"),
        ('A="two words"', "two words"),
        (r"A=back\slash", r"back\slash"),
        ("A=a#b", "a#b"),
        (r'A="say \"hi\""', 'say "hi"'),
        ("export A = b", "b"),
        ("A='b'  # it's $5", "b"),
        ("A=", ""),
    ],
)
def test_what_docker_compose_reads_as_we_do_is_accepted(tmp_path: Path, line: str, value: str) -> None:
    """tests/system/containers/test_compose_command.py asks Compose itself."""
    (tmp_path / ".env").write_text(f"# a comment with a $\n{line}\r\n")
    envfile.read_strictly(tmp_path / ".env")
    assert envfile.read(tmp_path / ".env") == {"A": value}


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\ufeffA=1\n", encoding="utf-8")
    assert envfile.read(tmp_path / ".env") == {"A": "1"}


def test_the_exchange_keys_may_be_empty() -> None:
    settings = {entry.name: "x" for entry in envfile.ENTRIES} | {"MEXC_API_KEY": "", "MEXC_API_SECRET": ""}
    envfile.refuse_bad_values(settings, source=".env")
