"""When .venv has to be made anew."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.integration

IS_CURRENT = ". deploy/native/python.sh && environment_is_current run"
MADE_HERE = ". deploy/native/python.sh && made_here"
STAMP = '. deploy/native/python.sh && printf "run %s\\n" "$(environment_digest)" >.venv/.cdb-stamp'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Make a checkout whose .venv has Python and the project in it, and a stamp."""
    for part in ("deploy/native", "requirements"):
        shutil.copytree(ROOT / part, tmp_path / part)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / ".venv"], check=True)
    (tmp_path / "cdb").mkdir()
    (tmp_path / "cdb/__init__.py").touch()
    shutil.copy(shutil.which("true") or "", tmp_path / ".venv/bin/cdb")
    (site_packages(tmp_path) / "project.pth").write_text(f"{tmp_path}\n")
    assert shell(tmp_path, STAMP) == 0
    return tmp_path


def test_an_environment_as_the_lock_files_say_is_current(checkout: Path) -> None:
    assert shell(checkout, IS_CURRENT) == 0


def test_an_environment_whose_python_has_become_another_version_is_not_current(checkout: Path) -> None:
    """An upgrade of the system does that: .venv/bin/python leads to its new python3, which looks elsewhere."""
    site_packages(checkout).parent.rename(checkout / ".venv/lib/python3.10")
    assert shell(checkout, IS_CURRENT) != 0


def test_an_environment_whose_python_is_gone_is_not_current(checkout: Path) -> None:
    (checkout / ".venv/bin/python").unlink()
    assert shell(checkout, IS_CURRENT) != 0


def test_an_environment_from_another_lock_file_is_not_current(checkout: Path) -> None:
    with (checkout / "requirements/run.lock").open("a") as lock:
        lock.write("# changed\n")
    assert shell(checkout, IS_CURRENT) != 0


def test_an_environment_is_kept_where_it_was_made_and_not_where_it_was_moved_to(checkout: Path) -> None:
    assert shell(checkout, MADE_HERE) == 0
    moved = checkout.rename(checkout.with_name("elsewhere"))
    assert shell(moved, MADE_HERE) != 0


def test_an_environment_is_kept_if_the_checkout_is_entered_through_a_link(checkout: Path) -> None:
    link = checkout.with_name("link")
    link.symlink_to(checkout)
    assert shell(checkout, f"cd '{link}' && {MADE_HERE}") == 0


def site_packages(checkout: Path) -> Path:
    (found,) = (checkout / ".venv/lib").glob("python3.*/site-packages")
    return found


def shell(checkout: Path, command: str) -> int:
    return subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=checkout, check=False).returncode
