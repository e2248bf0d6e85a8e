"""Pinning by digest: what would be pulled, and what is written then. The registry is a stand-in on the path."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.paths import ROOT
from tests.system.containers.compose import is_ours, started

# Says of each image a digest that is made of its name; refuses what is called like $REFUSED.
DOCKER = """#!/bin/sh
for last in "$@"; do :; done
case $1 in
    pull) [ "$last" != "${REFUSED:-}" ] ;;
    image) printf '%s@sha256:%s\\n' "${last%%:*}" "$(printf %s "$last" | sha256sum | cut -d' ' -f1)" ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").write_text(DOCKER)
    (tmp_path / "bin" / "docker").chmod(0o755)
    for name in ("docker-compose.yml", "deploy/containers/pin-digests"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def pin(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{checkout / 'bin'}:{os.environ['PATH']}"
    script = str(checkout / "deploy" / "containers" / "pin-digests")
    env = {"PATH": path, **environment}
    return subprocess.run([script], capture_output=True, text=True, check=False, env=env, cwd="/")


def test_each_official_image_keeps_its_version_and_gets_its_digest(checkout: Path) -> None:
    assert pin(checkout).returncode == 0
    assert pin(checkout).returncode == 0, "also where it was done before"
    pinned = yaml.safe_load((checkout / "docker-compose.override.yml").read_text())["services"]
    official = {name: str(service["image"]) for name, service in started().items() if not is_ours(service)}
    assert {name: service["image"].split("@")[0] for name, service in pinned.items()} == official
    assert all("@sha256:" in service["image"] for service in pinned.values())
    assert len({service["image"] for service in pinned.values()}) == len(official)


def test_where_one_cannot_be_had_nothing_is_changed(checkout: Path) -> None:
    done = pin(checkout, REFUSED=started()["cdb_grafana"]["image"])
    assert (done.returncode, done.stderr) == (1, "grafana/grafana:13.2.3 cannot be pulled: nothing is changed\n")
    assert not list(checkout.glob("docker-compose.override*"))


def test_a_file_of_the_operators_own_is_left_alone(checkout: Path) -> None:
    own = checkout / "docker-compose.override.yml"
    own.write_text("services: {}\n")
    assert pin(checkout).returncode == 1
    assert own.read_text() == "services: {}\n"
