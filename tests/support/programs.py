"""Programs that tests need on the machine: a missing one is a skip on a laptop and a failure in CI."""

import os
import shutil
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import pytest

from cdb.running.native import Part, StackConfig, StackError
from cdb.running.native.tools import otelcol

T = TypeVar("T")


def required(find: Callable[[], T]) -> T:
    """Return what *find* finds."""
    try:
        return find()
    except StackError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


def require_parts(config: StackConfig) -> None:
    """Have everything installed that the parts of *config* run."""

    def program(part: Part) -> str:
        return part.command(config)[0]

    for part in config.parts:
        required(partial(program, part))


def collector_program() -> str:
    """Return the path of the collector."""
    return required(otelcol)


def promtool() -> str:
    """Return the path of promtool, which comes with Prometheus."""
    return required_program("promtool", package="prometheus")


def amtool() -> str:
    """Return the path of amtool, which comes with Alertmanager."""
    return required_program("amtool", package="prometheus-alertmanager")


def required_program(name: str, *, package: str) -> str:
    """Return the path of a program of the Debian package *package*."""

    def find() -> str:
        if found := shutil.which(name):
            return found
        raise StackError(f"{name} is not installed: `make test` does it, or `apt-get install {package}`")

    return required(find)
