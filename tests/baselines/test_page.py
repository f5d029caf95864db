"""The page about a baseline: self-contained, complete, safe against names that look like markup, and drawable."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from jidoka.baselines.comparing import distances
from jidoka.baselines.explained import POINTS
from jidoka.baselines.page import BROWSERS, Sheet, page, picture
from jidoka.baselines.signing import Signature
from jidoka.monitor.baseline import Baseline
from jidoka.monitor.showing import as_object, explained_of
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


def warming(n: int = 300) -> Baseline:
    """Of a line whose brightness follows the hall's temperature, and whose noise doesn't."""
    rng = np.random.default_rng(5)
    hall = 20.0 + 5.0 * np.sin(np.arange(n) / 9.0) + 0.2 * rng.standard_normal(n)
    records = np.column_stack([2.0 * hall + rng.standard_normal(n), rng.standard_normal(n), hall])
    names = ("brightness", "noise", "hall <°C>")
    return Baseline("inspection", "", 0, 0, names, records, 10.0, "2026-01-01T00:00:00Z", digest="ab" * 32)


def test_what_covariates_explain_is_told_and_drawn_with_the_line_through_it(tmp_path: Path) -> None:
    shown, baseline = sheet(tmp_path), warming()
    explained = explained_of(baseline, ("hall <°C>",))
    assert set(explained) == {"brightness", "noise"}
    whole = page(replace(shown, baseline=baseline, shown={**shown.shown, "explained": explained}))
    seen = Seen(whole)
    assert "Explained by hall <°C>" in seen.texts
    told = seen.texts[seen.texts.index("Explained by hall <°C>") :]
    row = told[told.index("brightness") :][:7]
    assert (
        row[3]
        == f"{1.0 - (explained['brightness']['sigma_left'] / explained['brightness']['sigma']) ** 2:.0%}"
    )
    assert int(row[3].rstrip("%")) > 95
    assert float(row[6]) == pytest.approx(2.0, abs=0.1)
    assert seen.tags.count("line") == 2
    assert seen.tags.count("circle") == 2 * POINTS
    # the line that is drawn is the one that is taken out: it goes through the cloud of the one it explains
    up, level = re.findall(r"<line x1=0 y1=([-0-9.]+) x2=320 y2=([-0-9.]+) />", whole)
    assert float(up[0]) - float(up[1]) > 100, "from the lower left to the upper right"
    assert abs(float(level[0]) - float(level[1])) < 20


def test_without_covariates_nothing_is_said_of_them(tmp_path: Path) -> None:
    assert "Explained by" not in page(sheet(tmp_path))


@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="no browser on this machine")
def test_a_browser_draws_it(tmp_path: Path) -> None:
    file, drawn = tmp_path / "page.html", tmp_path / "page.png"
    file.write_text(page(sheet(tmp_path)), encoding="utf-8")
    picture(file, drawn)
    with Image.open(drawn) as image:
        assert image.size[0] == 1200
        assert len(image.convert("RGB").getcolors(1_000_000) or ()) > 5, "it isn't blank"
