"""The bootstrap in somebody else's shell: locale, Python's and pip's variables, folders."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.hostile import german_locale
from tests.support.paths import ROOT

pytestmark = pytest.mark.integration

PARTS: Final = "set -euo pipefail; for part in shell lib python; do . deploy/native/$part.sh; done; "
PIP_CONF: Final = """
[global]
index-url = https://mirror.example/simple
extra-index-url =
    https://one.example
    https://two.example
timeout = 7
no-deps = true
[install]
user = true
target = /nonexistent
timeout = 8
"""
# Asks the real pip for its settings, and shows what it would be called with.
PYTHON: Final = f"""#!/bin/sh
case "$*" in
    *"config list") exec {sys.executable} "$@" ;;
    "-m pip"*) env | grep ^PIP_ | sort; echo "$@" ;;
    *) echo "$LC_ALL" "$@" ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Copy the bootstrap into a place with a space, a quote and an umlaut; its Python only says what it would do."""
    checkout = tmp_path / "l'été für mich"
    for part in ("deploy", "requirements"):
        shutil.copytree(ROOT / part, checkout / part)
    shutil.copy(ROOT / "pyproject.toml", checkout)
    (checkout / ".venv/bin").mkdir(parents=True)
    python = checkout / ".venv/bin/python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    return checkout


def bash(checkout: Path, command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-c", PARTS + command],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("name", ["LC_ALL", "LC_NUMERIC", "LANG"])
def test_progress_is_printed_in_every_locale(checkout: Path, tmp_path: Path, name: str) -> None:
    german = german_locale(tmp_path / "locales")
    done = bash(checkout, "step ready", LOCPATH=german["LOCPATH"], **{name: german["LC_ALL"]})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["0.0", "s", "ready"]


def test_of_pips_settings_those_count_that_say_where_packages_come_from(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text(PIP_CONF)
    given = {
        "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"),
        "PIP_CERT": "/etc/their ca.pem",
        "PIP_USER": "1",
        "PIP_REQUIRE_VIRTUALENV": "1",
        "PIP_NO_BINARY": ":all:",
        "PIP_DRY_RUN": "1",
    }
    done = bash(checkout, "pip_install -r lock", HOME=str(tmp_path), **given)
    assert (done.returncode, done.stderr) == (0, "")
    *settings, command = done.stdout.splitlines()
    assert settings == [
        "PIP_CERT=/etc/their ca.pem",
        "PIP_CONFIG_FILE=/dev/null",
        "PIP_EXTRA_INDEX_URL= https://one.example https://two.example",
        "PIP_INDEX_URL=https://mirror.example/simple",
        "PIP_TIMEOUT=8",
    ]
    assert command == "-m pip --disable-pip-version-check --no-input install --quiet -r lock"


def test_without_any_setting_of_pip_there_is_none(checkout: Path, tmp_path: Path) -> None:
    empty = {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path), "PIP_CONFIG_FILE": "/dev/null"}
    done = bash(checkout, "pip_install -r lock", **empty)
    assert done.stdout.splitlines()[:-1] == ["PIP_CONFIG_FILE=/dev/null"]


def test_nothing_of_the_shell_chooses_modules_or_the_target_of_a_build(checkout: Path) -> None:
    foreign = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "GOROOT", "GOOS", "GOARCH", "TMPDIR")
    done = bash(checkout, "env; mktemp", **dict.fromkeys(foreign, "/nonexistent"))
    assert done.returncode == 0, done.stderr
    assert not {line.partition("=")[0] for line in done.stdout.splitlines()} & set(foreign)


def test_the_command_is_started_apart_from_the_shells_python_wherever_it_is(checkout: Path) -> None:
    assert bash(checkout, "make_command").returncode == 0
    command = checkout / ".venv/bin/cdb"
    command.chmod(0o755)
    said = subprocess.run([command, "audit", "a b"], capture_output=True, text=True, check=True).stdout
    assert said == "C.UTF-8 -I -m cdb audit a b\n"


@pytest.mark.parametrize("script", ["native/bootstrap", "containers/make-env", "containers/pin-digests"])
def test_a_script_finds_its_checkout_whatever_cdpath_says(checkout: Path, tmp_path: Path, script: str) -> None:
    """Its own relative path is looked up in CDPATH, where another checkout may have the same folders."""
    other = tmp_path / "other"
    shutil.copytree(checkout / "deploy", other / "deploy")
    script = f"deploy/{script}"
    lines = (checkout / script).read_text(encoding="utf-8").splitlines()
    until_there = next(number for number, line in enumerate(lines) if line.startswith("cd ")) + 1
    (checkout / script).write_text("\n".join([*lines[:until_there], "pwd", ""]), encoding="utf-8")
    done = subprocess.run(
        [script, "run"],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], "CDPATH": str(other)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{checkout}\n"
