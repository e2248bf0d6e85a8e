"""The stand-ins change which images run, and nothing else of docker-compose.yml."""

from typing import Any, Final

import yaml

from tests.support.paths import ROOT
from tests.system.containers.standins import OVERRIDE

IMAGES: Final = "deploy/airgap/images.yml"


def test_only_images_are_replaced_and_each_that_is_not_ours() -> None:
    """Grafana, which has no stand-in, is left out."""
    override = services(OVERRIDE)
    assert override.pop("cdb_grafana") == {"profiles": ["grafana"]}
    for name, official in services("docker-compose.yml").items():
        if name != "cdb_grafana":
            assert override.pop(name, None) == (None if "build" in official else {"image": IMAGE_OF[name]}), name
    assert override == {}


def test_a_stand_in_has_a_name_of_its_own_and_is_built_here() -> None:
    built = {service["image"] for service in services(IMAGES).values()}
    assert all(image.startswith("cdb-standin/") for image in built)
    assert built == {*IMAGE_OF.values(), OWN_BASE}


def services(file: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))["services"]
    return found


IMAGE_OF: Final = {name: service["image"] for name, service in services(OVERRIDE).items() if "image" in service}
OWN_BASE: Final = "cdb-standin/debian:bookworm"
