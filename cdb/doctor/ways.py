"""Which stack is examined."""

from collections.abc import Mapping
from pathlib import Path

from cdb.doctor.containers import in_containers
from cdb.doctor.site import Site, native
from cdb.running.addresses import way_to_run
from cdb.running.native import StackError


def examined(root: Path, environ: Mapping[str, str], state: Path) -> Site:
    """Return the stack that runs; raise StackError if none does, or CDB_STACK names an unknown way to run one."""
    way = way_to_run(environ)
    makers = {"native": native, "compose": in_containers}
    site = makers[way](root, environ, state)
    if site is None:
        where = {
            "native": f"in {state}: `make up` starts it; CDB_STACK=compose looks at containers",
            "compose": "in containers: `docker compose up -d` starts it",
        }
        raise StackError(f"no stack runs {where[way]}")
    return site
