"""Faults that are seeded into the guard's core, its tables and its code; each must be found on a reduced plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jidoka_bridge.registers import Word

from tools.exploring.seeding import Seed, cell, item, name, text, together


@dataclass(frozen=True)
class Fault:
    """slice: where it is looked for; by: how the broken invariant's text begins; is_quick: in the tests as well."""

    text: str
    seed: Seed
    slice: str
    by: str
    is_quick: bool = False


def _cell(event: str, state: str, content: str, where: str, by: str, *, is_quick: bool = False) -> Fault:
    return Fault(
        f"table: {event!r} in {state} is {content!r}", cell(event, state, content), where, by, is_quick
    )


def _always(*_: Any) -> bool:
    return True


def _nothing(*_: Any) -> list[Any]:
    return []


TABLE_FAULTS: tuple[Fault, ...] = (
    _cell("override key off", "OVERRIDE", "RUN", "key alone", "I2"),
    _cell("override key on", "RUN", ".", "key alone", "I9", is_quick=True),
    _cell("override key on", "HOLD", ".", "key alone", "I9"),
    _cell("remote hold", "OVERRIDE", "RUN", "key alone", "I4", is_quick=True),
    _cell("local hold", "RUN", "noted", "key alone", "I1"),
    _cell("acknowledge", "HOLD", "RUN", "people alone", "I5", is_quick=True),
    _cell("cause off", "HOLD", "RUN", "invalid alone", "I5"),
    _cell("hold cause on", "RUN", ".", "invalid alone", "I1"),
    _cell("hold cause on", "RUN", "ADVISE", "invalid alone", "I1"),
    _cell("hold cause on", "FALLBACK", ".", "causes alone", "I1"),
    _cell("lockout cause on", "RUN", "HOLD", "lockout alone", "I3"),
    _cell("lockout cause on", "LOCKOUT", "HOLD", "lockout alone", "I3"),
    _cell("engineer unlock", "LOCKOUT", "RUN", "lockout alone", "I2"),
    _cell("unlock refused", "LOCKOUT", "HOLD", "lockout alone", "I3"),
    _cell("restart", "LOCKOUT", "START_UP", "restarts and lockout", "I3", is_quick=True),
    _cell("self-test passed, held", "START_UP", "RUN", "restarts and lockout", "I"),
    _cell("plc link back", "HOLD", "RUN", "link alone", "I"),
    _cell("plc link lost", "RUN", ".", "link alone", "I1"),
    _cell("plc not ready", "RUN", ".", "link alone", "I1"),
    _cell("monotonic gap", "RUN", ".", "link alone", "I1"),
    _cell("data or record back", "HOLD", "RUN", "data alone", "I"),
    _cell("no data, none", "RUN", "ADVISE", "data alone", "I"),
    _cell("no data, healthy", "RUN", ".", "data alone", "I1", is_quick=True),
    _cell("no record, hold", "RUN", ".", "record alone", "I1"),
    _cell("latch file not writable", "RUN", ".", "disk alone", "I1"),
    _cell("fallback cause on, none", "RUN", "ADVISE", "fallback alone", "I1"),
    _cell("fallback cause on, healthy", "RUN", "ADVISE", "fallback alone", "I1"),
    _cell("fallback path lost", "FALLBACK", ".", "fallback alone", "I8"),
    _cell("proving judged bad", "FALLBACK", "noted", "proving alone", "I1", is_quick=True),
    _cell("reset to fallback", "HOLD", "RUN", "fallback alone", "I"),
    _cell("reset to proving run", "HOLD", "RUN", "proving alone", "I1"),
    _cell("reset to run", "HOLD", ".", "holds alone", "L1"),
    _cell("engineer unlock", "LOCKOUT", ".", "lockout alone", "L1"),
    Fault("table: HOLD writes MACHINE", item("guard.interlock:WORDS", 5, Word.MACHINE), "invalid alone", "I"),
    Fault(
        "table: OVERRIDE writes WITHHOLD", item("guard.interlock:WORDS", 7, Word.WITHHOLD), "key alone", "I6"
    ),
)

