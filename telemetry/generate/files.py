"""Write generated files, or compare them with the committed ones."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def asked_to_check(arguments: Sequence[str] | None, *, program: str, about: str | None) -> bool:
    """Whether *arguments* (default: the command line's) have --check; *program* and *about* are for --help."""
    parser = argparse.ArgumentParser(prog=program, description=about)
    parser.add_argument("--check", action="store_true", help="only name the files that are out of date")
    return bool(parser.parse_args(arguments).check)


def bring_up_to_date(texts: Mapping[str, str], root: Path, *, check: bool) -> int:
    """Write *texts* to their paths below *root*. With *check*, only name those that differ; 1 if there are any."""
    stale = 0
    for name, text in texts.items():
        path = root / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if check:
            stale = 1
            sys.stderr.write(f"{name} is out of date; run make generate\n")
        else:
            path.write_text(text, encoding="utf-8")
    return stale
