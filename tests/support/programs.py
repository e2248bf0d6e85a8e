"""Programs that tests need. A missing one skips the test on a laptop and fails it in CI."""

import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from cdb.running.native import Part, StackConfig, StackError, tools

T = TypeVar("T")


def required(find: Callable[[], T]) -> T:
    """Result of *find*; if it raises StackError, the test is skipped (in CI it fails)."""
    try:
        return find()
    except StackError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


def require_parts(config: StackConfig) -> None:
    """Skip or fail unless the programs of all parts of *config* are installed."""

    def program(part: Part) -> str:
        built = part.built()
        return built.there() if built else part.command(config)[0]

    for part in config.parts:
        required(partial(program, part))


def collector_program() -> str:
    return required(tools.COLLECTOR.there)


def promtool() -> str:
    """Path of promtool, which comes with Prometheus."""
    return required(tools.PROMTOOL.there)


def amtool() -> str:
    """Path of amtool, which comes with Alertmanager."""
    return required(tools.AMTOOL.there)


def helm() -> str:
    """Path of helm, which only tests need."""

    def find() -> str:
        path = Path(sys.prefix) / "bin" / "helm"
        if not path.exists():
            raise StackError("Helm is not built yet: `make test` builds it")
        return str(path)

    return required(find)


def required_file(name: str, *places: str, package: str) -> str:
    """Path of a file from the Debian package *package*, in one of *places* (patterns of directories)."""

    def find() -> str:
        for place in places:
            if found := sorted(Path("/").glob(f"{place.lstrip('/')}/{name}")):
                return str(found[0])
        raise StackError(f"{name} is not installed: `make test` does it, or `apt-get install {package}`")

    return required(find)


def required_program(name: str, *, package: str) -> str:
    """Path of a program from the Debian package *package*."""

    def find() -> str:
        if found := shutil.which(name):
            return found
        raise StackError(f"{name} is not installed: `make test` does it, or `apt-get install {package}`")

    return required(find)
