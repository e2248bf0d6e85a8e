"""`cdb backup` and `cdb restore` with real servers: what comes back, and what is refused before anything changes."""

import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from cdb.backup import archive
from cdb.backup.manifest import Manifest, Member, decode, encode, refuse_newer_versions
from cdb.running import data_files
from cdb.running.compose import volume
from cdb.running.errors import BackupError, StackError
from services.ledger.connection import SCHEMA_VERSION
from tests.support.backups import half_of_the_ledger
from tests.support.bot import Bot, running_bot
from tests.support.cli import run_cdb
from tests.support.paths import ROOT
from tests.support.programs import required, required_program
from tests.support.waiting import until

pytestmark = pytest.mark.integration

PARTS: Final = ("redis", "postgres", "migrate", "prometheus", "cdb_console")
MARK: Final = "INSERT INTO marks VALUES ('{}', 1, 1, 1)"
SYMBOLS: Final = "SELECT symbol FROM marks ORDER BY symbol"
RESTORING: Final = "SELECT wait_event_type FROM pg_stat_activity WHERE application_name = 'cdb_restore'"


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """Run the servers whose data are saved, and nobody who trades."""
    with running_bot(tmp_path_factory.mktemp("saved"), parts=PARTS) as bot:
        yield bot


@pytest.fixture(scope="module")
def saved(bot: Bot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of a ledger with one mark and one signal."""
    change(bot, MARK.format("BTCUSDT"))
    change(bot, "INSERT INTO signals VALUES ('s-1', 'BTCUSDT', 'BUY', 'm', 0.5, 1, 0, 1, now(), now())")
    change(bot, "INSERT INTO equity (day, cause, equity, noted_at) VALUES ('2026-11-23', 'day_open', 1, now())")
    result = bot.cdb("backup", str(tmp_path_factory.mktemp("archives")), "--json")
    assert result.returncode == 0, result.stderr
    return Path(json.loads(result.stdout)["file"])


def change(bot: Bot, statement: str) -> None:
    with closing(bot.connection()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)


def refused(bot: Bot, *arguments: str) -> str:
    """The one line with which a command refuses."""
    result = bot.cdb(*arguments)
    assert (result.returncode, result.stdout) == (1, ""), result
    [line] = [line for line in result.stderr.splitlines() if line.startswith("cdb: ")]
    return line


def test_an_archive_is_for_its_owner_only_and_counts_what_it_holds(saved: Path) -> None:
    assert f"{saved.stat().st_mode & 0o777:o}" == "600"
    with archive.opened(saved) as found:
        assert {name: rows for name, rows in found.manifest.ledger_rows.items() if rows} == {
            "equity": 1,
            "marks": 1,
            "signals": 1,
        }
        assert {*found.manifest.members} == {"ledger.dump", "prometheus.tar.gz", "cdb_console.tar.gz"}
    assert [*saved.parent.iterdir()] == [saved]


def test_no_secret_is_in_an_archive(bot: Bot, saved: Path, tmp_path: Path) -> None:
    with archive.opened(saved) as found:
        files = [found.extract(name, tmp_path) for name in found.manifest.members]
    for name in ("prometheus", "cdb_console"):
        data_files.unpack(tmp_path / f"{name}.tar.gz", tmp_path / name)
    there = [saved, *files, *(file for file in tmp_path.rglob("*") if file.is_file())]
    secrets = [bot.stack.config.environment[name] for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "CDB_OTLP_TOKEN")]
    assert not [file for file in there if any(one.encode() in file.read_bytes() for one in secrets)]


def test_a_restore_replaces_the_whole_ledger_and_numbers_go_on_after_the_last(bot: Bot, saved: Path) -> None:
    change(bot, MARK.format("ETHUSDT"))
    bot.put("orders", data="of the old ledger")
    bot.put("dead_letters", data="{}")
    assert "add --yes" in refused(bot, "restore", str(saved))
    assert bot.query(SYMBOLS) == [("BTCUSDT",), ("ETHUSDT",)]

    result = bot.cdb("restore", str(saved), "--yes")

    assert result.returncode == 0, result.stderr
    assert bot.query(SYMBOLS) == [("BTCUSDT",)]
    with bot.redis() as client:
        assert (client.exists("orders"), client.exists("dead_letters")) == (0, 1)
    change(bot, "INSERT INTO equity (day, cause, equity, noted_at) VALUES ('2026-11-24', 'day_open', 1, now())")
    assert bot.query("SELECT max(equity_seq) FROM equity") == [(2,)]
    assert [*bot.stack.config.layout.data.glob(".restore*")] == []


def test_what_a_killed_restore_left_in_the_ledger_is_neither_saved_nor_put_back(
    bot: Bot, saved: Path, tmp_path: Path
) -> None:
    """The old ledger, in a schema of its own: the next restore removes it."""
    left = "CREATE SCHEMA before_restore CREATE TABLE marks (symbol text)"
    change(bot, left)
    assert bot.cdb("backup", str(tmp_path / "archive.tar")).returncode == 0
    before = bot.query(SYMBOLS)
    broken = half_of_the_ledger(saved, tmp_path)
    assert refused(bot, "restore", str(broken), "--yes").startswith("cdb: pg_restore: error: ")
    assert bot.query(SYMBOLS) == before
    change(bot, left)
    assert bot.cdb("restore", str(tmp_path / "archive.tar"), "--yes").returncode == 0
    assert bot.query(SYMBOLS) == before
    assert bot.query("SELECT to_regnamespace('before_restore')") == [(None,)]


def test_a_restore_that_is_ended_changes_no_ledger(bot: Bot, saved: Path) -> None:
    """Not later either, when the lock is free that it waits for."""
    change(bot, MARK.format("SOLUSDT"))
    before = bot.query(SYMBOLS)
    with closing(bot.connection()) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE pg_namespace IN SHARE MODE")  # who sets the old ledger aside waits for it
        command = [sys.executable, "-m", "cdb", "restore", str(saved), "--yes"]
        with subprocess.Popen(command, cwd=ROOT, env=bot.operators_environment(), stderr=subprocess.PIPE) as process:
            until(lambda: bot.query(RESTORING), holds=lambda seen: seen == [("Lock",)], what="psql waits")
            process.terminate()
            process.communicate(timeout=60)
        assert process.returncode == 128 + signal.SIGTERM
        assert bot.query(RESTORING) == []
    assert bot.query(SYMBOLS) == before


def test_an_archive_is_never_overwritten(bot: Bot, saved: Path) -> None:
    before = saved.read_bytes()
    assert f"{saved} already exists" in refused(bot, "backup", str(saved))
    assert saved.read_bytes() == before


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("nowhere/archive.tar", "cdb: the directory {tmp}/nowhere does not exist"),
        ("file/archive.tar", "cdb: {tmp}/file/archive.tar cannot be written: Not a directory"),
        ("x" * 300, "cdb: {tmp}/" + "x" * 300 + " cannot be written: File name too long"),
        ("dangling", "cdb: {tmp}/dangling already exists; choose another name, or a directory"),
    ],
)
def test_a_place_that_takes_no_archive_is_said_before_anything_is_saved(
    bot: Bot, tmp_path: Path, place: str, said: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    before = sorted(tmp_path.iterdir())
    result = bot.cdb("backup", str(tmp_path / place))
    assert (result.returncode, result.stderr) == (1, said.format(tmp=tmp_path) + "\n")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(("place", "said"), [("nowhere.tar", "No such file or directory"), ("", "Is a directory")])
def test_an_archive_that_is_none_is_named(bot: Bot, tmp_path: Path, place: str, said: str) -> None:
    result = bot.cdb("restore", str(tmp_path / place), "--yes")
    assert (result.returncode, result.stderr) == (1, f"cdb: {tmp_path / place}: {said}\n")


@pytest.mark.parametrize(
    ("options", "said", "begun"),
    [
        ("size=64k", "are needed: make room first", False),
        ("ro", "cannot be written: Read-only file system", False),
        ("nr_inodes=3", "prometheus.tar.gz: No space left on device", True),
    ],
)
def test_a_full_or_read_only_disk_is_said_in_one_sentence(
    bot: Bot, tmp_path: Path, options: str, said: str, begun: bool
) -> None:
    """As early as it can be known; what was stopped is started again."""
    left = f"; echo $?; ls -A {tmp_path}"
    result = mounted_cdb(bot, tmp_path, f"-t tmpfs -o {options} none", "backup", str(tmp_path), afterwards=left)
    *before, last = result.stderr.splitlines()
    assert result.stdout == "1\n"
    assert last.startswith("cdb: ")
    assert str(tmp_path) in last
    assert said in last
    assert ("ledger: saving" in before) == begun
    assert bot.stack.wait_ready(30) is None


def test_an_archive_can_be_made_where_there_are_no_hard_links(bot: Bot, saved: Path, tmp_path: Path) -> None:
    """On an exFAT stick."""
    image = tmp_path / "stick.img"
    with image.open("wb") as file:
        file.truncate(256 << 20)
    subprocess.run([required_program("mkfs.exfat", package="exfatprogs"), image], check=True, capture_output=True)
    required_program("mount.exfat-fuse", package="exfat-fuse")
    stick, copied = tmp_path / "stick", tmp_path / "copied"
    for folder in (stick, copied):
        folder.mkdir()
    take = f"; test $? = 0 && ls -A {stick} >&2 && cp {stick}/cdb-* {copied}; code=$?; umount {stick}; exit $code"
    result = mounted_cdb(bot, stick, f"-t exfat-fuse -o loop {image}", "backup", str(stick), afterwards=take)
    assert result.returncode == 0, result.stderr
    [made] = copied.iterdir()
    with archive.opened(made) as found, archive.opened(saved) as other:
        assert found.manifest.members.keys() == other.manifest.members.keys()
    assert result.stderr.splitlines()[-1] == made.name


def mounted_cdb(
    bot: Bot, place: Path, what: str, *arguments: str, afterwards: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run `cdb` where *what* is mounted on *place*, which nobody else sees."""
    unshare = required_program("unshare", package="util-linux")
    command = f"mount {what} {place} && {shlex.join([sys.executable, '-m', 'cdb', *arguments])}{afterwards}"
    if os.geteuid() != 0:
        required(cannot_mount)
    return subprocess.run(
        [unshare, "--mount", "sh", "-c", command],
        cwd=ROOT,
        env=bot.operators_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def cannot_mount() -> None:
    raise StackError("only root can mount a file system")


def test_a_second_command_is_refused_by_name_and_the_first_goes_on(bot: Bot, tmp_path: Path) -> None:
    place = bot.stack.config.state_dir
    command = [sys.executable, "-m", "cdb", "backup", str(tmp_path)]
    environment = bot.operators_environment()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=-1, stderr=-1, text=True) as first:
        busy = f"cdb: the stack in {place} is in use by `cdb backup` (pid {first.pid}): try again"
        with closing(bot.connection()) as reader, reader.cursor() as cursor:
            cursor.execute("LOCK TABLE marks IN ACCESS EXCLUSIVE MODE")  # the first waits for it, with its dump begun
            until(lambda: [*tmp_path.glob(".cdb-backup-*/ledger.dump")], what="the first one is at work")
            for words in (["backup", str(tmp_path)], ["down"], ["clean", "--yes"]):
                second = bot.cdb(*words)
                assert second.returncode == 1
                assert second.stderr.startswith(busy), second.stderr
        said = first.communicate(timeout=60)
    assert first.returncode == 0, said
    assert bot.stack.wait_ready(30) is None


def test_a_backup_that_was_killed_leaves_nothing_after_the_next(bot: Bot, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cdb", "backup", str(tmp_path)]
    with closing(bot.connection()) as reader, reader.cursor() as cursor:
        cursor.execute("LOCK TABLE marks IN ACCESS EXCLUSIVE MODE")
        with subprocess.Popen(command, cwd=ROOT, env=bot.operators_environment(), stderr=-1) as first:
            until(lambda: [*tmp_path.glob(".cdb-backup-*/ledger.dump")], what="the first one is at work")
            first.kill()
    (bot.stack.config.layout.data / ".backup-killed").mkdir()
    put_aside = bot.stack.config.layout.data / ".restore-killed" / "gone.replaced"
    put_aside.mkdir(parents=True)
    assert bot.cdb("backup", str(tmp_path)).returncode == 0
    [made] = tmp_path.iterdir()
    assert made.name.startswith("cdb-")
    assert not [*bot.stack.config.layout.data.glob(".*")]
    (bot.stack.config.layout.data / "gone").rmdir()  # data that were put aside are put back


def one_byte_of_the_ledger_changed(content: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        member = tar.getmember("ledger.dump")
    place = member.offset_data + member.size // 2
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param(lambda content: content[: len(content) // 2], "not a complete archive|damaged", id="cut in half"),
        pytest.param(one_byte_of_the_ledger_changed, "ledger.dump differs from what was saved", id="one byte"),
        pytest.param(lambda _: b"", "not a complete archive", id="empty"),
        pytest.param(lambda _: b"not an archive" * 1000, "not a complete archive", id="another file"),
        pytest.param(lambda _: tar_of("readme.txt"), "does not begin with manifest.json", id="another tar file"),
    ],
)
def test_a_damaged_archive_is_refused_and_nothing_changes(
    bot: Bot, saved: Path, tmp_path: Path, damage: Callable[[bytes], bytes], said: str
) -> None:
    before = bot.query(SYMBOLS)
    broken = tmp_path / "broken.tar"
    broken.write_bytes(damage(saved.read_bytes()))
    line = refused(bot, "restore", str(broken), "--yes")
    assert any(one in line for one in said.split("|")), line
    assert bot.query(SYMBOLS) == before


def test_an_archive_of_another_ledger_schema_is_refused_with_what_to_do(bot: Bot, saved: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer.tar"
    with archive.opened(saved) as found:
        files = {name: found.extract(name, tmp_path) for name in found.manifest.members}
        manifest = msgspec.structs.replace(found.manifest, ledger_schema="0009")
        archive.write(newer, manifest, files, partial=tmp_path / "partial")
    line = refused(bot, "restore", str(newer), "--yes")
    assert f"the archive's ledger has schema 0009, this version needs {SCHEMA_VERSION}" in line


def test_without_a_stack_nothing_is_saved(tmp_path: Path) -> None:
    result = run_cdb("backup", str(tmp_path), environment={})
    line = "the stack in /nonexistent is not running: `make up` starts it; for the Docker stack, set CDB_STACK=compose"
    assert (result.returncode, result.stderr) == (3, f"cdb: {line}\n")


@pytest.mark.parametrize("command", ["backup", "restore"])
@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (
            {"CDB_STACK": "compose", "PATH": "/nonexistent"},
            "docker is not installed, so the Docker stack is not running",
        ),
        ({"CDB_STACK": "swarm"}, "CDB_STACK='swarm' is invalid: it must be native or compose"),
    ],
)
def test_a_stack_that_cannot_be_there_is_named(
    tmp_path: Path, command: str, environment: dict[str, str], said: str
) -> None:
    result = run_cdb(command, str(tmp_path / "archive.tar"), environment=environment)
    assert (result.returncode, result.stdout, result.stderr) == (3, "", f"cdb: {said}\n")


MANIFEST: Final = Manifest(
    format=1,
    made_at="2026-11-23T12:00:00+00:00",
    project="0.1.0",
    ledger_schema=SCHEMA_VERSION,
    postgres=15,
    prometheus="2.42.0+ds",
    ledger_rows={},
    series=0,
    notifications=0,
    members={"ledger.dump": Member(bytes=0, sha256="")},
)


def test_a_manifest_of_another_format_is_refused() -> None:
    assert decode(encode(MANIFEST)) == MANIFEST
    with pytest.raises(BackupError, match="format 2, this version reads format 1"):
        decode(encode(msgspec.structs.replace(MANIFEST, format=2)))


@pytest.mark.parametrize(
    ("here", "said"),
    [
        ({"postgres": 14, "prometheus": "2.42.0"}, "made with PostgreSQL 15; the running 14"),
        ({"postgres": 15, "prometheus": "2.31.1+ds"}, "made with Prometheus 2.42.0\\+ds; the running 2.31.1\\+ds"),
    ],
)
def test_what_a_newer_server_has_made_is_refused(here: dict[str, Any], said: str) -> None:
    with pytest.raises(BackupError, match=said):
        refuse_newer_versions(MANIFEST, **here)
    refuse_newer_versions(MANIFEST, postgres=16, prometheus="3.13.3")


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "link"])  # noqa: S108  it is not written
def test_a_member_that_reaches_outside_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    packed = tmp_path / "tree.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        entry = tarfile.TarInfo(name)
        if name == "link":
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry, io.BytesIO())
    with pytest.raises(BackupError, match="is not a file or folder inside the data folder"):
        data_files.unpack(packed, tmp_path / "tree")
    assert not (tmp_path / "outside").exists()


