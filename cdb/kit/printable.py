"""Show text that anybody may have written, on a terminal that obeys control characters."""

import unicodedata

_LINES = frozenset("\n\t")


def printable(text: str, *, keep_lines: bool = False) -> str:
    r"""Write characters that a terminal would obey as \xNN or \uNNNN; with *keep_lines* not line ends and tabs."""
    return "".join(c if _is_shown(c) or (keep_lines and c in _LINES) else _escaped(c) for c in text)


def cut(text: str, length: int) -> str:
    """Shorten *text* to *length* characters, the last of them an ellipsis."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _is_shown(character: str) -> bool:
    # Cc: control; Cf: among them those that reverse the reading order; Cs: halves of nothing; Zl, Zp: line ends.
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _escaped(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