CODE_FAULTS: tuple[Fault, ...] = (
    Fault("nobody need acknowledge", name("guard.causes:Causes.unacknowledged", _nothing), "invalid alone", "I7", True),
    Fault("G doesn't ask for causes", name("guard.reset_offer:lacks_of_causes", _nothing), "invalid alone", "I"),
    Fault("what isn't judged counts as off",
          name("guard.conditions:Conditions.is_off", lambda _, known, __: not known.is_on), "proving alone", "I1", True),
    Fault("judgements of an earlier run count",
          text("guard.conditions:Conditions._is_of_this_run", "is_since or not known.by_run", "True"),
          "proving alone", "I1"),
    Fault("an acknowledgement of an old revision counts",
          text("guard.acts:judge_acknowledge", "seen != cause.revision", "False"), "people alone", "I7", True),
    Fault("an acknowledgement needs no reason",
          text("guard.acts:judge_acknowledge", 'body.get("reason") not in ACKNOWLEDGE_REASONS', "False"), "people alone", "I7"),
    Fault("a remote acknowledgement counts",
          text("guard.acts:judge_acknowledge", 'if body.get("remote")', "if False"), "people alone", "I7"),
    Fault("an auditor may acknowledge", name("guard.acts:is_entitled", _always), "people alone", "I7"),
    Fault("an operator may unlock", name("guard.acts:is_entitled", _always), "lockout alone", "I3"),
    Fault("a remote unlock counts",
          text("guard.acts:judge_unlock", 'if body.get("remote")', "if False"), "lockout alone", "I3"),
    Fault("an unlock while the cause is active counts",
          # what nobody knows to be gone bars it as well
          together(text("guard.acts:judge_unlock", "if active", "if False"), name("guard.acts:unknown_of", _nothing)),
          "lockout alone", "I3"),
    Fault("an unlock with the key on counts", text("guard.acts:judge_unlock", "if key_on", "if False"),
          "lockout alone", "I"),
    Fault("an unlock before everything is acknowledged counts",
          text("guard.acts:judge_unlock", "if waiting", "if False"), "lockout alone", "I3"),
    Fault("a press counts at once when something is on offer",
          text("guard.resetting:press", "not held or ", ""), "invalid alone", "I2", True),
    Fault("a press counts for what is on offer at its release",
          text("guard.resetting:hold_offer", "view.inputs & Input.RESET_BUTTON", "False"), "a button that is held down", "I2"),
    Fault("a change doesn't cancel the reset under way",
          text("guard.reset_offer:refresh_offer", "pending.target != found.target or", "False or"), "writes alone", "I"),
    Fault("a lockout isn't written",
          text("guard.remembered:content_of", "guard.interlock.state is State.LOCKOUT", "False"),
          "restarts and lockout", "I3"),
    Fault("what was acknowledged isn't told apart in the latch file",
          text("guard.remembered:restore_causes", "int(acknowledged))", "int(revision))"), "restarts", "I7"),
    Fault("an acknowledgement of what is still to come counts",
          text("guard.remembered:_until", "acknowledged if acknowledged <= revision else 0", "acknowledged"), "acknowledged in the future", "I7"),
    Fault("a restart is no cause",
          text("guard.core:Guard._start", 'elif (not content["clean"] or latch.torn)', "elif (False)"), "restarts", "I7"),
    Fault("the key isn't watched", text("guard.override:_key_on", "if state is State.OVERRIDE", "if True"),
          "key alone", "I9"),
    Fault("leases never get old", name("guard.watch:DataWatch.is_fresh", _always), "data alone", "I"),
    Fault("records never get old", name("guard.watch:RecordWatch.is_fresh", _always), "record alone", "I"),
    Fault("a fallback is always healthy", name("guard.facts:fallback_is_healthy", _always), "fallback alone", "I8"),
    Fault("a cause that comes again has the same revision",
          text("guard.causes:Cause.strike", "self.revision += 1", "self.revision = 1"), "holds alone", "I7"),
    Fault("built-in causes aren't latched", text("guard.facts:is_moving", "in MOVING", "in ()"), "link alone", "I7"),
    Fault("the word isn't masked where a model isn't in enforce",
          text("guard.core:Guard.word", "if self.is_enforcing and not self.stopping", "if True"), "observe alone", "I"),
    Fault("a judgement is valid for ever",
          text("guard.conditions:Conditions.is_off", "now_ns - known.judged_ns <= self._valid_ns", "True"),
          "old judgements alone", "I1"),
    Fault("a window is opened by one person",
          text("guard.changes:_agree", "first is None or not is_same or first[1] == pseudonym", "False"), "files alone", "I3"),
    Fault("a window is never over", text("guard.approved:watch_approved", "max(0, each.left_ns - passed_ns)", "each.left_ns"),
          "files alone", "I3"),
    Fault("a model is brought back into enforce from elsewhere", text("guard.changes:_judge", 'if body.get("remote")', "if False"),
          "modes alone", "I"),
    Fault("wrong known answers count as right ones",
          text("guard.conditions:Conditions.answered", "(Judgement.OFF, False) if passed else (Judgement.ON, True)",
               "(Judgement.OFF, False)"), "answers alone", "I"),
    Fault("trips aren't counted", name("guard.trips:TripCounters.add", _nothing), "trips alone", "I3"),
    Fault("a machine that runs without a permissive is passed over", name("guard.motion:_watch_withheld", _nothing),
          "motion alone", "I3"),
    Fault("an output that stays on is passed over", text("guard.read_back:watch_read_back", "is_long and ", "False and "), "relay alone", "I3"),
    Fault("an output that is off is passed over",
          text("guard.read_back:watch_read_back", "RANK[view.actual] < written and ", "False and "), "relay alone", "I1"),
    Fault("a button that is stuck is passed over", name("guard.button:ButtonWatch.fault", lambda *_: ""), "button alone", "I1"),
    Fault("a proving run has no end", name("guard.proving:ProvingRun.over", lambda *_: ""), "proving to its end", "I1"),
    Fault("an acknowledgement that is taken back still counts", name("guard.causes:Cause.take_back", _nothing),
          "taken back alone", "I7"),
    Fault("an override has no end", text("guard.override:_count_override",
          "guard.override_used_ns > guard.plan.times.override_s * S_NS", "False"), "key for too long alone", "I9"),
    Fault("somebody else on the line is passed over", text("guard.facts:watch_session", "view.foreign, now_ns", "False, now_ns"), "strangers alone", "I3"),
    Fault("a pause of the process is passed over", name("guard.core:Guard.gap", _nothing), "link alone", "I1"),
)  # fmt: skip
CORE_FAULTS = TABLE_FAULTS + CODE_FAULTS
