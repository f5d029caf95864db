"""The page about a baseline: self-contained, complete, safe against names that look like markup, and drawable."""

from __future__ import annotations

import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from jidoka.baselines.comparing import distances
from jidoka.baselines.page import BROWSERS, Sheet, page, picture
from jidoka.baselines.signing import Signature
from jidoka.monitor.showing import as_object
from PIL import Image

from tests.monitor import line


class Seen(HTMLParser):
    """Tags, texts and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def sheet(tmp_path: Path, **changes: object) -> Sheet:
    baseline = replace(line.baseline(n=300), digest="ab" * 32)
    first = replace(line.baseline(seed=2, n=300), digest="cd" * 32)
    signature = Signature(
        baseline.digest, 0, 0, 300, "", "quality", "qa-1", "good <b>parts</b>", "2026-01-02T00:00:00Z"
    )
    made = Sheet(
        as_object(line.plan(tmp_path), baseline), baseline, [signature], 2, first, distances(first, baseline)
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_it_says_everything_that_is_shown_and_fetches_nothing(tmp_path: Path) -> None:
    shown = sheet(tmp_path)
    seen = Seen(page(shown))
    text = " ".join(seen.texts)
    assert seen.addresses == []
    assert "script" not in seen.tags
    assert seen.tags.count("svg") == len(shown.baseline.names)
    for name in (*shown.baseline.names, *shown.shown["conditions"]):
        assert name in text
    assert "1 of 2 persons signed" in text
    assert shown.shown["promised"] in text
    assert "good <b>parts</b>" in text, "what people write is shown, not obeyed"
    assert "b" not in seen.tags[seen.tags.index("table") :] or "good <b>" not in page(shown)


def test_each_fault_is_a_line_and_without_faults_it_may_arm(tmp_path: Path) -> None:
    shown = sheet(tmp_path)
    faulty = replace(shown, shown={**shown.shown, "faults": ["too few & too <new>", "it was settling"]})
    assert Seen(page(faulty)).texts.count("too few & too <new>") == 1
    good = replace(shown, shown={**shown.shown, "faults": []})
    assert "Yes." in Seen(page(good)).texts


def test_the_first_signed_one_is_drawn_over_the_histograms_unless_it_is_this_one(tmp_path: Path) -> None:
    shown = sheet(tmp_path)
    assert "class=first" in page(shown)
    alone = page(replace(shown, first=shown.baseline, moved=()))
    assert "class=first" not in alone
    assert "There is no earlier one." in alone


def test_a_feature_that_never_varied_or_never_came_breaks_nothing(tmp_path: Path) -> None:
    shown = sheet(tmp_path)
    records = shown.baseline.records.copy()
    records[:, 0], records[:, 1] = 5.0, np.nan
    assert (
        page(replace(shown, baseline=replace(shown.baseline, records=records))).count("<svg")
        == records.shape[1]
    )


@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="no browser on this machine")
def test_a_browser_draws_it(tmp_path: Path) -> None:
    file, drawn = tmp_path / "page.html", tmp_path / "page.png"
    file.write_text(page(sheet(tmp_path)), encoding="utf-8")
    picture(file, drawn)
    with Image.open(drawn) as image:
        assert image.size[0] == 1200
        assert len(image.convert("RGB").getcolors(1_000_000) or ()) > 5, "it isn't blank"
