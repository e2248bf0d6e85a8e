"""Programs built from Go modules: once for all checkouts, whole or not at all. The toolchain is a stand-in."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.waiting import until

pytestmark = pytest.mark.integration

NAMES = "lib packages python go node collector jaeger prometheus alertmanager"
PARTS = f"set -euo pipefail; for part in {NAMES}; do . deploy/native/$part.sh; done; "
# What the builder is asked to do takes as long as the test wants: until something is written into the pipe.
GO = """#!/bin/sh
if [ "$1" = env ]; then [ "$2" != GOVERSION ] || echo "$GO_VERSION"; exit; fi
echo "$*" >>"$GO_LOG"
if [ "$1" = run ] && [ -n "$GO_PIPE" ]; then read -r anything <"$GO_PIPE"; fi
if [ -n "$GO_ERROR" ]; then echo "$GO_ERROR" >&2; exit 1; fi
if [ "$1" = mod ]; then
    for room in web/ui cmd/jaeger/internal/extension/jaegerstorage internal/storage/v1/factory; do
        mkdir -p "module/$room" && echo "theirs of $room" >"module/$room/theirs.go"
    done
    printf '\t"Dir": "%s",\n' "$PWD/module"
    exit
fi
if [ "$1" = build ]; then
    if [ "$2" = -C ]; then cd "$3"; fi
    while [ "$1" != -o ]; do shift; done
    { echo '#!/bin/sh'; find . -name '*.go' -exec sed 's/^/# /' {} +; } >"$2" && chmod 755 "$2"
    exit
