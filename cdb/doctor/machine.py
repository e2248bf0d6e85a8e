"""Whether the machine is fit for it and lets nobody else in."""

import ctypes
import os
import shutil
import socket
import time
from contextlib import closing
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Final

import psutil

from cdb.doctor.findings import Finding, fail, ok, warn
from cdb.running.base import RunningStack

_GIB: Final = 1024**3
_LEAST_FREE: Final = 1 * _GIB
_GOOD_FREE: Final = 5 * _GIB  # two weeks of metrics, a day of traces and the logs, with room to spare
_LEAST_MEMORY: Final = 3.5 * _GIB  # sold as 4 GB (handbook, 2.1)
_SKEW_S: Final = 2.5  # an HTTP date has whole seconds
_CONNECT_S: Final = 1.0
_TIME_ERROR: Final = 5  # adjtimex(2): the clock is not synchronised
_STRUCT_TIMEX_BYTES: Final = 512  # more than any machine's


def resources(stack: RunningStack) -> Finding:
    """There is room on the disk that holds the data, and memory for all parts."""
    place, memory = stack.disk, psutil.virtual_memory()
    disk = shutil.disk_usage(place if place.exists() else stack.root)
    said = f"{disk.free / _GIB:.1f} GiB free for {place}, {memory.total / _GIB:.1f} GiB of memory"
    advice = "make room, or shorten how long data are kept: docs/operations.md, 'How long data are kept'"
    if disk.free < _LEAST_FREE:
        return fail(said, advice)
    if disk.free < _GOOD_FREE:
        return warn(said, advice)
    return warn(said, "all parts together need 4 GB of memory") if memory.total < _LEAST_MEMORY else ok(said)


def clock(stack: RunningStack) -> Finding:
    """Prometheus and the services have this machine's time, and it is kept in step with the world's."""
    server = stack.prometheus.query("time()")[0].value - time.time()
    service = (
        parsedate_to_datetime(stack.http.get(stack.url("cdb_risk", "/health")).headers["date"]).timestamp()
        - time.time()
    )
    skews = {"Prometheus": server, "cdb_risk": service}
    said = ", ".join(f"{name} {skew:+.1f} s" for name, skew in skews.items())
    if max(map(abs, skews.values())) > _SKEW_S:
        return fail(f"clocks differ from this one: {said}", "let host and containers use one clock source (chrony)")
    if not _synchronised():
        return warn(f"{said}, but the system clock is not synchronised", "install chrony or systemd-timesyncd")
    return ok(f"{said}; synchronised")


def _synchronised() -> bool:
    """Ask the kernel, which timedatectl does, too, but only under systemd."""
    buffer = ctypes.create_string_buffer(_STRUCT_TIMEX_BYTES)  # all zero: only ask
    state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    return state not in (-1, _TIME_ERROR)


def loopback(stack: RunningStack) -> Finding:
    """No part listens on, or answers at, an address that other machines could reach."""
    advice = "ports must listen on 127.0.0.1 only: look at docker-compose.yml, CDB_HTTP_HOST, or a proxy in front"
    names = {port: name for name, port in stack.listening.items()}
    open_ports = sorted(f"{names[port]} listens on {at}:{port}" for at, port in _listening() if port in names)
    addresses = _own_addresses()
    # A container's port may be forwarded by the kernel, where nobody is seen to listen.
    open_ports += [
        f"{name} answers at {at}:{port}" for at in addresses for port, name in names.items() if _answers(at, port)
    ]
    if open_ports:
        return fail("; ".join(open_ports), advice)
    return ok(f"{len(names)} ports on loopback only; nothing answers at {', '.join(addresses) or 'another address'}")


def _listening() -> set[tuple[str, int]]:
    """Addresses that others can reach, on which anybody listens."""
    found = [one.laddr for one in psutil.net_connections(kind="tcp") if one.status == psutil.CONN_LISTEN and one.laddr]
    return {(address.ip, address.port) for address in found if not ip_address(address.ip).is_loopback}


def _own_addresses() -> list[str]:
    """IPv4 addresses of this machine that others can reach."""
    found = (
        entry.address
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family is socket.AF_INET
    )
    return sorted(address for address in found if not ip_address(address).is_loopback)


def _answers(address: str, port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(_CONNECT_S)
        return probe.connect_ex((address, port)) == os.EX_OK
