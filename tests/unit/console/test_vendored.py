"""Files of others that the console serves: as their package has them, with version, licence and checksum."""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import pytest

import console
from console.app import asset

VENDOR: Final = Path(console.__file__).parent / "static" / "vendor"
LISTED: Final[list[dict[str, Any]]] = json.loads((VENDOR / "VENDORED.json").read_text())


def test_every_vendored_file_is_listed() -> None:
    listed = {name for entry in LISTED for name in entry["files"]}
    assert listed | {"VENDORED.json"} == {file.name for file in VENDOR.iterdir()}


@pytest.mark.parametrize("entry", LISTED, ids=lambda entry: entry["package"])
def test_a_vendored_file_is_as_its_package_has_it(entry: dict[str, Any]) -> None:
    assert entry.keys() == {"name", "package", "version", "license", "files"}
    for name, about in entry["files"].items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == about["sha256"], name
    (script,) = (name for name in entry["files"] if name.endswith(".js"))
    assert entry["version"] in (VENDOR / script).read_text(encoding="utf-8")
    assert any("LICENSE" in name for name in entry["files"])


def test_a_vendored_script_is_fetched_once() -> None:
    assert asset("vendor/echarts.min.js").startswith("/static/vendor/echarts.min.js?v=")
