"""A network of its own for a program that a test starts, and its loopback, switched on or off."""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
from functools import cache
from typing import Final

_AS_ROOT: Final = ("--net",)
_AS_USER: Final = ("--user", "--map-current-user", "--keep-caps", "--net")
_GET_FLAGS: Final = 0x8913  # SIOCGIFFLAGS
_SET_FLAGS: Final = 0x8914  # SIOCSIFFLAGS
_UP: Final = 0x1  # IFF_UP


@cache
def own_network() -> tuple[str, ...]:
    """The command that gives a program a network of its own, () where none can be made."""
    if not shutil.which("unshare"):
        return ()
    command = ("unshare", *(_AS_ROOT if os.geteuid() == 0 else _AS_USER), "--")
    tried = subprocess.run([*command, "true"], capture_output=True, check=False)
    return command if tried.returncode == 0 else ()


def switch_loopback(*, on: bool) -> None:
    """Switch `lo` of this process's network: a new network has it, but off. Off cuts all connections, closing none."""
    with socket.socket() as any_socket:
        (flags,) = struct.unpack("16xH14x", fcntl.ioctl(any_socket, _GET_FLAGS, struct.pack("16s16x", b"lo")))
        if bool(flags & _UP) is not on:
            fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH14x", b"lo", flags | _UP if on else flags & ~_UP))
