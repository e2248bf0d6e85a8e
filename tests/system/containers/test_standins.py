"""The stand-ins change which images run, and nothing else of docker-compose.yml."""

from typing import Any, Final

import yaml

from tests.support.paths import ROOT
from tests.system.containers.standins import OVERRIDE

IMAGES: Final = "deploy/airgap/images.yml"
OWN_BASE: Final[dict[str, Any]] = {"network": "host", "args": {"BASE_IMAGE": "cdb-standin/debian:bookworm"}}


def test_only_images_and_the_base_of_our_own_are_replaced() -> None:
    """Grafana, which has no stand-in, is left out."""
    override = services(OVERRIDE)
    assert override.pop("cdb_grafana") == {"profiles": ["grafana"]}
    for name, official in services("docker-compose.yml").items():
        if name != "cdb_grafana":
            expected = {"build": OWN_BASE} if "build" in official else {"image": override[name]["image"]}
            assert override[name] == expected, name


def test_a_stand_in_has_a_name_of_its_own_and_is_built_here() -> None:
    built = {service["image"] for service in services(IMAGES).values()}
    used = {service["image"] for service in services(OVERRIDE).values() if "image" in service}
    assert all(image.startswith("cdb-standin/") for image in built)
    assert built == used | {OWN_BASE["args"]["BASE_IMAGE"]}


def services(file: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))["services"]
    return found
