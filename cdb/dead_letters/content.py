"""The message in a dead letter, for people."""

from typing import Final

import msgspec

from cdb.kit.printable import printable

_LONGEST_DUMP: Final = 2_048


def readable(data: bytes) -> str:
    """Show *data* as text that no terminal or page obeys: JSON indented, other text escaped, all else as a hex dump."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _hex_dump(data)
    try:
        text = msgspec.json.format(text, indent=2)
    except (msgspec.MsgspecError, RecursionError):
        return printable(text)
    return printable(text, keep_lines=True)


def _hex_dump(data: bytes) -> str:
    shown = data[:_LONGEST_DUMP]
    lines = [f"{at:06x}  {shown[at : at + 16].hex(' ')}" for at in range(0, len(shown), 16)]
    if len(data) > len(shown):
        lines.append(f"and {len(data) - len(shown):,} more bytes")
    return "\n".join(lines)
