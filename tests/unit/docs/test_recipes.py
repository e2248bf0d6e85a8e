"""Modules that docs/recipes.md has readers write pass, in a copy of the project, the tests written with them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
COPIED = ("services", "telemetry", "tests/support")


def modules(recipe: int) -> dict[str, str]:
    """The new files of a recipe: each step names one before its text, which begins with a docstring."""
    text = re.split(r"^## \d\. ", PAGE, flags=re.MULTILINE)[recipe]
    found = {}
    for step in re.split(r"^(?=\d+\. )", text, flags=re.MULTILINE):
        file = re.search(r"`((?:services|tests)/[\w/]+\.py)`", step)
        code = re.search(r'^```python\n(""".*?)^```', step, re.DOTALL | re.MULTILINE)
        if file and code:
            found[file[1]] = code[1]
    return found


@pytest.mark.parametrize("recipe", [3])
def test_a_recipe_passes_its_own_test(recipe: int, tmp_path: Path) -> None:
    for folder in COPIED:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    module, test = modules(recipe).items()
    for file, code in (module, test):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test[0]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d passed", done.stdout)
