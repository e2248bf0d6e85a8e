"""docs/settings.md: one table of all settings, as the template and the settings classes have them."""

import re

from cdb.running.native import known_settings
from cdb.running.settings_page import PAGE, page
from tests.support.paths import ROOT


def test_the_page_is_what_the_template_and_the_classes_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run make generate"


def test_every_setting_stands_there_once() -> None:
    listed = re.findall(r"^\| `([A-Z][A-Z0-9_]*)` \|", page(), flags=re.MULTILINE)
    assert len(listed) == len(set(listed))
    tools = {"CDB_COMPOSE"}
    assert {*listed} == known_settings.settings({}, ROOT) | known_settings.OF_THE_ENVIRONMENT - tools
