"""Strategies and sources are found by name, ours and other people's."""

import sys
from pathlib import Path

import pytest

from services import plugins
from services.core import strategies
from services.core.__main__ import find_strategies
from services.core.strategies.momentum_v1 import Momentum
from services.ws import sources
from services.ws.sources.replay import ReplaySource

KNOWN = ", ".join(sorted(file.stem for file in Path(*strategies.__path__).glob("*_v*.py")))


def test_ours_are_found_by_the_name_of_their_module() -> None:
    assert plugins.find(strategies, "momentum_v1", "STRATEGY") is Momentum
    assert plugins.find(sources, "replay", "SOURCE") is ReplaySource


def test_somebody_elses_are_found_as_module_and_class() -> None:
    assert plugins.find(strategies, "services.core.strategies.momentum_v1:Momentum", "STRATEGY") is Momentum


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("momentum_v2", f"there are {KNOWN}, or package.module:Class; did you mean momentum_v1?"),
        ("port", f"there are {KNOWN}, or package.module:Class"),
        ("nowhere.at.all:Strategy", "No module named 'nowhere'"),
        ("services.core:Nothing", "module 'services.core' has no attribute 'Nothing'"),
    ],
)
def test_what_is_not_there_ends_the_start_with_what_there_is(
    name: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        find_strategies([name])
    assert capsys.readouterr().err == f"CDB_STRATEGIES={name!r} is refused: {says}\n"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory where Python does not look for modules, before or after the test."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


def test_the_directory_of_others_is_searched_last(elsewhere: Path) -> None:
    (elsewhere / "of_a_plugin_test.py").write_text("class Mine: ...")
    (elsewhere / "statistics.py").write_text("class Mine: ...")
    assert plugins.find(strategies, "of_a_plugin_test:Mine", "STRATEGY", path=str(elsewhere)).__name__ == "Mine"
    with pytest.raises(plugins.UnknownPlugin, match="has no attribute 'Mine'"):
        plugins.find(strategies, "statistics:Mine", "STRATEGY", path=str(elsewhere))


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("class Mine", r"SyntaxError: expected ':'"),
    ],
)
def test_a_module_that_cannot_be_imported_is_refused_with_its_error(code: str, says: str, elsewhere: Path) -> None:
    (elsewhere / "broken_of_a_test.py").write_text(code)
    with pytest.raises(plugins.UnknownPlugin, match=f"^broken_of_a_test cannot be imported: {says}"):
        plugins.find(strategies, "broken_of_a_test:Mine", "STRATEGY", path=str(elsewhere))


@pytest.mark.parametrize("name", ["momentum_v1", "mean_reversion_v1"])
def test_a_strategy_is_called_as_its_module(name: str) -> None:
    assert find_strategies([name])[0].name == name
