"""The one list of versions: the tags of the images in docker-compose.yml."""

import re

import yaml

from tests.support.paths import ROOT


def image_version(service: str) -> str:
    """The version of a service's image, without v and without what it is made on."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    found = re.fullmatch(r".+:v?([0-9.]+)(-alpine)?", services[service]["image"])
    assert found, services[service]["image"]
    return found[1]
