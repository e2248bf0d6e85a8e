"""Read a YAML file of the project as typed values."""

from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

T = TypeVar("T")


class FileError(ValueError):
    """A file cannot be read, or says what cannot be; the message names it."""


def read_yaml(root: Path, file: Path, kind: type[T]) -> T:
    """Read *file* of the project in *root*. Raise FileError, naming it, if it is no *kind*."""
    try:
        return msgspec.convert(yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader), kind)
    except (OSError, UnicodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise FileError(f"{file.relative_to(root)}: {' '.join(str(error).split())}") from error
