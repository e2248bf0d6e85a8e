"""What `helm template` makes of the chart."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.support.paths import ROOT
from tests.support.programs import helm

CHART: Final = ROOT / "deploy" / "helm" / "claire-de-binare"
VALUES: Final = Path(__file__).parent / "values"
SETS: Final = tuple(sorted(file.stem for file in VALUES.glob("*.yaml")))
SECRET: Final = "cdb"
"""What the Secret is called in all sets of values but one."""
Object = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """The template of a pod, and the workload that it is of."""

    component: str
    owner: Object
    spec: Object
    metadata: Object

    @property
    def container(self) -> Object:
        """The one that is no init container."""
        [container] = self.spec["containers"]
        return dict(container)

    @property
    def containers(self) -> list[Object]:
        return [*self.spec["containers"], *self.spec.get("initContainers", [])]

    @property
    def volumes(self) -> dict[str, Object]:
        return {volume["name"]: volume for volume in self.spec["volumes"]}


def run(*words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run helm."""
    done = subprocess.run([helm(), *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done


def template(*options: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Render the chart as release `bot` in namespace `trading`."""
    return run("template", "bot", CHART, "--namespace", "trading", *options, check=check)


@cache
def rendered(values: str, *options: str) -> tuple[Object, ...]:
    """Every object that a set of values gives."""
    text = template("--values", VALUES / f"{values}.yaml", *options).stdout
    return tuple(document for document in yaml.load_all(text, yaml.CSafeLoader) if document)


def of_kind(kind: str, values: str, *options: str) -> dict[str, Object]:
    """Objects of one kind by their name."""
    found = [one for one in rendered(values, *options) if one["kind"] == kind]
    assert len({one["metadata"]["name"] for one in found}) == len(found)
    return {one["metadata"]["name"]: one for one in found}


def pods(values: str, *options: str) -> dict[str, Pod]:
    """Every pod by its component."""
    return {pod.component: pod for pod in _pods(rendered(values, *options))}


def _pods(objects: tuple[Object, ...]) -> Iterator[Pod]:
    for one in objects:
        if one["kind"] in {"StatefulSet", "Deployment", "Job"}:
            template = one["spec"]["template"]
            labels = template["metadata"]["labels"]
            yield Pod(labels["app.kubernetes.io/component"], one, template["spec"], template["metadata"])


def environment(container: Object) -> dict[str, str]:
    """Variables of a container by their name."""
    given = container.get("env", [])
    assert len({variable["name"] for variable in given}) == len(given), container["name"]
    return {variable["name"]: variable["value"] for variable in given}


def mounted(container: Object) -> dict[str, str]:
    """What is mounted by the place in the container."""
    return {mount["mountPath"]: mount["name"] for mount in container.get("volumeMounts", [])}


def secret_items(volume: Object) -> set[str]:
    """Keys of the Secret that a volume holds, each in a file called as it."""
    items = volume.get("secret", {}).get("items", [])
    assert all(item["key"] == item["path"] for item in items)
    return {item["key"] for item in items}
