"""What a demonstration is made of: its site, what is seen there, whose hands act, the story, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from jidoka.demo.facts import Facts
from jidoka.demo.hands import Hands
from jidoka.demo.plant import Line
from jidoka.demo.site import BASELINE_RECORDS, Site, make_station
from jidoka.demo.stage import Stage
from jidoka.demo.story import STORY

LEARN_HZ = 500  # as fast as small machines render; the line's own rate is stated in the configuration


@dataclass(frozen=True)
class Piece:
    """One demonstration. source: what the baseline is learned from, with its options; records: how many of them."""

    make_site: Callable[[], Site]
    hands: Callable[[Site], Hands]
    story: tuple[Stage, ...]
    source: tuple[str, ...]
    records: int
    good: str
    facts: Callable[[], Facts] = field(default=Facts)


def station_hands(site: Site) -> Line:
    """Of the camera station."""
    return Line(site.panel, site.camera_file, site.plan.steward_socket)


STATION = Piece(
    make_station,
    station_hands,
    STORY,
    ("--source", "renderer", "--rate", str(LEARN_HZ)),
    BASELINE_RECORDS,
    "good parts",
)
