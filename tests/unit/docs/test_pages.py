"""The pages that people write: every link leads somewhere, every file named is there, decisions have one format."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.paths import ROOT

DOCS = ROOT / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *DOCS.rglob("*.md"),
    *(ROOT / "monitoring" / "runbooks").glob("*.md"),
]
PARTS = ["Decision", "Why", "Alternatives", "Cost"]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def headings(page: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What Markdown calls the headings of *page* in links."""
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings(page)}


def is_there(page: Path, target: str) -> bool:
    """Whether the file exists, and the heading in it."""
    place, _, anchor = target.partition("#")
    file = page.parent / place if place else page
    return file.exists() and (not anchor or anchor in anchors(file))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_file_and_every_heading_that_is_linked_to_is_there(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if "://" not in target and not is_there(page, target)] == []


@pytest.mark.parametrize("page", [DOCS / "architecture.md", ROOT / "README.md"], ids=name)
def test_every_file_that_a_page_names_in_code_is_there(page: Path) -> None:
    code = re.findall(r"`([\w./*-]+)`", page.read_text(encoding="utf-8"))
    named = [
        path for path in code if re.match(r"(services|cdb|telemetry|monitoring|deploy|otel-collector|tests)/", path)
    ]
    assert len(named) > 2
    assert [path for path in named if not list(ROOT.glob(path.rstrip("/")))] == []


@pytest.mark.parametrize("page", DECISIONS, ids=name)
def test_a_decision_has_its_number_status_and_parts(page: Path) -> None:
    number = str(int(page.name[:4]))
    text = page.read_text(encoding="utf-8")
    status = r"Status: (accepted|replaced by \d+), \d{4}-\d\d-\d\d.*"
    assert re.match(rf"# {number}\. .+\n\n{status}\n\n## Decision\n", text)
    assert headings(page)[1:] == PARTS


def test_decisions_are_numbered_without_gaps_and_listed_with_their_titles() -> None:
    numbers = [int(page.name[:4]) for page in DECISIONS]
    assert all(after == before + 1 for before, after in pairwise([0, *numbers]))
    listed = re.findall(
        r"^\| \d+ \| \[(.+)\]\((.+)\) \|", (DOCS / "decisions/README.md").read_text("utf-8"), re.MULTILINE
    )
    assert listed == [(headings(page)[0].partition(". ")[2], page.name) for page in DECISIONS]


def test_the_index_leads_to_every_page() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in DOCS.glob("*.md") if page.name != "README.md" and f"({page.name})" not in index] == []
