"""The stack in containers as the doctor sees it."""

from collections.abc import Mapping
from pathlib import Path

from cdb.doctor.site import Site, address_of
from cdb.kit.http_client import local_client
from cdb.kit.prometheus import Prometheus
from cdb.running.compose import engine
from cdb.running.native import Ports, StackError, envfile
from cdb.trace.jaeger import Jaeger


def in_containers(root: Path, environ: Mapping[str, str], _state: Path) -> Site | None:
    """Return the stack that runs in containers, None if none does; raise StackError if there is no engine."""
    project = engine.project(environ)
    found = engine.look(project)
    if not any(one.state == "running" for one in found):
        return None
    listening = engine.published(found)
    ports = Ports(**{**dict.fromkeys(Ports.variables(), 0), **listening})
    return Site(
        way="compose",
        root=root,
        place=Path(engine.docker("info", "--format", "{{.DockerRootDir}}").strip()),
        ports=ports,
        listening=listening,
        settings={**envfile.read(root / ".env"), **environ},
        parts=lambda: engine.parts(environ),
        otherwise=lambda: otherwise(root, environ, engine.look(project)),
        prometheus=Prometheus(address_of(ports, "prometheus")),
        jaeger=Jaeger(address_of(ports, "jaeger")),
        http=local_client(),
    )


def otherwise(root: Path, environ: Mapping[str, str], containers: tuple[engine.Container, ...]) -> list[str] | None:
    """Return what `docker compose up -d` in *root* would change now, None if compose is not there to be asked.

    Compose writes on each container the hash of what it was made of. Secrets and the contents of files are not in it.
    """
    try:
        engine.docker("compose", "version")
    except StackError:
        return None
    there = {one.service: one.made_of for one in containers}
    hashes = engine.docker("compose", "config", "--hash", "*", root=root, environ=environ).splitlines()
    wanted = dict(line.split(maxsplit=1) for line in hashes)
    return [
        f"{service} {'was changed' if service in there else 'was not started'}"
        for service, made_of in sorted(wanted.items())
        if there.get(service) != made_of
    ]
