"""One HTML page of figures and charts. It needs no network and runs no script."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from cdb.performance import charts
from cdb.performance.figures import FIGURES_OF_A_GROUP, group_rows
from services.performance.trades import TradeFigures

_STYLE: Final = f"""
:root {{ color-scheme: light dark; --line: #2563eb; --loss: #dc2626; --gain: #16a34a; --grid: #8884; --text: #666; }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 1060px; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; }} h2 {{ font-size: 1.1rem; margin-top: 2rem; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; white-space: nowrap; }}
td, th {{ padding: .15rem 1rem .15rem 0; text-align: right; }}
td:first-child, th:first-child {{ text-align: left; }}
{charts.STYLE}"""


def page(title: str, body: Iterable[str]) -> str:
    """The whole page: *body* is HTML, *title* is text."""
    content = "\n".join([f"<h1>{escape(title)}</h1>", *body])
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n'
        f"<body>\n{content}\n</body></html>\n"
    )


def section(title: str, content: str) -> list[str]:
    """HTML under a heading; nothing if there is no *content*."""
    return [f"<h2>{escape(title)}</h2>", content] if content else []


def table(rows: Iterable[Sequence[str]], header: Sequence[str] = ()) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<table>{f'<tr>{head}</tr>' if head else ''}\n{body}</table>"


def groups_table(groups: dict[str, TradeFigures]) -> str:
    return table(group_rows(groups), ("", *FIGURES_OF_A_GROUP)) if groups else ""