fi
mkdir otelcol
"""


@dataclass(frozen=True)
class Machine:
    """A cache, a Go, and checkouts that share them."""

    home: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def pipe(self) -> Path:
        return self.home / "pipe"

    @property
    def builds(self) -> list[str]:
        """The commands that the toolchain was given, but for questions about itself."""
        log = self.home / "log"
        return log.read_text().splitlines() if log.exists() else []

    @property
    def verbs(self) -> list[str]:
        """What each command of `builds` is."""
        return [command.split()[0] for command in self.builds]

    @property
    def finished(self) -> list[Path]:
        return sorted(self.cache.glob("otelcol-*/*"))

    def checkout(self, name: str) -> Path:
        """The directory of a checkout with a virtual environment in which there is nothing."""
        checkout = self.home / name
        for part in ("deploy/native", "otel-collector", "requirements"):
            shutil.copytree(ROOT / part, checkout / part)
        (checkout / ".venv/bin").mkdir(parents=True)
        return checkout

    def start(self, checkout: Path, command: str = "provide_otelcol", **environment: str) -> subprocess.Popen[str]:
        """Start a part of the bootstrap in a process group of its own."""
        given = {"CDB_CACHE_DIR": str(self.cache), "GO_LOG": str(self.home / "log"), "GO_VERSION": "go1.26.0"}
        process = subprocess.Popen(
            ["bash", "-c", PARTS + command],
            cwd=checkout,
            env={"PATH": f"{self.home}:{os.environ['PATH']}", "HOME": str(self.home), **given, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def start_until_building(self, checkout: Path) -> subprocess.Popen[str]:
        """Start one that stays in the middle of its build until something is written into the pipe."""
        process = self.start(checkout, GO_PIPE=str(self.pipe))
        until(lambda: self.builds, what="the beginning of the build")
        return process

    def stop(self) -> None:
        """End what is left, also what outlives the one that started it."""
        for process in self.started:
            if process.returncode is None:  # not waited for, so the number is still its own
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.communicate()

    def run(self, checkout: Path, command: str = "provide_otelcol", **environment: str) -> tuple[int, str, str]:
        """Run a part of the bootstrap; return its status, output and errors."""
        process = self.start(checkout, command, **environment)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    go = tmp_path / "go"
    go.write_text(GO)
    go.chmod(0o755)
    os.mkfifo(tmp_path / "pipe")
    machine = Machine(tmp_path)
    yield machine
    machine.stop()


def place(machine: Machine, checkout: Path) -> Path:
    components = '"$(<otel-collector/builder.yaml)"'
    return Path(machine.run(checkout, f'program_path otelcol "$collector_builder" {components}')[1].strip())


def test_what_is_in_the_cache_is_linked_and_not_built(machine: Machine) -> None:
    checkout = machine.checkout("one")
    prepared = place(machine, checkout)
    prepared.parent.mkdir(parents=True)
    prepared.write_text("")
    prepared.chmod(0o755)
    link = checkout / ".venv/bin/otelcol"
    link.symlink_to("nowhere")
    assert machine.run(checkout) == (0, "", "")
    assert link.resolve() == prepared
    assert machine.builds == []


def test_other_components_are_another_program_and_the_first_one_stays(machine: Machine) -> None:
    checkout = machine.checkout("one")
    assert machine.run(checkout)[0] == 0
    (first,) = machine.finished
    with (checkout / "otel-collector/builder.yaml").open("a") as components:
        components.write("# changed\n")
    assert machine.run(checkout)[0] == 0
    assert machine.verbs == ["run", "build"] * 2
    assert len(machine.finished) == 2
    assert first in machine.finished
    assert (checkout / ".venv/bin/otelcol").resolve() == place(machine, checkout) != first


def test_two_checkouts_at_once_build_once(machine: Machine) -> None:
    checkouts = machine.checkout("one"), machine.checkout("two")
    first = machine.start_until_building(checkouts[0])
    second = machine.start(checkouts[1])
    assert second.stdout is not None
    assert "waiting for another build" in second.stdout.readline()
    machine.pipe.write_text("go on\n")
    for process in (first, second):
        assert process.communicate(timeout=60)[1] == ""
        assert process.returncode == 0
    assert machine.verbs == ["run", "build"]
    for checkout in checkouts:
        assert [(checkout / ".venv/bin/otelcol").resolve()] == machine.finished


def test_a_build_that_is_killed_leaves_nothing_that_looks_finished(machine: Machine) -> None:
    checkout = machine.checkout("one")
    os.killpg(machine.start_until_building(checkout).pid, signal.SIGKILL)
    assert machine.finished == []
    status, output, errors = machine.run(checkout)
    assert (status, errors) == (0, "")
    assert [(checkout / ".venv/bin/otelcol").resolve()] == machine.finished
    assert list(machine.cache.iterdir()) == [machine.finished[0].parent], output


def test_a_build_that_outlives_its_bootstrap_is_waited_for(machine: Machine) -> None:
    checkout = machine.checkout("one")
    machine.start_until_building(checkout).kill()
    assert machine.finished == []
    second = machine.start(checkout)
    assert second.stdout is not None
    assert "waiting for another build" in second.stdout.readline()
    machine.pipe.write_text("go on\n")
    assert second.communicate(timeout=60)[1] == ""
    assert second.returncode == 0
    assert machine.verbs.count("run") == 2
    assert [(checkout / ".venv/bin/otelcol").resolve()] == machine.finished


def test_a_build_that_fails_says_why_and_leaves_nothing(machine: Machine) -> None:
    checkout = machine.checkout("one")
    status, _, errors = machine.run(checkout, GO_ERROR="no such module")
    assert status == 1
    assert "no such module" in errors
    assert "bootstrap: building the collector failed" in errors
    assert machine.finished == []
    assert not (checkout / ".venv/bin/otelcol").is_symlink()


def test_without_a_new_enough_go_and_without_the_package_it_says_so(machine: Machine) -> None:
    status, _, errors = machine.run(machine.checkout("one"), GO_VERSION="go1.24.13")
    assert status == 1
    assert "bootstrap: no Go 1.26 or newer on the PATH, and installing requirements/go.lock failed" in errors
    assert machine.builds == []


def test_a_relative_cache_is_refused(machine: Machine) -> None:
    status, _, errors = machine.run(machine.checkout("one"), CDB_CACHE_DIR="cache")
    assert status == 1
    assert "is 'cache': it has to be an absolute path" in errors


def test_jaeger_is_built_of_its_own_module_and_our_files_and_only_once(machine: Machine) -> None:
    checkouts = machine.checkout("one"), machine.checkout("two")
    for checkout in checkouts:
        assert machine.run(checkout, "provide_jaeger")[0] == 0
    download, build = machine.builds
    assert download.startswith("mod download -json github.com/jaegertracing/jaeger@v1.")
    assert build.endswith(" ./cmd/jaeger")
    (program,) = machine.cache.glob("jaeger-*/jaeger")
    made_of = {line.removeprefix("# ") for line in program.read_text().splitlines()}
    for ours in (ROOT / "deploy/native/jaeger").glob("*.go"):
        assert {*ours.read_text().splitlines()} <= made_of
    assert {line for line in made_of if line.startswith("theirs of ")} == {"theirs of web/ui"}
    assert {(checkout / ".venv/bin/jaeger").resolve() for checkout in checkouts} == {program}


def test_a_jaeger_whose_module_cannot_be_had_leaves_nothing(machine: Machine) -> None:
    status, _, errors = machine.run(machine.checkout("one"), "provide_jaeger", GO_ERROR="no such version")
    assert status == 1
    assert "no such version" in errors
    assert "bootstrap: building Jaeger failed" in errors
    assert list(machine.cache.glob("jaeger-*")) == []


def test_a_page_whose_packages_cannot_be_had_is_named_and_leaves_nothing(machine: Machine) -> None:
    for name, text in {
        "node": "echo v22.0.0",
        "npx": "echo no answer, system certificates: $NODE_USE_SYSTEM_CA >&2; exit 1",
    }.items():
        program = machine.home / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    status, _, errors = machine.run(machine.checkout("one"), "provide_prometheus")
    assert status == 1
    assert "no answer, system certificates: 1\n" in errors
    assert "bootstrap: building Prometheus' web page failed" in errors
    assert list(machine.cache.glob("prometheus*")) == []


def test_debians_prometheus_needs_no_build(machine: Machine) -> None:
    assert machine.run(machine.checkout("one"), "provide_prometheus", CDB_PROMETHEUS="debian")[0] == 0
    assert machine.builds == []
