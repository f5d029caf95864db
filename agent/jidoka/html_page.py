"""What the reports share: one self-contained HTML page, its texts escaped, and tables."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


def page(title: str, style: str, parts: Iterable[str]) -> str:
    """The whole file. style: CSS; parts: of the body, HTML."""
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{text(title)}</title>"
        f"<meta name=viewport content='width=device-width'><style>{style}</style><body>{''.join(parts)}</body></html>\n"
    )


def text(value: object) -> str:
    """Anything as text that can't be taken for HTML."""
    return html.escape(str(value))


def table(head: Sequence[str], rows: Iterable[Sequence[object]], numbers_from: int = 1) -> str:
    """A table; columns from `numbers_from` on are set as numbers."""

    def cells(tag: str, row: Sequence[object]) -> str:
        return "".join(
            f"<{tag}{' class=n' if place >= numbers_from else ''}>{text(cell)}</{tag}>"
            for place, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><tr>{cells('th', head)}</tr>{body}</table>"
