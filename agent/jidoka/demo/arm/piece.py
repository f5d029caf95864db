"""What `jidoka demo arm` is made of."""

from __future__ import annotations

from jidoka.demo.arm.facts import ArmFacts
from jidoka.demo.arm.hands import ArmHands
from jidoka.demo.arm.site import ArmSite, arm_site
from jidoka.demo.arm.story import STORY
from jidoka.demo.piece import Piece
from jidoka.demo.site import Site

BASELINE_CYCLES = 1000
#: simulated seconds a second
PACE, FAST_PACE = 2.0, 4.0


def _hands(site: Site) -> ArmHands:
    assert isinstance(site, ArmSite)
    return ArmHands(site.panel, site.knobs_file, site.plan.steward_socket)


def arm_piece(pace: float = PACE) -> Piece:
    """The demonstration with an arm whose clock goes so many times as fast as a real one's."""
    source = ("--source", "arm", "--rate", "0")
    return Piece(arm_site(pace), _hands, STORY, source, BASELINE_CYCLES, "cycles", ArmFacts)
