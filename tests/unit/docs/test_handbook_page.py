"""docs/handbook.md is up to date and names every section of the handbook; test_pages.py checks its links."""

import re

from cdb.doctor.checks import CHECKS
from tests.support.handbook import PAGE, page, sections


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: python -m tests.support.handbook"


def test_every_section_of_the_handbook_is_named_in_its_order() -> None:
    found = sections()
    assert tuple(one.section for one in found.sections) == found.numbering
    assert all(one.found for one in found.sections)
    # A subsection has its section before it.
    assert not [
        number for number in found.numbering if "." in number and number.rsplit(".", 1)[0] not in found.numbering
    ]


def test_every_item_that_is_named_is_one_of_the_doctors() -> None:
    items = {check.name for check in CHECKS}
    named = [name for one in sections().checklist for name in one.doctor]
    for one in sections().sections:
        for words in re.findall(
            r"`cdb doctor`, items? ([a-z-]+(?:(?:, | and )[a-z-]+)*)", f"{one.found} {one.differs}"
        ):
            named += re.split(r", | and ", words)
    assert len(named) > 20
    assert set(named) <= items
    assert all(one.doctor or one.by_hand for one in sections().checklist)
