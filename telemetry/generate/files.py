"""Generated files: written, or only compared with what is committed."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def asked_to_check(arguments: Sequence[str] | None, *, program: str, about: str | None) -> bool:
    """Return whether *arguments* (default: the command line's) have --check, of the *program* that makes the files."""
    parser = argparse.ArgumentParser(prog=program, description=about)
    parser.add_argument("--check", action="store_true", help="only say which files are out of date")
    return bool(parser.parse_args(arguments).check)


def bring_up_to_date(texts: Mapping[str, str], root: Path, *, check: bool) -> int:
    """Write *texts* to their paths below *root*; if *check*, name those that differ and return 1 if there are any."""
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
