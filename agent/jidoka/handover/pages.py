"""Pieces of the pages: tables as HTML, Markdown and CSV, and the style that prints well."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
body { font: 15px/1.5 system-ui, 'DejaVu Sans', sans-serif; margin: 2rem auto; max-width: 78rem; padding: 0 1rem; color: #1d2733; background: #fff }
h1 { font-size: 1.6rem; margin-bottom: .2rem } h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid #cdd5de }
h3 { font-size: 1.02rem; margin-top: 1.4rem } .quiet { color: #5b6875; font-size: .88rem } code { background: #f1f4f7; padding: 0 .25rem }
table { border-collapse: collapse; width: 100%; font-size: .9rem } td, th { padding: .3rem .6rem; text-align: left; vertical-align: top; border: 1px solid #cdd5de }
th { background: #f4f7fa } .hint { background: #fff8e6; border: 1px solid #c77700; padding: .6rem 1rem } svg { max-width: 100%; height: auto }
td.sign { min-width: 9rem; height: 2.2rem } td.done { min-width: 3.2rem } pre { background: #f1f4f7; padding: .7rem; overflow-x: auto; font-size: .82rem }
pre.notes { white-space: pre-wrap } nav ul { columns: 2 } .untranslated { background: #fff0f0 }
@media print { body { margin: 0; max-width: none; font-size: 11px } h2 { break-after: avoid } tr, figure, pre { break-inside: avoid } a { color: inherit; text-decoration: none } }
"""
#: what a spreadsheet would take for a formula
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]], classes: Sequence[str] = ()) -> str:
    """A table of escaped cells; classes: of each column."""

    def cell(tag: str, words: str, number: int) -> str:
        kind = classes[number] if tag == "td" and number < len(classes) and classes[number] else ""
        return f"<{tag}{f' class={kind}' if kind else ''}>{escape(words)}</{tag}>"

    lines = ["<tr>" + "".join(cell("th", words, n) for n, words in enumerate(head)) + "</tr>"]
    lines += ["<tr>" + "".join(cell("td", words, n) for n, words in enumerate(row)) + "</tr>" for row in rows]
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The same for Markdown."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def csv_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The same as CSV (RFC 4180, UTF-8 with a byte order mark, so that a spreadsheet reads the accents)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return "\ufeff" + out.getvalue()


def _harmless(cell: str) -> str:
    """A text that begins like a formula isn't one."""
    return f"'{cell}" if cell.startswith(FORMULA) and not cell.removeprefix("-").isdigit() else cell


def document(title: str, note: str, body: str) -> str:
    """A whole page with nothing outside it."""
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title>"
        f"<meta name=viewport content='width=device-width'><style>{STYLE}</style><body>\n"
        f"<h1>{escape(title)}</h1><p class=quiet>{escape(note)}</p>\n{body}\n</body></html>\n"
    )