def test_a_copied_tree_is_as_it_was_when_the_server_writes_on(tmp_path: Path) -> None:
    source = tmp_path / "data"
    block = source / "01BLOCK" / "chunks"
    block.mkdir(parents=True)
    (source / "01BLOCK" / "meta.json").write_text("{}")
    (block / "000001").write_text("chunks")
    (source / "wal").mkdir()
    (source / "wal" / "00000000").write_text("begun")
    (source / "lock").write_text("")
    data_files.copy(source, tmp_path / "copy")
    with (source / "wal" / "00000000").open("a") as log:
        log.write(" and gone on")
    shutil.rmtree(source / "01BLOCK")
    assert (tmp_path / "copy" / "wal" / "00000000").read_text() == "begun"
    assert (tmp_path / "copy" / "01BLOCK" / "chunks" / "000001").read_text() == "chunks"
    assert not (tmp_path / "copy" / "lock").exists()


def tar_of(name: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    return stream.getvalue()


def test_what_the_engine_copies_is_packed_as_a_folder_is(tmp_path: Path) -> None:
    """`docker cp` begins each name with the folder's; what is of a process or a restore is left out."""
    with tarfile.open(tmp_path / "copied.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        for name in ("data", "data/wal", "data/.cdb-replaced"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o750
            tar.addfile(folder)
        for name in ("data/wal/0", "data/lock", "data/.cdb-replaced/old", f"data/{'long' * 40}"):
            file = tarfile.TarInfo(name)
            file.size, file.mode, file.uid, file.mtime = 3, 0o640, 65534, 1.5
            tar.addfile(file, io.BytesIO(b"new"))
    data_files.repack(tmp_path / "copied.tar", tmp_path / "tree.tar.gz")
    with tarfile.open(tmp_path / "tree.tar.gz") as packed:
        seen = {entry.name: (entry.mode, entry.uid) for entry in packed}
    assert seen == {".": (0o750, 0), "wal": (0o750, 0), "wal/0": (0o640, 65534), "long" * 40: (0o640, 65534)}
    data_files.refuse_strangers(tmp_path / "tree.tar.gz")
    data_files.unpack(tmp_path / "tree.tar.gz", tmp_path / "tree")
    assert (tmp_path / "tree" / "wal" / "0").read_bytes() == b"new"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.FIFOTYPE])
