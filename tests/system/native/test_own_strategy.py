"""docs/strategies.md: what it has readers write in a directory of theirs is tested, backtested and run as it says."""

import re
import shlex
import sys
from pathlib import Path
from typing import Final

import pytest

from cdb.kit.errors import USAGE
from tests.support.paths import ROOT
from tests.system.native.replay_operator import REAL, Operator

pytestmark = pytest.mark.e2e

PAGE: Final = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")
FILES: Final = dict(re.findall(r"^`~/strategies/(\w+\.py)`:\n\n```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
COMMANDS: Final = re.findall(r"^\.venv/bin/(.+)$", PAGE, re.MULTILINE)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The reader's directory, outside of the project."""
    place = tmp_path / "strategies"
    place.mkdir()
    for name, code in FILES.items():
        (place / name).write_text(code, encoding="utf-8")
    return place


def documented(beginning: str, directory: Path) -> list[str]:
    """The words of the page's one command that begins so, with the reader's directory."""
    (command,) = (one for one in COMMANDS if one.startswith(beginning))
    return shlex.split(re.sub(r"(\$HOME|~)/strategies", str(directory), command))


def test_its_own_test_passes(operator: Operator, directory: Path) -> None:
    _, *words = documented("python -m pytest", directory)
    done = operator.run(sys.executable, *words, "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_a_backtest_trades_with_it_and_holds_for_the_audit(operator: Operator, directory: Path) -> None:
    _, _, *words = documented("cdb backtest", directory)
    found = operator.backtest(*words, "--into", "own")
    assert found["by_strategy"]["crossing_v1"]["trades"] > 0
    assert {row[3] for row in operator.rows("own")["signals"]} == {"crossing_v1"}
    audit = operator.cdb("audit", "--replay", "own")
    assert audit.returncode == 0, audit.stdout + audit.stderr
    grid = operator.backtest(*words[:-2], "--grid", "CROSSING_SLOW=100,200", "--jobs", "2")
    assert len(grid["combinations"]) == 2


def test_the_services_find_it_where_a_backtest_does(operator: Operator, directory: Path) -> None:
    _, _, file, *words = documented("cdb backtest", directory)
    place = words.index("--strategy")
    words[place : place + 2] = ["--set", f"CDB_STRATEGIES={words[place + 1]}"]
    backtested = operator.backtest(file, *words)["summary"]
    assert backtested["signals"] > 0
    assert operator.replay(Path(file), *words) == backtested


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("import Annotated", "import Nothing"), "CDB_STRATEGIES='crossing:Crossing' is refused: cannot import name"),
        (('"""Strategy', 'import sys; sys.exit(0)\n"""Strategy'), "crossing cannot be imported: SystemExit: 0"),
        (("self._seen = 0", "raise SystemExit(0)"), "CDB_STRATEGIES='crossing:Crossing' is refused: SystemExit: 0"),
        (("self._seen += 1", "raise SystemExit(0)"), "crossing_v1 failed: RuntimeError: it called sys.exit(0)"),
    ],
    ids=["import", "exit at import", "exit at start", "exit at a trade"],
)
def test_one_that_is_broken_or_leaves_is_told_with_its_error(
    operator: Operator, directory: Path, change: tuple[str, str], said: str
) -> None:
    file = directory / "crossing.py"
    file.write_text(file.read_text().replace(*change, 1))
    _, _, *words = documented("cdb backtest", directory)
    run = operator.cdb("backtest", *words)
    assert run.returncode == 1
    assert said in run.stderr


def test_two_options_that_name_strategies_are_refused_with_both(operator: Operator) -> None:
    run = operator.cdb("backtest", str(REAL), "--strategy", "momentum_v1", "--set", "CDB_STRATEGIES=mean_reversion_v1")
    assert run.returncode == USAGE
    assert "--strategy momentum_v1 and --set CDB_STRATEGIES=mean_reversion_v1: remove one of them" in run.stderr
