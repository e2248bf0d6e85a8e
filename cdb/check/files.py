"""Read a file of the project; whatever is in it, the error names the file."""

from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from services.decoding import prepared

T = TypeVar("T")


class FileError(ValueError):
    """A file cannot be read, or says what cannot be; the message names it."""


def read_yaml(root: Path, file: Path, kind: type[T]) -> T:
    """Read *file* of the project in *root*. Raises FileError if it is no *kind*."""
    text = read_text(root, file)
    try:
        return msgspec.convert(yaml.load(text, yaml.CSafeLoader), prepared(kind))
    except (ValueError, TypeError, RecursionError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise _file_error(root, file, error) from error


def read_text(root: Path, file: Path) -> str:
    """Read *file* of the project in *root* as text. Raises FileError."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise _file_error(root, file, error) from error


def _file_error(root: Path, file: Path, error: Exception) -> FileError:
    return FileError(f"{file.relative_to(root)}: {' '.join(str(error).split())}")
