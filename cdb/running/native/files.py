"""Files that only their owner may read."""

import os


def write_private(path: "os.PathLike[str]", text: str) -> None:
    """Write *text* to a file that was never readable for others."""
    partial = f"{os.fspath(path)}.new"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)
    os.replace(partial, path)
