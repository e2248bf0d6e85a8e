"""Where the project's files are."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DASHBOARDS: Final = Path("monitoring", "dashboards", "json")
"""Below the project's root, which may be a copy of it."""
