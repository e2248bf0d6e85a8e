"""The fenced blocks of docs/migrating-from-prometheus-client.md, so that tests run what readers copy."""

import re
from typing import Final

from tests.support.paths import ROOT

GUIDE: Final = ROOT / "docs" / "migrating-from-prometheus-client.md"

_SECTION = re.compile(r"^## (?P<title>.+?)\n(?P<text>.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<code>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)


def blocks(language: str) -> dict[str, str]:
    """Every block in *language*: by its section's title, with a number from the second one on."""
    found: dict[str, str] = {}
    for section in _SECTION.finditer(GUIDE.read_text(encoding="utf-8")):
        matches = [match for match in _BLOCK.finditer(section["text"]) if match["language"] == language]
        for number, match in enumerate(matches, 1):
            title = re.sub(r"^\d+\. ", "", section["title"])
            found[title if number == 1 else f"{title} {number}"] = re.sub(
                rf"^{match['indent']}", "", match["code"], flags=re.MULTILINE
            )
    return found


def block(language: str, title: str) -> str:
    """One block; fail with the titles there are if the guide has no such block."""
    found = blocks(language)
    assert title in found, f"the guide has no {language} block {title!r}; it has: {', '.join(found)}"
    return found[title]
