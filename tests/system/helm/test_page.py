"""docs/kubernetes.md: what it shows renders, and it names the values that there are."""

import re
import shlex
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.containers.handover import NEEDED
from tests.support.paths import ROOT
from tests.system.helm.rendered import CHART, environment, pods, template

PAGE: Final = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
VALUES: Final = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))


def test_the_values_that_the_page_shows_are_taken(tmp_path: Path) -> None:
    [shown] = re.findall(r"^```yaml\n(.+?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    file = tmp_path / "values.yaml"
    file.write_text(shown)
    assert "name: cdb-risk" in template("--values", file).stdout


def test_the_command_that_installs_the_bot_is_taken() -> None:
    [install] = re.findall(r"^helm install .+$", PAGE, flags=re.MULTILINE)
    program, verb, release, chart, *options = shlex.split(install)
    assert (program, verb, release, ROOT / chart) == ("helm", "install", "bot", CHART)
    assert "name: cdb-prometheus" in template(*[word for word in options if word not in {"-n", "trading"}]).stdout


def test_the_page_names_every_group_of_values_and_none_that_is_not_there() -> None:
    named = set(re.findall(rf"`((?:{'|'.join(VALUES)})(?:\.[A-Za-z]+)*)`", PAGE))
    assert {path.split(".")[0] for path in named} == set(VALUES)
    for path in named - {"settings.NAME"}:
        found: Any = VALUES
        for part in path.split("."):
            assert part in found, path
            found = found[part]


def test_the_page_names_the_secrets_that_there_are() -> None:
    assert not [name for name in NEEDED.values() if f"`{name}`" not in PAGE]


def test_the_exporter_finds_its_password_by_the_address_of_redis() -> None:
    pod = pods("other_names")["redis-exporter"]
    [init] = pod.spec["initContainers"]
    given = environment(init)
    assert f"-redis.addr=redis://{given['REDIS_HOST']}:{given['REDIS_PORT']}" in pod.container["args"]
