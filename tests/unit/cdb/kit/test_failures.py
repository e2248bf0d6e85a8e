"""What is expected to go wrong is one line on standard error, and one documented exit code."""

from datetime import timedelta

import pytest
import typer

from cdb.kit.errors import AWAY, REFUSED, USAGE, Away, CommandError, Refused
from cdb.kit.failures import exit_codes, fail
from cdb.kit.options import confirm, duration
from services.errors import ServerAway


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (Refused("there is no such trace"), REFUSED, "cdb: there is no such trace"),
        (Away("Jaeger does not answer"), AWAY, "cdb: Jaeger does not answer; `cdb status` shows what runs"),
        (CommandError("no stack runs"), AWAY, "cdb: no stack runs"),
        (ServerAway("PostgreSQL", "gone"), AWAY, "cdb: PostgreSQL: gone"),
        (FileNotFoundError(2, "No such file", "x"), AWAY, "cdb: x: No such file"),
        (OSError(28, "No space left on device"), AWAY, "cdb: No space left on device"),
        (TimeoutError("timed out"), AWAY, "cdb: timed out"),
        (CommandError("\x1b[31mred"), AWAY, "cdb: \\x1b[31mred"),
    ],
)
def test_an_expected_error_is_one_line_and_its_code(
    error: Exception, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended, exit_codes():
        raise error
    (said,) = capsys.readouterr().err.splitlines()
    assert (ended.value.exit_code, said.startswith(line)) == (code, True), said


@pytest.mark.parametrize(("error", "code"), [(CommandError("x"), REFUSED), (OSError("x"), REFUSED), (Away("x"), AWAY)])
def test_a_command_may_decide_what_an_error_without_a_code_means(error: Exception, code: int) -> None:
    with pytest.raises(typer.Exit) as ended, exit_codes(REFUSED):
        raise error
    assert ended.value.exit_code == code


def test_what_is_not_expected_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), exit_codes():
        raise ZeroDivisionError
    with pytest.raises(typer.Exit) as ended, exit_codes(REFUSED):
        fail("as it was", code=AWAY)
    assert ended.value.exit_code == AWAY


def test_a_wrong_length_of_time_names_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert duration("--wait", "90", plain="s") == duration("--wait", "1.5m") == timedelta(seconds=90)
    with pytest.raises(typer.Exit) as ended:
        duration("--wait", "soon", plain="s")
    assert ended.value.exit_code == USAGE
    assert capsys.readouterr().err.startswith("cdb: --wait 'soon' is not a length of time: a number with")


def test_without_a_terminal_the_way_not_to_be_asked_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        confirm("Really?", instead="cdb clean --yes")
    assert ended.value.exit_code == REFUSED
    assert "`cdb clean --yes`" in capsys.readouterr().err
