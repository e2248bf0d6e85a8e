"""Runbooks: Markdown files of monitoring/runbooks as HTML."""

import re
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,100}")
_PAGE: Final = re.compile(r"^(?:\./|(?:\.\./)*monitoring/runbooks/)?([A-Za-z0-9_]+)\.md(#.*)?$")
_PAGES: Final = {
    "cdb breaker trip": "/act/trip",
    "cdb breaker reset": "/act/reset",
    "cdb flatten": "/act/flatten",
    "cdb dead-letters list": "/system#letters",
    "cdb dead-letters resend ID": "/system#letters",
    "cdb dead-letters show ID": "/system#letters",
    "cdb alerts": "/alerts",
    "cdb trace slow": "/traces",
    "cdb doctor": "/system#doctor",
}
"""Where a page does what a command does."""
# Text of ours; HTML in it stays text all the same.
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


def file_of(folder: Path, name: str) -> Path | None:
    """File of the runbook *name*; None if there is none."""
    file = folder / f"{name}.md"
    return file if _NAME.fullmatch(name) and file.is_file() else None


def link(folder: Path, address: str) -> str:
    """Link for an alert's runbook_url: a web address, or a page of ours; "" if there is none."""
    if address.startswith(("http://", "https://")):
        return address
    name = Path(address).stem
    return f"/runbooks/{name}" if file_of(folder, name) else ""


def html(text: str) -> Markup:
    """*text* as HTML. Links to other runbooks lead to their pages; those to other files of the project are text."""
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open":
                _lead(child)
        token.children = token.children and [one for child in token.children for one in _with_page(child)]
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # noqa: S704  HTML in the text is escaped


def _with_page(token: Token) -> list[Token]:
    """*token*, and a link around it if it is a command for what a page of ours does."""
    page = _PAGES.get(token.content) if token.type == "code_inline" else None
    return (
        [token] if page is None else [Token("link_open", "a", 1, {"href": page}), token, Token("link_close", "a", -1)]
    )


def _lead(token: Token) -> None:
    address = str(token.attrs.get("href", ""))
    if found := _PAGE.match(address):
        token.attrs["href"] = f"/runbooks/{found[1]}{found[2] or ''}"
    elif not address.startswith(("http://", "https://", "#")):
        del token.attrs["href"]
        token.attrs["title"] = address
