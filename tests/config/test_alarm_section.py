"""What the register says of alarms reaches the steward's table."""

from __future__ import annotations

from jidoka.alarms.definition import OFF_DELAY_NS
from jidoka.config.compile import compile_text
from jidoka.steward.own_alarms import definitions, settings_of

from .line import ROOT, VALID, changed

WATCHED = changed(
    ("response: hold", "response: observe"),
    (
        "    owner:",
        "    off_delay: 2 min\n    dead_band: 10 %\n    suppressed_while: [changeover, not running]\n    owner:",
    ),
    ("risks:", "alarms:\n  shelve_at_most: 90 min\n  shelve_from: machine\nrisks:"),
)


def test_delays_dead_bands_and_rules_reach_the_alarm_of_their_row() -> None:
    plan = compile_text(WATCHED, ROOT)
    assert plan.sections["alarms"]["shelve"] == {"at_most_s": 5400.0, "is_local": True}
    [alarm] = [each for each in definitions(plan) if each.id == "R-01"]
    assert (alarm.off_delay_ns, alarm.dead_band, alarm.suppressed_while) == (
        120 * 10**9, 0.1, ("changeover", "not running"),
    )  # fmt: skip
    assert alarm.priority == "low"


def test_a_register_that_says_nothing_of_alarms_has_the_defaults() -> None:
    plan = compile_text(VALID, ROOT)
    assert plan.sections["alarms"] == {"rows": {}, "shelve": {"at_most_s": 14_400.0, "is_local": False}}
    assert settings_of("R-01", plan)["off_delay_ns"] == OFF_DELAY_NS
    assert "R-01" not in [each.id for each in definitions(plan)], "the guard's, not the steward's own"
