"""The stack's own PostgreSQL cluster."""

import hashlib
import json
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from cdb.running.errors import StackError
from cdb.running.native.config import STACK_ID, StackConfig
from cdb.running.native.layout import fits_socket
from cdb.running.native.ports import HOST
from cdb.running.native.tools import postgres_bin

_SETTINGS = {
    "listen_addresses": HOST,
    "max_connections": "50",
    "shared_buffers": "64MB",
    "effective_cache_size": "256MB",
    "maintenance_work_mem": "32MB",
    "max_wal_size": "256MB",
    "min_wal_size": "64MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}
_BY_SOCKET = "local all all scram-sha-256\n"
_BY_TCP = "host all all 127.0.0.1/32 scram-sha-256\n"
_TIMEOUT = 120.0  # seconds for initdb on a slow disk


def command(config: StackConfig) -> tuple[str, ...]:
    """Command line; it holds no secret."""
    data = data_dir(config)
    sockets = _identifier(str(data)) if _has_socket(config) else ""
    settings = {**_SETTINGS, "port": str(config.ports.postgres), "unix_socket_directories": sockets}
    options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
    return (str(postgres_bin(_major(data)) / "postgres"), "-D", str(data), *options)


def provides(config: StackConfig) -> dict[str, str]:
    """How the other parts reach it: by its socket, which lies in the cluster, where nobody else gets."""
    return {"POSTGRES_HOST": str(data_dir(config)) if _has_socket(config) else HOST}


def server_user(_config: StackConfig | None = None) -> str | None:
    """User that the server runs as; None is the current one. PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise StackError("PostgreSQL does not run as root: `apt-get install postgresql` creates the user `postgres` for it")


def data_dir(config: StackConfig) -> Path:
    """Directory of the cluster: the one that exists, else the first that the server's user can reach."""
    near, far = config.layout.postgres_candidates
    for candidate in (near, far):
        if (candidate / "PG_VERSION").exists():
            return candidate
    return near if _reachable(config, near.parent) else far


def prepare(config: StackConfig) -> None:
    """Make the cluster if there is none, and set role, password and database to those of the settings.

    The server must not run. A half-made cluster is made again.
    """
    data = data_dir(config)
    if not data.exists():
        _refuse_to_lose_sight(config, data)
        _create(config, data)
    if data.parent != config.layout.data:
        config.layout.postgres_note.write_text(str(data))
        (data.parent / "belongs-to").write_text(f"{config.state_dir}\n")  # for whoever wonders what this is
    for left in (data / "postmaster.pid", *data.glob(".s.PGSQL.*")):  # its process is gone: else a reused pid blocks
        left.unlink(missing_ok=True)
    access = data / "pg_hba.conf"
    if _BY_SOCKET not in access.read_text():  # made by an older version
        access.write_text(_BY_SOCKET + access.read_text())
    note = data / "cdb-account"  # inside the cluster, so it is lost and found with it
    account = _account_digest(config, _salt(note))
    if note.exists() and json.loads(note.read_text())["digest"] == account["digest"]:
        return
    _provision(config, data)
    note.write_text(json.dumps(account))


def _has_socket(config: StackConfig) -> bool:
    """Whether a socket can lie in the cluster: its path may be too long, and libpq takes a comma to part two hosts."""
    path = data_dir(config) / f".s.PGSQL.{config.ports.postgres}"
    return fits_socket(path) and "," not in str(path)


def _refuse_to_lose_sight(config: StackConfig, data: Path) -> None:
    """Raise StackError if the cluster stayed behind when the state directory was moved."""
    note = config.layout.postgres_note
    left = Path(note.read_text()) if note.exists() else data
    if left != data and left.exists():
        raise StackError(
            f"the ledger of {config.state_dir} is still in {left}, because the directory was moved or copied. If you "
            f"moved it, run `mv {left.parent} {data.parent}` to take the ledger along. "
            "For an empty ledger, run `cdb clean`"
        )


def _create(config: StackConfig, data: Path) -> None:
    fresh = data.with_name(data.name + ".new")
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(parents=True)
    for parent in (fresh.parent, fresh.parent.parent):
        parent.chmod(0o711)
    fresh.chmod(0o700)
    _give(fresh)
    # The role postgres gets no password, so nobody can log in as it; ours is made in single-user mode.
    arguments = ["--encoding=UTF8", "--no-locale", "--username=postgres", "--auth=reject"]
    _run([str(postgres_bin() / "initdb"), "-D", str(fresh), *arguments], config, what="initdb")
    (fresh / "pg_hba.conf").write_text(_BY_SOCKET + _BY_TCP)
    fresh.rename(data)


def _provision(config: StackConfig, data: Path) -> None:
    """Create or alter the role and create the database with the server in single-user mode, where no port is open."""
    user, database = (_identifier(config.environment[name]) for name in ("POSTGRES_USER", "POSTGRES_DB"))
    password = _literal(config.environment["POSTGRES_PASSWORD"])
    statements = (
        f"CREATE ROLE {user}",
        f"ALTER ROLE {user} LOGIN SUPERUSER PASSWORD {password}",
        f"CREATE DATABASE {database} OWNER {user}",
    )
    options = ["-c", "log_min_error_statement=panic", "-c", "log_min_messages=error", "-c", "lc_messages=C"]
    postgres = str(postgres_bin(_major(data)) / "postgres")
    answer = _run(
        [postgres, "--single", "-D", str(data), *options, "postgres"],
        config,
        what="preparing the ledger's account",
        stdin="".join(f"{statement}\n" for statement in statements),
    )
    refused = [line for line in answer.splitlines() if "ERROR:" in line and not line.endswith("already exists")]
    if refused:
        raise StackError(f"PostgreSQL could not prepare the ledger's account: {refused[0].split('ERROR:')[1].strip()}")


def _run(command: list[str], config: StackConfig, *, what: str, stdin: str = "") -> str:
    """Run a program as the server's user; gives its standard error. Whoever looks for leftovers finds it."""
    account = pwd.getpwnam(user) if (user := server_user()) else None
    # An empty list, not None: root's other groups are given up too.
    identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    path = os.environ.get("PATH", os.defpath)
    environment = {"PATH": path, "LC_ALL": "C", "TZ": "UTC", STACK_ID: str(config.state_dir)}
    try:
        done = subprocess.run(  # noqa: S603  # a program of this machine, fixed arguments
            command,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT,
            cwd="/",
            env=environment,
            **identity,  # type: ignore[call-overload]  # its overloads do not take a mapping
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StackError(f"{what} failed: {error}") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        worst = next((line for line in said if "FATAL" in line or "error:" in line), said[-1])
        raise StackError(f"{what} failed (exit {done.returncode}): {worst.strip()}")
    return str(done.stderr)


def _reachable(config: StackConfig, directory: Path) -> bool:
    """Whether the server's user may enter *directory*."""
    if server_user() is None:
        return True
    try:
        _run(["/usr/bin/test", "-x", f"{directory}/."], config, what="test")
    except StackError:
        return False
    return True


def _give(path: Path) -> None:
    if user := server_user():
        shutil.chown(path, user, pwd.getpwnam(user).pw_gid)


def _major(data: Path) -> str | None:
    version = data / "PG_VERSION"
    return version.read_text().strip() if version.exists() else None


def _salt(note: Path) -> str:
    return str(json.loads(note.read_text())["salt"]) if note.exists() else os.urandom(16).hex()


def _account_digest(config: StackConfig, salt: str) -> dict[str, str]:
    settings = [config.environment[name] for name in ("POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB")]
    digest = hashlib.scrypt(json.dumps(settings).encode(), salt=bytes.fromhex(salt), n=2**12, r=8, p=1)
    return {"salt": salt, "digest": digest.hex()}


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
