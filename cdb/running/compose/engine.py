"""The engine that runs containers, asked by the docker command: it needs neither compose nor .env."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

import msgspec

from cdb.running.errors import StackError
from cdb.running.native import Health, PartStatus
from cdb.running.native.ports import BY_ADDRESS
from services.decoding import prepared

_PROJECT: Final = "claire-de-binare"
_LABEL: Final = "com.docker.compose"
_ANSWER_S: Final = 15.0
_PUBLISHED: Final = re.compile(r":(\d+)(?:-(\d+))?->(\d+)(?:-\d+)?/tcp")  # neighbours are shown as one range
ONE_SHOTS: Final = frozenset({"cdb_handover", "cdb_migrate"})
"""Containers that end by themselves; any other one that has ended was stopped."""


class Container(msgspec.Struct, frozen=True, rename="pascal"):
    """One line of `docker ps`."""

    labels: str
    ports: str
    state: str
    status: str

    @property
    def service(self) -> str:
        """Name in docker-compose.yml, which the container has, too."""
        return self._label("service")

    @property
    def made_of(self) -> str:
        """Hash of what docker-compose.yml and .env said of it when it was made."""
        return self._label("config-hash")

    @property
    def active(self) -> bool:
        """Whether it runs, or will in a moment by its restart policy."""
        return self.state in {"running", "restarting"}

    def _label(self, name: str) -> str:
        found = re.search(rf"{re.escape(_LABEL)}\.{name}=([^,]+)", self.labels)
        return found[1] if found else "unknown"

    def part(self) -> PartStatus:
        """Judge its health: by its own check, without one while it runs; a one-shot is well if it ended well."""
        done = self.service in ONE_SHOTS and self.status.startswith("Exited (0)")
        well = done or (self.state == "running" and not re.search(r"\((?:unhealthy|health: starting)\)", self.status))
        return PartStatus(
            self.service, "done" if done else self.state, Health(ok=well, detail="" if well else self.status)
        )


def project(environ: Mapping[str, str]) -> str:
    """Name of the stack among all that compose has started."""
    return environ.get("COMPOSE_PROJECT_NAME") or _PROJECT


def look(project: str) -> tuple[Container, ...]:
    """Find the containers that `docker compose up` has started, also those that ended. Raises StackError.

    Containers of `docker compose run` are an operator's own and do not count.
    """
    labels = (f"project={project}", "oneoff=False")
    filters = [word for label in labels for word in ("--filter", f"label={_LABEL}.{label}")]
    lines = docker("ps", "--all", "--no-trunc", *filters, "--format", "{{json .}}").splitlines()
    try:
        return tuple(msgspec.json.decode(line, type=prepared(Container)) for line in lines)
    except msgspec.MsgspecError as error:
        raise StackError(f"cannot read the output of docker ps: {error}") from error


def published(containers: tuple[Container, ...]) -> dict[str, int]:
    """Ports of this machine that lead into *containers*, by their names in a stack."""
    found = {
        f"{one.service}:{int(inside) + step}": int(first) + step
        for one in containers
        for first, last, inside in _PUBLISHED.findall(one.ports)
        for step in range(int(last or first) - int(first) + 1)
    }
    return {BY_ADDRESS[address]: port for address, port in found.items() if address in BY_ADDRESS}


def docker(
    *arguments: str,
    root: Path | None = None,
    environ: Mapping[str, str] | None = None,
    source: IO[bytes] | None = None,
    output: IO[bytes] | None = None,
    within_s: float | None = _ANSWER_S,
) -> str:
    """Run docker in *root* with *environ*, if given; it reads *source*, and gives its output unless *output* takes it.

    Raises StackError with the line that it fails with, or if it takes longer than *within_s* seconds.
    """
    try:
        done = subprocess.run(  # noqa: S603  fixed arguments
            ["docker", *arguments],  # noqa: S607  the one that the operator uses
            cwd=root,
            env=environ,
            stdin=source or subprocess.DEVNULL,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=True,
            timeout=within_s,
        )
    except FileNotFoundError as error:
        raise StackError("docker is not installed, so the Docker stack is not running") from error
    except subprocess.CalledProcessError as error:
        raise StackError(f"docker {arguments[0]}: {_complaint(error.stderr) or f'exit {error.returncode}'}") from error
    except subprocess.TimeoutExpired as error:
        raise StackError(f"docker {arguments[0]} did not answer within {within_s:.0f} s") from error
    return (done.stdout or b"").decode(errors="replace")


def _complaint(said: bytes) -> str:
    lines = [line.strip() for line in said.decode(errors="replace").splitlines()]
    return next((line for line in lines if line and not line.startswith("WARNING")), "")
