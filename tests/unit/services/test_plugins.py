"""Strategies and sources are found by name, ours and other people's."""

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


@pytest.mark.parametrize("name", ["momentum_v1"])
def test_a_strategy_is_called_as_its_module(name: str) -> None:
    assert find_strategies([name])[0].name == name
