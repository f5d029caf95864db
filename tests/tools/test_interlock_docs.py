"""docs/interlock.md is what the guard runs by."""

from __future__ import annotations

from jidoka_bridge.guard.interlock import TABLE

from tools import interlock_docs


def test_the_page_is_made_from_the_present_table() -> None:
    assert interlock_docs.TARGET.read_text(encoding="utf-8") == interlock_docs.document()


def test_every_kind_of_event_is_on_the_page_with_its_cells_its_text_and_its_reason() -> None:
    page = interlock_docs.document()
    for row in TABLE:
        cells = " | ".join(interlock_docs.cell(each) for each in row.cells)
        assert f"| **{row.event}** | {cells} |" in page
        assert f"| `{row.event}` | {row.text} | {interlock_docs.reason(row)} |" in page
