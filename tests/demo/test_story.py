"""The teller of the story: stages happen by their claims, acts by a key or by patience, and nothing by time alone."""

from __future__ import annotations

from jidoka.demo.facts import Facts
from jidoka.demo.stage import Stage, Teller
from jidoka.demo.story import STORY

SECOND_NS = 1_000_000_000


class Hand:
    """Remembers what was done to the line."""

    def __init__(self) -> None:
        self.acts: list[str] = []

    def press(self) -> None:
        self.acts.append("press")

    def turn_key(self, is_on: bool) -> None:
        self.acts.append(f"key {is_on}")

    def fail_lamp(self) -> None:
        self.acts.append("fail")

    def replace_lamp(self) -> None:
        self.acts.append("replace")

    def acknowledge(self, facts: Facts) -> None:
        self.acts.append(f"acknowledge {len(facts.waiting)}")


def pressed_stage(limit_s: float = 5.0) -> Stage:
    return Stage(
        "x", "says", lambda f, s: f.output == "MACHINE", "seen {n}", key="r",
        act=lambda plant, facts: plant.press(), figures=lambda f, s: {"n": f.parts_made}, limit_s=limit_s,
    )  # fmt: skip


def test_an_act_waits_for_its_key() -> None:
    facts, hand, teller = Facts(), Hand(), Teller((pressed_stage(),), 0)
    assert teller.is_waiting_for_a_key
    for typed in (None, "a", "l"):
        facts.now_ns += 1
        teller.step(facts, hand, typed, patience_s=60)
    assert hand.acts == []
    teller.step(facts, hand, "r", patience_s=60)
    assert hand.acts == ["press"]
    assert not teller.is_waiting_for_a_key


def test_when_nobody_types_the_act_happens_by_itself_after_the_patience() -> None:
    facts, hand, teller = Facts(), Hand(), Teller((pressed_stage(),), 0)
    facts.now_ns = 2 * SECOND_NS
    teller.step(facts, hand, None, patience_s=3)
    assert hand.acts == []
    facts.now_ns = 3 * SECOND_NS
    teller.step(facts, hand, None, patience_s=3)
    assert hand.acts == ["press"]


def test_a_stage_is_told_when_its_claim_holds_and_not_before() -> None:
    facts, hand, teller = Facts(), Hand(), Teller((pressed_stage(),), 0)
    teller.step(facts, hand, "r", patience_s=60)
    facts.now_ns = SECOND_NS
    assert teller.step(facts, hand, None, patience_s=60) is None
    facts.output, facts.parts_made = "MACHINE", 7
    told = teller.step(facts, hand, None, patience_s=60)
    assert told is not None
    assert (told.at_s, told.text) == (1.0, "seen 7")
    assert teller.stage is None
    assert not teller.failed


def test_a_press_that_had_no_effect_is_repeated_by_whoever_sees_that_the_line_still_waits() -> None:
    stage = next(stage for stage in STORY if stage.id == "run")
    facts, hand, teller = Facts(), Hand(), Teller((stage,), 0)
    facts.is_ready = True
    teller.step(facts, hand, "r", patience_s=60)
    facts.now_ns = 2 * SECOND_NS
    teller.step(facts, hand, None, patience_s=60)
    assert hand.acts == ["press"]
    facts.now_ns = 3 * SECOND_NS
    facts.is_ready = False
    teller.step(facts, hand, None, patience_s=60)
    assert hand.acts == ["press"]
    facts.is_ready = True
    teller.step(facts, hand, None, patience_s=60)
    assert hand.acts == ["press", "press"]


def test_a_claim_that_does_not_come_true_in_its_limit_fails_the_story_and_names_the_stage() -> None:
    facts, hand, teller = Facts(), Hand(), Teller((pressed_stage(limit_s=2.0),), 0)
    teller.step(facts, hand, "r", patience_s=60)
    facts.now_ns = 3 * SECOND_NS
    teller.step(facts, hand, None, patience_s=60)
    assert "“x” did not happen within 2 s" in teller.failed
    assert teller.stage is None


def test_the_story_has_every_stage_that_an_engineer_must_see_in_its_order() -> None:
    ids = [stage.id for stage in STORY]
    assert ids.index("drift") < ids.index("stopped") < ids.index("reset refused") < ids.index("acknowledged")
    assert ids.index("proving, lamp still bad") < ids.index("lamp replaced") < ids.index("run again")
    assert len(set(ids)) == len(ids)
    assert {stage.key for stage in STORY if stage.key} == {"r", "a", "l", "k"}
    assert all(stage.hint for stage in STORY if stage.key)


def test_waiting_causes_are_the_trips_that_were_not_acknowledged_at_their_present_revision() -> None:
    facts = Facts()
    row = {"trip": True, "active": True, "latched": True, "statistical": False}
    facts.causes = [
        {"id": "old", **row, "revision": 3, "acknowledged_revision": 2},
        {"id": "seen", **row, "revision": 3, "acknowledged_revision": 3},
        {"id": "no trip", **row, "trip": False, "revision": 1, "acknowledged_revision": 0},
        {"id": "gone", **row, "active": False, "latched": False, "revision": 1, "acknowledged_revision": 0},
    ]
    assert [cause["id"] for cause in facts.waiting] == ["old"]
