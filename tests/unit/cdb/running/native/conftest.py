"""A folder with a fresh .env for each test."""

from pathlib import Path

import pytest

from cdb.running.native import envfile


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    envfile.ensure(tmp_path / ".env")
    return tmp_path