def test_what_is_neither_file_nor_folder_is_not_saved(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "copied.tar", "w") as tar:
        entry = tarfile.TarInfo("data/one")
        entry.type = kind
        tar.addfile(entry)
    with pytest.raises(BackupError, match="'data/one' is neither a file nor a folder"):
        data_files.repack(tmp_path / "copied.tar", tmp_path / "tree.tar.gz")


class Data:
    """Data in a folder, and the shell of a container's image at work in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.put("wal/0", "old")
        self.put(".hidden", "old")

    def put(self, name: str, content: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(content)

    def run(self, script: str, source: Path | None = None) -> int:
        with (source or Path(os.devnull)).open("rb") as file:
            return subprocess.run(["sh", "-ec", script], cwd=self.folder, stdin=file, check=False).returncode

    def seen(self) -> dict[str, str]:
        files = (file for file in self.folder.rglob("*") if file.is_file())
        return {str(file.relative_to(self.folder)): file.read_text() for file in files}


def test_a_volume_is_replaced_whole(tmp_path: Path) -> None:
    data = Data(tmp_path / "data")
    for name in ("01BLOCK/meta.json", ".new"):
        (tmp_path / "new" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "new" / name).write_text("new")
    data_files.pack(tmp_path / "new", tmp_path / "tree.tar.gz")
    assert data.run(volume.RECEIVE, tmp_path / "tree.tar.gz") == 0
    assert data.run(volume.EXCHANGE) == 0
    assert data.seen() == {
        "01BLOCK/meta.json": "new",
        ".new": "new",
        ".cdb-replaced/wal/0": "old",
        ".cdb-replaced/.hidden": "old",
    }
    assert data.run(volume.CLEAR) == 0
    assert {file.name for file in data.folder.iterdir()} == {"01BLOCK", ".new"}


def test_of_an_archive_that_ends_too_early_nothing_is_left_in_a_volume(tmp_path: Path) -> None:
    """So does a full disk end it, or the operator."""
    data = Data(tmp_path / "data")
    before = data.seen()
    data_files.pack(data.folder, tmp_path / "tree.tar.gz")
    os.truncate(tmp_path / "tree.tar.gz", 100)
    assert data.run(volume.RECEIVE, tmp_path / "tree.tar.gz") == 1
    assert data.seen() == before
    assert {file.name for file in data.folder.iterdir()} == {"wal", ".hidden"}


def test_a_volume_that_cannot_be_replaced_is_as_it_was(tmp_path: Path) -> None:
    """The shell that is told to take one of the new files cannot."""
    data = Data(tmp_path / "data")
    data.put(".cdb-restore/01", "new")
    data.put(".cdb-restore/02", "new")
    refuse = 'mv() { case $1 in */02) [ "$2" != ./ ] ;; *) true ;; esac && command mv "$@"; }\n'
    assert data.run(refuse + volume.EXCHANGE) == 1
    assert data.seen() == {"wal/0": "old", ".hidden": "old", ".cdb-restore/01": "new", ".cdb-restore/02": "new"}
