"""All mistakes that the checker is tried on, each with what it has to say of it."""

from typing import Final

from tests.unit.cdb.check.wrong_questions import MEANING, NAMES_AND_LABELS
from tests.unit.cdb.check.wrong_settings import LIMITS, UNSUPPORTED
from tests.unit.cdb.check.wrong_words import READERS, UNITS

MUTATIONS: Final = (*NAMES_AND_LABELS, *MEANING, *UNITS, *READERS, *LIMITS, *UNSUPPORTED)
