"""Closed slices of the guard's core: a reduced plan each, with the events that belong together.

All facts at once can't be explored to closure; the slices together meet every row of the interlock's table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jidoka_bridge.plan import Model, Proving, Trips

from tools.exploring.core_events import EVENTS
from tools.exploring.core_roots import BEGUN, LOST, LOST_ROOTS, READY_ROOTS, UNLINKED
from tools.exploring.core_world import CoreWorld, Setting
from tools.exploring.liveness import MENDING
from tools.exploring.plans import ADVICE, DIGEST, DRIFT, INVALID, NEVER_S, STEP_MS, plan
from tools.exploring.search import World
from tools.exploring.seeding import Seed

ALWAYS = ("beat", "press", "disk writes", "acknowledge")
#: events by which leases or records could be lost, or parts be owed: there they come with each beat
FEEDING = frozenset(
    {
        "monitor lost", "monitor restarts", "monitor restarts cold", "steward lost", "inferences stop", "a part",
    }
)  # fmt: skip
DRIFT_SAID = ("drift on", "drift off", "drift unknown")
INVALID_SAID = ("invalid on", "invalid off")


@dataclass(frozen=True)
class Slice:
    """What is explored together. make: the world; is_reduced: small enough for the tests; text: what it shows."""

    name: str
    text: str
    events: tuple[str, ...]
    make: Callable[[], World]
    roots: tuple[str, ...] = ("start",)
    is_reduced: bool = False
    asks: tuple[str, ...] = field(default=("L1",))
    scaled: Seed | None = None
    mending: frozenset[str] = MENDING


def core(
    name: str,
    text: str,
    responses: dict[str, str],
    *events: str,
    is_reduced: bool = False,
    roots: tuple[str, ...] = (),
    contents: dict[str, dict[str, Any]] | None = None,
    asks: tuple[str, ...] = ("L1",),
    is_prompt: bool = True,
    faults: tuple[str, ...] = (),
    budget: int = 0,
    **changes: Any,
) -> Slice:
    """A slice of the guard's core. is_prompt: a press is written at once; else anything may come between."""
    is_fed = bool(FEEDING & set(events))
    never = {} if is_fed else {"no_data_ms": NEVER_S * 1_000, "no_record_ms": NEVER_S * 1_000}
    two_phase = "disk begins" in events
    always = tuple(each for each in ALWAYS if not ((two_phase or is_prompt) and each == "disk writes"))
    remembers = "restart" in events
    restates = remembers or bool({"monitor lost", "monitor restarts", "monitor restarts cold"} & set(events))

    def make() -> CoreWorld:
        a_plan = plan(responses, **{**changes, "times": {**never, **changes.get("times", {})}})
        takes_back = "acknowledgement taken back" in events
        setting = Setting(
            responses, a_plan, remembers, restates, two_phase, is_prompt, is_fed, takes_back, faults,
            frozenset(events), budget, contents or {},
        )  # fmt: skip
        return CoreWorld(setting, EVENTS)

    # a reduced slice also begins where everything runs: what goes wrong there is found sooner
    roots = roots or (("start", "running") if is_reduced else ("start",))
    return Slice(name, text, always + events, make, roots, is_reduced, asks)


SEC = STEP_MS / 1000
#: every kind of event, but those that only say the same anew or belong to writes in two steps
ONCE = tuple(
    each
    for each in EVENTS
    if each not in ALWAYS
    and not each.startswith(("disk begins", "disk ends", "disk fails", "drift"))
    and not each.endswith((", permitted", "of an old run"))
)
APPROVED = Model("m", "enforce", longest_interval_ms=10**6, digest="a" * 64, known_answers="b" * 64)


def _contents() -> dict[str, dict[str, Any]]:
    """Classes of what a latch file with a right CRC can hold: every field at each value that decides something."""
    person = {"role": "operator", "pseudonym": "p1"}
    causes: dict[str, dict[str, list[Any]]] = {
        "nothing latched": {},
        "unacknowledged": {"R-1": [True, 2, 1, person, ""]},
        "acknowledged": {"R-1": [True, 2, 2, person, ""]},
        "acknowledged in the future": {"R-1": [True, 1, 2, person, ""]},
        "lockout's own": {"R-4": [True, 1, 0, None, ""]},
        "for maintenance": {"proving failed": [True, 3, 2, person, "maintenance"]},
        "of an earlier plan": {"R-9": [True, 1, 0, None, ""]},
        "held and overridden": {"local hold": [True, 1, 1, person, ""], "override": [True, 1, 0, None, ""]},
    }
    found: dict[str, dict[str, Any]] = {LOST: {}}
    for lockout in (False, True):
        for clean in (True, False):
            for name, held in causes.items():
                for failed, key in ((0, False), (2, True), (3, False)):
                    label = f"{'locked out, ' if lockout else ''}{'' if clean else 'not clean, '}{name}, {failed} runs failed"
                    found[label + (", key must go off" if key else "")] = {
                        "lockout": lockout, "clean": clean, "causes": held, "failed_runs": failed, "run": failed,
                        "key_must_go_off": key, "override_used_s": 10 * failed, "first_out": next(iter(held), None),
                        "raising": "run" if failed == 3 else None,
                    }  # fmt: skip
    return found


