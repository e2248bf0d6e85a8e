"""`make env` where there is nothing but a shell: it makes the same .env as `cdb env`, from the same template."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from cdb.running.native import envfile
from tests.support.paths import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    script = tmp_path / "deploy" / "containers" / "make-env"
    script.parent.mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "containers" / "make-env", script)
    shutil.copy(envfile.TEMPLATE, tmp_path / "deploy" / envfile.TEMPLATE.name)
    return tmp_path


def make_env(checkout: Path) -> str:
    script = str(checkout / "deploy" / "containers" / "make-env")
    return subprocess.run([script], capture_output=True, text=True, check=True, cwd="/").stdout


def test_the_shell_writes_what_cdb_env_writes_with_secrets_of_its_own(checkout: Path, tmp_path: Path) -> None:
    make_env(checkout)
    envfile.ensure(tmp_path / "by_cdb")
    shell, cdb = envfile.read(checkout / ".env"), envfile.read(tmp_path / "by_cdb")
    assert list(shell) == list(cdb)
    generated = {name for name in cdb if name in envfile.SECRETS and cdb[name]}
    assert {n: v for n, v in shell.items() if n not in generated} == {
        n: v for n, v in cdb.items() if n not in generated
    }
    assert all(len(shell[name]) >= 32 and shell[name] != cdb[name] for name in generated)
    assert len({shell[name] for name in generated}) == len(generated)
    by_shell, by_cdb = (checkout / ".env").read_text(), (tmp_path / "by_cdb").read_text()
    for name in generated:
        by_shell, by_cdb = by_shell.replace(shell[name], "secret"), by_cdb.replace(cdb[name], "secret")
    assert by_shell == by_cdb
    assert stat.S_IMODE((checkout / ".env").stat().st_mode) == 0o600


def test_nothing_that_is_there_is_changed(checkout: Path) -> None:
    (checkout / ".env").write_text("REDIS_PASSWORD=mine\nexport POSTGRES_PASSWORD = other")
    said = make_env(checkout)
    first = (checkout / ".env").read_text()
    assert first.startswith("REDIS_PASSWORD=mine\nexport POSTGRES_PASSWORD = other\n# ")
    assert "REDIS_PASSWORD" not in said
    assert "GRAFANA_PASSWORD" in said
    assert make_env(checkout) == ".env is complete\n"
    assert (checkout / ".env").read_text() == first


def test_the_shell_completes_a_file_as_cdb_env_does(checkout: Path, tmp_path: Path) -> None:
    kept = [f"{entry.name}=mine" for entry in envfile.ENTRIES if entry.name in envfile.SECRETS]
    for file in (checkout / ".env", tmp_path / "by_cdb"):
        file.write_text("\n".join(kept))
    make_env(checkout)
    assert envfile.ensure(tmp_path / "by_cdb").added
    assert (checkout / ".env").read_text() == (tmp_path / "by_cdb").read_text()


def test_a_name_that_the_template_does_not_have_is_told_once_and_compose_s_own_is_not(checkout: Path) -> None:
    make_env(checkout)
    with (checkout / ".env").open("a") as file:
        file.write("STOP_LOSS=0.01\nSTOP_LOSS_PCT=0.02\nCOMPOSE_PROJECT_NAME=mine\n# MAX_ORDERS=1\n")
    assert make_env(checkout).splitlines() == [
        "STOP_LOSS in .env is not in deploy/env.template: is it misspelt?",
        ".env is complete",
    ]


def test_no_secret_is_printed(checkout: Path) -> None:
    said = make_env(checkout)
    values = envfile.read(checkout / ".env")
    assert not [name for name in envfile.SECRETS if values[name] and values[name] in said]


def test_a_clone_whose_git_writes_windows_line_ends_has_scripts_that_run(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("the tests are not run from a clone")
    clone = tmp_path / "clone"
    convert = ("-c", "core.autocrlf=true", "-c", "core.eol=crlf")
    subprocess.run(["git", *convert, "clone", "--quiet", *convert, str(ROOT), str(clone)], check=True)
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=clone, capture_output=True, check=True).stdout
    texts = [clone / os.fsdecode(name) for name in tracked.split(b"\0") if name and not name.endswith(b".png")]
    assert [str(path) for path in texts if path.is_file() and b"\r\n" in path.read_bytes()] == []
    assert "created .env" in make_env(clone)
