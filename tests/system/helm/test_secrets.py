"""Each container of the chart gets the secrets that docker-compose.yml gives it, as files, and no others."""

from pathlib import Path
from typing import Final

import pytest

from cdb.running.native import envfile
from deploy.containers.handover import MADE_FROM, NEEDED
from services.settings import settings_in_files
from tests.system.containers.compose import mounts, started
from tests.system.helm.rendered import SECRET, SETS, Pod, environment, mounted, of_kind, pods, secret_items
from tests.system.helm.test_chart import CONTAINERS

PLACE: Final = "/run/secrets/"
MAIL_AND_SLACK: Final = {"CDB_SLACK_WEBHOOK_URL", "CDB_SMTP_PASSWORD"}


@pytest.mark.parametrize("values", SETS)
def test_a_container_gets_the_folders_of_secrets_that_docker_gives_it(values: str) -> None:
    compose = started()
    for component, pod in pods(values).items():
        theirs = mounts(compose[CONTAINERS.get(component, f"cdb_{component}")])
        wanted = {place.removesuffix(":ro") for place, volume in theirs.items() if volume.startswith("cdb_secret_")}
        assert {place for place in mounted(pod.container) if place.startswith(PLACE)} == wanted, component


@pytest.mark.parametrize("values", SETS)
def test_a_folder_holds_its_one_secret_or_what_the_handover_makes_of_several(values: str) -> None:
    for pod in pods(values).values():
        for place, name in mounted(pod.container).items():
            if not place.startswith(PLACE):
                continue
            folder = place.removeprefix(PLACE)
            if name == "handover":
                assert _asked_for(pod) == folder
            else:
                assert secret_items(pod.volumes[name]) == {NEEDED[folder]}


@pytest.mark.parametrize("values", SETS)
def test_no_volume_holds_a_secret_that_its_pod_does_not_need(values: str) -> None:
    for component, pod in pods(values).items():
        for name, volume in pod.volumes.items():
            if "secret" not in volume or name.startswith("secret-"):
                continue
            assert name == "handed"
            asked = _asked_for(pod)
            optional = MAIL_AND_SLACK if asked == "alertmanager" else set()
            assert secret_items(volume) - optional == set(MADE_FROM[asked]), component
            assert "handed" not in mounted(pod.container).values(), "only its init container reads those"


def test_slack_and_mail_are_asked_of_the_secret_where_they_are_set() -> None:
    assert secret_items(pods("trial")["alertmanager"].volumes["handed"]) == MAIL_AND_SLACK
    assert "handed" not in pods("single")["alertmanager"].volumes
    assert environment(pods("trial")["alertmanager"].spec["initContainers"][0])["CDB_CONSOLE_HOST"] == "cdb-console"


@pytest.mark.parametrize("values", SETS)
def test_all_secrets_come_from_the_one_that_exists(values: str) -> None:
    name = "bot.secrets-2026" if values == "other_names" else SECRET
    assert not of_kind("Secret", values)
    found = {
        volume["secret"]["secretName"]
        for p in pods(values).values()
        for volume in p.volumes.values()
        if "secret" in volume
    }
    assert found == {name}
    for pod in pods(values).values():
        for volume in pod.volumes.values():
            assert volume.get("secret", {}).get("defaultMode", 0o440) == 0o440


@pytest.mark.parametrize("values", SETS)
def test_no_secret_is_in_an_environment_or_a_command(values: str) -> None:
    for component, pod in pods(values).items():
        for container in pod.containers:
            assert "envFrom" not in container
            assert not [variable for variable in container.get("env", []) if "valueFrom" in variable]
            given = set(environment(container)) & {*envfile.SECRETS, "CDB_SMTP_PASSWORD"}
            assert given == ({"CDB_OTLP_TOKEN"} if container["name"] == "collector" else set()), component
    token = environment(pods(values)["collector"].container)["CDB_OTLP_TOKEN"]
    assert token == "${file:/run/secrets/otlp/CDB_OTLP_TOKEN}", "the name of a file"


def test_services_read_secrets_as_kubernetes_lays_them_out(tmp_path: Path) -> None:
    """A volume is a directory of links to another one, which Kubernetes replaces as a whole."""
    for folder in ("redis", "postgres"):
        hidden = tmp_path / folder / "..2026_12_02"
        hidden.mkdir(parents=True)
        (hidden / NEEDED[folder]).write_text(f"{folder}-secret\n")
        (tmp_path / folder / "..data").symlink_to(hidden.name)
        (tmp_path / folder / NEEDED[folder]).symlink_to(f"..data/{NEEDED[folder]}")
    assert settings_in_files({"CDB_SECRETS_DIR": str(tmp_path)}) == {
        "REDIS_PASSWORD": "redis-secret",
        "POSTGRES_PASSWORD": "postgres-secret",
    }


def _asked_for(pod: Pod) -> str:
    """The volume that a pod's init container writes."""
    [init] = pod.spec["initContainers"]
    assert init["args"][:3] == ["python", "-m", "deploy.containers.handover"]
    [volume] = init["args"][3:]
    assert mounted(init)[f"/handover/{volume}"] == "handover"
    return str(volume)
