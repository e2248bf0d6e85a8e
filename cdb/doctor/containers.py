"""The stack in containers as the doctor sees it."""

from collections.abc import Mapping
from pathlib import Path

from cdb.containers import engine
from cdb.doctor.site import Site, address_of, client
from cdb.prometheus import Prometheus
from cdb.stack import Ports, envfile
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
        parts=lambda: tuple(one.part() for one in engine.look(project)),
        otherwise=lambda: None,
        prometheus=Prometheus(address_of(ports, "prometheus")),
        jaeger=Jaeger(address_of(ports, "jaeger")),
        http=client(),
    )
