"""Files that a stack's servers read."""

import os
from collections.abc import Mapping


def write_private(path: "os.PathLike[str]", text: str) -> None:
    """Write *text* to a file that was never readable for others."""
    partial = f"{os.fspath(path)}.new"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)
    os.replace(partial, path)


def ini(sections: Mapping[str, Mapping[str, object]]) -> str:
    """Text of an INI file; nothing is escaped."""
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in values.items())
        for name, values in sections.items()
    )
