"""What covariates explain, on a baseline's page: how much of each feature's spread they take out, and how well a line fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jidoka import html_page
from jidoka.monitor.baseline import Baseline

Floats = NDArray[np.float64]

WIDTH, HEIGHT = 320, 140
#: records drawn of each feature, evenly over the baseline, so that one that bends in time shows too
POINTS = 200
#: features drawn: those of which most is explained
MOST_DRAWN = 12

INTRODUCTION = (
    "Drift is looked for in what is left when the lines below are taken out, and 1 σ and 2 σ further down are of that. Where "
    "covariates lie so far from all that was learned that a line may be off by more than 1 σ, nothing is judged. Is a relation "
    "bent rather than straight, the feature isn't fit to be watched this way."
)


def section(explained: Mapping[str, Any], baseline: Baseline) -> list[str]:
    """The section as HTML; [] without covariates. explained: of showing.as_object."""
    if not explained:
        return []
    covariates = list(next(iter(explained.values()))["slopes"])
    head = [
        "feature",
        "σ",
        "σ left",
        "explained",
        "in doubt by, σ",
        "remembers",
        *(f"per {name}" for name in covariates),
    ]
    rows = [
        (name, f"{each['sigma']:.4g}", f"{each['sigma_left']:.4g}", f"{share(each):.0%}", f"{each['doubt_sigma']:.2f}",
         f"{each['remembers']:.0f}", *(f"{slope:.3g}" for slope in each["slopes"].values()))
        for name, each in explained.items()
    ]  # fmt: skip
    drawn = sorted(explained, key=lambda name: -share(explained[name]))[:MOST_DRAWN]
    return [
        f"<h2>Explained by {html_page.text(', '.join(covariates))}</h2>",
        f"<p>{html_page.text(INTRODUCTION)}</p>",
        html_page.table(head, rows),
        "<div class=grid>" + "".join(_drawn(name, explained[name], baseline) for name in drawn) + "</div>",
    ]


def share(each: Mapping[str, Any]) -> float:
    """The share of a feature's variance that its covariates explain, 0 to 1."""
    if not each["sigma"] > 0.0:
        return 0.0
    return float(max(0.0, 1.0 - (each["sigma_left"] / each["sigma"]) ** 2))


def _drawn(name: str, each: Mapping[str, Any], baseline: Baseline) -> str:
    """Records over the covariate that moves it most, less what the other covariates explain, and the line."""
    columns = {other: baseline.records[:, baseline.names.index(other)] for other in each["slopes"]}
    moves = {other: abs(slope) * float(np.nanstd(columns[other])) for other, slope in each["slopes"].items()}
    strongest = max(moves, key=lambda other: moves[other])
    y = baseline.records[:, baseline.names.index(name)].copy()
    for other, slope in each["slopes"].items():
        if other != strongest:
            y -= slope * (columns[other] - each["around"][other])
    x = columns[strongest]
    whole = np.isfinite(x) & np.isfinite(y)
    x, y = x[whole], y[whole]
    caption = f"{html_page.text(name)} <span class=quiet>over {html_page.text(strongest)}, {share(each):.0%} explained</span>"
    return (
        f"<figure><svg width={WIDTH} height={HEIGHT} viewBox='0 0 {WIDTH} {HEIGHT}' role=img aria-label='{html_page.text(name)}'>"
        f"{_cloud(x, y, each['slopes'][strongest])}</svg><figcaption>{caption}</figcaption></figure>"
    )


def _cloud(x: Floats, y: Floats, slope: float) -> str:
    if not x.size:
        return ""
    left, width = float(x.min()), float(np.ptp(x)) or 1.0
    bottom, height = float(y.min()), float(np.ptp(y)) or 1.0
    places = np.unique(np.linspace(0, x.size - 1, POINTS).astype(int))
    dots = "".join(
        f"<circle cx={WIDTH * (x[i] - left) / width:.1f} cy={HEIGHT * (1 - (y[i] - bottom) / height):.1f} r=1.5 />"
        for i in places
    )
    ends = [y.mean() + slope * (at - x.mean()) for at in (left, left + width)]
    first, last = (HEIGHT * (1 - (end - bottom) / height) for end in ends)
    return f"{dots}<line x1=0 y1={first:.1f} x2={WIDTH} y2={last:.1f} />"