CONTENTS = _contents()
CORE: tuple[Slice, ...] = (
    core("causes", "a statistical and an integrity cause, no fallback",
         {DRIFT: "hold", INVALID: "hold"}, *DRIFT_SAID, "drift off of an old run", *INVALID_SAID),
    core("drift", "one statistical cause", {DRIFT: "hold"}, *DRIFT_SAID, "drift off of an old run", is_prompt=False),
    core("invalid alone", "one integrity cause", {INVALID: "hold"}, *INVALID_SAID, "invalid unknown", is_reduced=True),
    core("fallback", "a statistical and an integrity cause that fall back, and the plant's own program",
         {DRIFT: "fallback", INVALID: "fallback"}, "drift on", "drift off", *INVALID_SAID,
         "fallback ready", fallback="program 7"),
    core("fallback alone", "an integrity cause that falls back", {INVALID: "fallback"}, *INVALID_SAID,
         "fallback ready", "fallback gone", fallback="program 7", is_reduced=True),
    core("drift falls back", "a statistical cause that falls back",
         {DRIFT: "fallback"}, *DRIFT_SAID, "fallback ready", "fallback gone", fallback="program 7"),
    core("lockout", "a cause that locks out, and an engineer", {INVALID: "hold", DIGEST: "lockout"}, *INVALID_SAID,
         "digest on", "digest off", "unlock", "unlock remotely", "unlock as an operator"),
    core("lockout alone", "a cause that locks out", {DIGEST: "lockout"}, "digest on", "digest off", "unlock",
         "unlock remotely", "unlock as an operator", "key on", "key off", is_reduced=True),
    core("key", "the override key, holds and a statistical cause", {DRIFT: "hold"}, "drift on", "drift off",
         "key on", "key off", "hold", "remote hold"),
    core("key alone", "the override key and holds", {INVALID: "hold"}, "key on", "key off", "hold", "remote hold",
         is_reduced=True),
    core("key for too long", "the override's time, its repeated alarm, and a link that comes and goes", {INVALID: "hold"},
         "key on", "key off", "link lost", "link back", times={"override_s": 2 * SEC, "override_repeat_s": SEC}),
    core("data", "the monitor lost, back and restarted", {DRIFT: "hold"}, *DRIFT_SAID, "monitor lost", "monitor back",
         "monitor restarts"),
    core("data and fallback", "monitor and steward lost, with a fallback", {}, "monitor lost", "monitor back", "steward lost", "steward back", "fallback ready", "fallback gone",
         fallback="program 7", no_record="fallback"),
    core("data alone", "the monitor lost, with a fallback", {INVALID: "fallback"}, "monitor lost", "monitor back",
         "fallback ready", "fallback gone", fallback="program 7", is_reduced=True),
    core("record", "the steward and the disk", {INVALID: "hold"}, *INVALID_SAID, "steward lost", "steward back", "disk stuck",
         "disk back", is_prompt=False),
    core("disk", "writes that begin and end, and fail", {INVALID: "hold"}, *INVALID_SAID, "disk begins", "disk ends",
         "disk fails"),
    core("link", "the link, the PLC's readiness, its relay, and pauses", {INVALID: "hold"}, *INVALID_SAID, "link lost",
         "link back", "not ready", "ready", "the process pauses"),
    core("link alone", "the link and the PLC's readiness", {INVALID: "hold"}, "link lost", "link back", "not ready", "ready",
         "the process pauses", is_reduced=True),
    core("relay", "a relay that falls off or sticks", {}, "hold", "relay obeys", "relay falls off",
         "relay sticks", "unlock", "key on", "key off"),
    core("relay alone", "a relay that sticks", {}, "relay obeys", "relay sticks", "relay falls off", "hold", "unlock",
         is_reduced=True),
    core("proving", "a proving run with its limits in parts and time, on a machine that runs and stands", {DRIFT: "hold"},
         *DRIFT_SAID, "machine runs", "machine stands", "a part",
         proving=Proving(parts=2, minutes=2 * SEC / 60)),
    core("parts", "parts without inferences", {INVALID: "hold"}, "a part", "machine runs", "machine stands",
         "inferences stop", "inferences come",
         models=(Model("m", "enforce", longest_interval_ms=int(1.5 * STEP_MS)),)),
    core("drift and restarts", "killed at any time and started again", {DRIFT: "hold"}, "drift on", "drift off", "restart",
         "planned stop", "hold"),
    core("restarts and lockout", "killed and started again, with a cause that locks out", {DIGEST: "lockout"}, "digest on",
         "digest off", "restart", "unlock", "planned stop", is_reduced=True),
    core("restarts within a write", "killed while the latch file is written", {DIGEST: "lockout"}, "digest on",
         "digest off", "restart", "unlock", "disk begins", "disk ends"),
    core("offer", "an offer that lapses, and acknowledgements that renew it", {INVALID: "hold"}, *INVALID_SAID,
         "acknowledge again", times={"offer_s": 2 * SEC}, is_prompt=False),
    core("advice", "an advice beside a cause", {ADVICE: "advise", INVALID: "hold"}, "advice on", "advice off",
         "advice unknown", *INVALID_SAID),
    core("people", "what people may not do", {INVALID: "hold"}, *INVALID_SAID, "hold", "remote hold", "acknowledge remotely",
         "acknowledge an old revision", "acknowledge without a reason", "acknowledge as an auditor",
         "press that isn't counted"),
    core("old judgements", "a judgement that gets too old", {DRIFT: "hold"}, *DRIFT_SAID,
         judgement_valid_h=1.5 * SEC / 3600),
    core("observe", "a model that isn't in enforce: the word stays WITHHOLD", {DRIFT: "hold", INVALID: "hold"},
         *DRIFT_SAID, *INVALID_SAID, models=(Model("m", "observe"),), asks=()),
    core("standing", "conditions change only while the machine is permitted", {DRIFT: "hold"}, "drift on, permitted",
         "drift off, permitted", "drift unknown, permitted", asks=("L2",)),
    core("standing with a fallback", "the same with the plant's own program", {DRIFT: "fallback"}, "drift on, permitted",
         "drift off, permitted", "fallback ready", "fallback gone", asks=("L2",), fallback="program 7"),
    core("latch files", "from every content class of a latch file with a right CRC", {DRIFT: "hold", DIGEST: "lockout"},
         "drift off", "unlock", "key on", "key off", roots=tuple(CONTENTS), contents=CONTENTS),
    core("acknowledged in the future", "a latch file with an acknowledgement of what is still to come", {INVALID: "hold"},
         "invalid on", "invalid off", roots=("acknowledged in the future",), is_reduced=True,
         contents={"acknowledged in the future": {"causes": {"R-2": [True, 1, 2, {"role": "operator", "pseudonym": "p1"}, ""]}}}),
    core("model file", "the model's file, and announced windows for changing it", {INVALID: "hold"}, "another file",
         "the approved file", "window of two steps", "window by one person", "unlock", models=(APPROVED,)),
    core("model file and fallback", "the model's file with the plant's own program", {}, "another file",
         "the approved file", "window of two steps", "fallback ready", "fallback gone", "unlock",
         models=(APPROVED,), fallback="program 7"),
    core("mode", "a model taken out of enforce", {INVALID: "hold"}, "model out of enforce", "model back in enforce",
         "model back in enforce, remotely", "fallback ready", "fallback gone", "restart",
         fallback="program 7"),
    core("known answers", "known answers shown", {DRIFT: "hold"}, "drift on, permitted", "known answers right",
         "known answers wrong", "monitor restarts cold", models=(APPROVED,), asks=("L2",),
         # a model that moves nothing on M isn't judged in a proving run: that one ends by its time
         proving=Proving(parts=10**6, minutes=SEC / 60)),
    core("trips", "the same cause again and again", {INVALID: "hold", DRIFT: "hold"}, *INVALID_SAID, "drift on", "drift off",
         "unlock", trips=Trips(most=1, within_h=10.0**6)),
    core("strangers", "somebody else on the line, remote commands, and a cause", {INVALID: "hold"}, *INVALID_SAID,
         "somebody else on the line", "alone on the line", "unlock", "remote reset", "remote arming", "key on", "key off"),
    core("button and clock", "a stuck button, a step of the clock, and a hold", {}, "hold",
         "button stuck", "button let go", "clock step"),
    # for the tests and the seeded faults: small, and with the disk at once where a write isn't what it is about
    core("proving alone", "a proving run, written at once", {DRIFT: "hold"}, *DRIFT_SAID, "drift off of an old run",
         is_reduced=True),
    core("causes alone", "a proving run and an integrity cause", {DRIFT: "hold", INVALID: "hold"}, "drift off",
         *INVALID_SAID, is_reduced=True),
    core("people alone", "what people may not do", {}, "hold", "acknowledge remotely", "acknowledge an old revision",
         "acknowledge without a reason", "acknowledge as an auditor", is_reduced=True),
    core("holds alone", "a hold, again and again", {}, "hold", is_reduced=True),
    core("record alone", "the steward", {INVALID: "hold"}, "steward lost", "steward back", is_reduced=True),
    core("disk alone", "writes that begin and end, and fail", {}, "disk begins", "disk ends", "disk fails", "hold",
         is_reduced=True),
    core("writes alone", "what comes between a press and its write", {INVALID: "hold"}, "invalid on", "invalid off",
         is_reduced=True, is_prompt=False),
    core("monitor alone", "a monitor that restarts", {INVALID: "hold"}, "invalid on", "monitor restarts",
         "monitor restarts cold",
         is_reduced=True, asks=()),
    core("restarts", "the process killed at any time and started again", {}, "hold", "restart", "planned stop",
         is_reduced=True),
    core("observe alone", "a model that isn't in enforce", {}, "hold", models=(Model("m", "observe"),), is_reduced=True, asks=()),
    core("key for too long alone", "the override's time and its repeated alarm", {}, "key on", "key off",
         times={"override_s": 2 * SEC, "override_repeat_s": SEC}, is_reduced=True),
    core("restarts with the key", "restarted while the key is on", {}, "hold", "restart", "key on", "key off",
         is_reduced=True),
    core("fallback without record", "the steward lost, and a policy to fall back", {}, "steward lost", "steward back",
         "fallback ready", "fallback gone", fallback="program 7", no_record="fallback", is_reduced=True),
    core("advice alone", "an advice", {ADVICE: "advise"}, "advice on", "advice off", "hold", is_reduced=True),
    core("proving to its end", "a proving run with its limits", {DRIFT: "hold"}, "drift off", "drift on", "a part",
         "machine runs", proving=Proving(parts=2, minutes=3 * SEC / 60), is_reduced=True),
    core("files alone", "the model's file and its windows", {}, "another file", "the approved file",
         "window of two steps", "window by one person", "unlock", models=(APPROVED,), is_reduced=True),
    core("files alone, fallback", "the model's file and the plant's own program", {}, "another file",
         "the approved file", "window of two steps", "fallback ready", models=(APPROVED,), fallback="program 7",
         is_reduced=True, asks=()),
    core("modes alone", "a model taken out of enforce", {}, "model out of enforce", "model back in enforce",
         "model back in enforce, remotely", is_reduced=True),
    core("modes alone, fallback", "the same with the plant's own program", {}, "model out of enforce",
         "model back in enforce", "fallback ready", "fallback gone", fallback="program 7", is_reduced=True),
    core("answers alone", "known answers shown", {DRIFT: "hold"}, "known answers right", "known answers wrong",
         "drift off, permitted", models=(APPROVED,), is_reduced=True),
    core("trips alone", "the same cause again and again", {INVALID: "hold"}, "invalid on", "invalid off", "unlock",
         trips=Trips(most=1, within_h=10.0**6), is_reduced=True),
    core("statistical trips alone", "the same statistical cause again and again", {DRIFT: "hold"}, "drift on",
         "drift off", trips=Trips(most=1, within_h=10.0**6), is_reduced=True),
    core("trips in fallback", "the same cause again and again, with the plant's own program", {INVALID: "fallback"},
         "invalid on", "invalid off", "unlock", "fallback ready", fallback="program 7",
         trips=Trips(most=1, within_h=10.0**6), is_reduced=True),
    core("motion alone", "a machine that moves without a permissive, and in changeover", {}, "hold", "a part",
         "machine runs", "machine stands", "changeover begins", "changeover ends", "unlock",
         times={"run_out_ms": int(1.5 * STEP_MS)}, is_reduced=True),
    core("strangers alone", "somebody else on the line, remote commands", {}, "somebody else on the line",
         "alone on the line", "unlock", "remote reset", "remote arming", "hold as an auditor", is_reduced=True),
    core("a button that is held down", "a press that lasts while what is on offer changes", {INVALID: "fallback"}, "invalid on",
         "invalid off", "fallback ready", "button stuck", "button let go", "button released", fallback="program 7", is_reduced=True),
    core("button alone", "a button that is stuck", {}, "button stuck", "button let go", "hold", is_reduced=True),
    core("clock alone", "steps of the clock", {}, "clock step", "clock set for the first time", "hold",
         "a message that is refused", is_reduced=True),
    core("errors alone", "an error inside the guard", {}, "an error inside", "hold", "unlock", "unlock as an operator",
         "key on", "key off", is_reduced=True),
    core("taken back alone", "acknowledgements that are taken back", {INVALID: "hold"}, "invalid on", "invalid off",
         "acknowledgement taken back", is_reduced=True),
    core("a PLC that isn't there", "a start without a link, and arming that takes too long", {}, "link back", "hold",
         roots=(UNLINKED,), times={"arming_s": 2 * SEC}, is_reduced=True),
    core("a self-test that failed", "nothing is permitted", {}, "hold", "unlock", "key on", "key off",
         faults=("the table isn't the approved one",), roots=("start",), is_reduced=True, asks=()),
    core("each event in each state", "whatever happens once in any state, and time after it",
         {INVALID: "fallback", ADVICE: "advise", DIGEST: "lockout"}, *ONCE, budget=1, models=(APPROVED,),
         fallback="program 7", roots=("start", "running", "advised", "fallen back", "held", "locked out", "overridden"),
         is_reduced=True, asks=()),
    core("each event when much is lost", "the same where link, data, record, disk or a cause are lost already",
         {INVALID: "hold", ADVICE: "advise", DIGEST: "lockout"}, *ONCE, budget=1, models=(APPROVED,), fallback="program 7",
         no_record="fallback", roots=(*LOST_ROOTS, *READY_ROOTS), is_reduced=True, asks=()),
    core("each event in a proving run", "the same in a proving run", {DRIFT: "hold", INVALID: "fallback", DIGEST: "lockout"},
         *(each for each in ONCE if not each.startswith("advice")), "drift on", "drift off", budget=1, models=(APPROVED,),
         fallback="program 7", roots=("start", "running"), is_reduced=True, asks=()),
    core("trips that lock out", "causes that lock out each time, again and again", {DRIFT: "lockout", DIGEST: "lockout"},
         "drift on", "drift off", "digest on", "digest off", "unlock", trips=Trips(most=1, within_h=10.0**6),
         is_reduced=True),
    core("statistical trips in fallback", "a statistical cause again and again, with the plant's own program",
         {DRIFT: "fallback"}, "drift on", "drift off", "fallback ready", fallback="program 7",
         trips=Trips(most=1, within_h=10.0**6), is_reduced=True),
    core("restarts with a relay that sticks", "killed, or stopped and started, while the output doesn't follow", {}, "restart",
         "planned stop", "relay sticks", "relay obeys", "unlock", is_reduced=True),
    core("trips of an earlier plan", "a latch file with more trips than this plan allows", {INVALID: "hold"}, "invalid on",
         "invalid off", "unlock", trips=Trips(most=1, within_h=10.0**6), roots=("tripped twice",),
         contents={"tripped twice": {"trips": {"R-2": [0, 0]}}}, is_reduced=True),
    core("statistical trips of an earlier plan", "the same for a statistical cause", {DRIFT: "hold"}, "drift on", "drift off",
         trips=Trips(most=1, within_h=10.0**6), roots=("tripped twice",),
         contents={"tripped twice": {"trips": {"R-1": [0, 0]}}}, is_reduced=True),
    core("a few events in each state", "three of those that reach the table's cells only together",
         {INVALID: "fallback", ADVICE: "advise", DIGEST: "lockout"}, "window of two steps", "another file",
         "the approved file", "model out of enforce", "model back in enforce", "advice on", "advice off", "invalid on",
         "acknowledgement taken back", "acknowledge what doesn't wait", "clock step", "key on", "relay sticks", "an error inside",
         budget=3, models=(APPROVED,), fallback="program 7", asks=(),
         roots=(*BEGUN, *(each for each in READY_ROOTS if each != "fallen back without record"), "fallen back")),
    core("a few events in a proving run", "two of those that take it away, with the plant's own program",
         {DRIFT: "hold"}, "window of two steps", "another file", "model out of enforce", "monitor lost", "steward lost",
         "fallback gone", budget=2, models=(APPROVED,), fallback="program 7", no_record="fallback",
         roots=("proving", "proving, fallback ready"), is_reduced=True, asks=()),
    core("old judgements alone", "a judgement that gets too old", {DRIFT: "hold"}, "drift off", "drift unknown",
         judgement_valid_h=1.5 * SEC / 3600, is_reduced=True),
)  # fmt: skip
