"""What happens at the machine to bring each kind of event about, in each of the interlock's states.

`HAPPENS` says for each kind of event what has to happen. What can't be reached from outside stands in `OUT_OF_REACH`,
each with its reason.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

from jidoka_bridge.guard.clock import Step
from jidoka_bridge.guard.interlock import STATES, TABLE
from jidoka_bridge.messages import Judgement, Kind
from jidoka_bridge.plan import Model, Plan, Times, Trips
from jidoka_bridge.registers import Input, Word

from tests.bridge.guard.guard_rig import ADVICE, DIGEST, DRIFT, INVALID, MS, Rig, plan

ON, OFF, UNKNOWN = Judgement.ON, Judgement.OFF, Judgement.UNKNOWN
APPROVED, OTHER = "a" * 64, "b" * 64
SET = "c" * 64
#: the states, and FALLBACK once more while a proving run is on
PLACES = (*(state.name for state in STATES), "proving")
NO_BITS = Input(0)
PREPARED: dict[tuple[str, str], Rig] = {}
CELLS = [(row.event, place) for row in TABLE for place in PLACES]


def a_plan(**changes: Any) -> Plan:
    """Drift is a fallback cause, invalid output a hold cause; the plant has a program of its own."""
    values: dict[str, Any] = {
        "models": (Model("m", "enforce", 1, 1000, digest=APPROVED, known_answers=SET),),
        "fallback": "program 7",
        "times": Times(arming_s=5, override_s=30, override_repeat_s=10),
        **changes,
    }
    responses = {"R-1": "fallback", "R-2": "hold", **values.pop("responses", {})}
    causes = tuple(
        dataclasses.replace(cause, response=responses.get(cause.id, cause.response))
        for cause in plan().causes
    )
    return plan(**{"causes": causes, **values})


def prepared(place: str, a_plan: Plan) -> Rig:
    """A rig in that state: with a press, an advice, drift, a person's hold, a digest that differs, or the key."""
    rig = Rig(a_plan)
    rig.says[DRIFT] = (UNKNOWN if place == "proving" else OFF, 0)
    rig.fallback(healthy=True)
    rig.turn(3)
    if place == "START_UP":
        return rig
    if place == "proving":
        rig.fallback(healthy=False)
        rig.turn(2)
    rig.press()
    moves: dict[str, Callable[[], Any]] = {
        "RUN": lambda: None,
        "ADVISE": lambda: rig.judge(ADVICE, ON),
        "FALLBACK": lambda: rig.judge(DRIFT, ON),
        "HOLD": rig.hold,
        "LOCKOUT": lambda: rig.judge(DIGEST, ON),
        "OVERRIDE": lambda: rig.inputs(on=Input.OVERRIDE_KEY),
        "proving": lambda: None,
    }
    moves[place]()
    rig.turn(2)
    return rig


def is_in(rig: Rig, place: str) -> bool:
    proving = rig.guard.interlock.proving
    return proving if place == "proving" else rig.state == place and not proving


def at(place: str, **changes: Any) -> Rig:
    the_plan = a_plan(**changes)
    key = (place, the_plan.digest)
    if key not in PREPARED:
        PREPARED[key] = prepared(place, the_plan)
    rig = copy.deepcopy(PREPARED[key])
    assert is_in(rig, place), (place, rig.state, rig.guard.offer)
    rig.events.clear()
    return rig


# ---------------------------------------------------------------------- what happens


def parts(rig: Rig, count: int) -> None:
    for _ in range(count):
        rig.view = dataclasses.replace(rig.view, part_count=rig.view.part_count + 1)
        rig.turn()


def send(rig: Rig, kind: Kind, **body: Any) -> dict[str, Any]:
    person = {"request": "9", "role": "engineer", "person": "e1", "reason": "test", "model": "m"}
    answer = rig.guard.act(rig.now, kind, {**person, **body})
    assert answer is not None
    rig.turn()
    return answer


def window(rig: Rig, ms: int = 60_000) -> None:
    send(rig, Kind.WINDOW, ms=ms)
    send(rig, Kind.WINDOW, ms=ms, person="q1", role="quality")


def tell_digest(rig: Rig, digest: str) -> None:
    rig.guard.model_digest(rig.now, {"model": "m", "digest": digest})
    rig.turn()


def answers(rig: Rig, passed: bool) -> None:
    send(rig, Kind.KNOWN_ANSWERS, digest=SET)
    rig.guard.answers(rig.now, {"model": "m", "digest": SET, "passed": passed})
    rig.turn()


def disobey(rig: Rig, word: Word) -> None:
    rig.turn(8)
    rig.obeys = False
    rig.view = dataclasses.replace(rig.view, actual=word)
    rig.turn(16)


def without(name: str, turns: int) -> Callable[[Rig], None]:
    def act(rig: Rig) -> None:
        setattr(rig, name, False)
        rig.turn(turns)

    return act


def back(name: str, turns: int) -> Callable[[Rig], None]:
    def act(rig: Rig) -> None:
        without(name, turns)(rig)
        setattr(rig, name, True)
        rig.turn(3)

    return act


def bits(on: Input = NO_BITS, off: Input = NO_BITS, turns: int = 1) -> Callable[[Rig], None]:
    def act(rig: Rig) -> None:
        rig.inputs(on=on, off=off)
        rig.turn(turns)

    return act


Happens = Callable[[Rig, str], Rig | None]


def fresh(**more: Any) -> Callable[[Rig, str], Rig]:
    """A guard that has just started, whose first three good beats come now. more: of the latch file, or faults."""

    def act(rig: Rig, place: str) -> Rig:
        del place
        again = Rig(rig.plan, more.get("content"), more.get("faults", ()))
        if more.get("key"):
            again.view = dataclasses.replace(again.view, inputs=again.view.inputs | Input.OVERRIDE_KEY)
        again.turn(3)
        return again

    return act


def _restart(rig: Rig, place: str) -> Rig:
    del place
    again = Rig(rig.plan, rig.content)
    again.turn()
    return again


def _not_armed(rig: Rig, place: str) -> Rig:
    del place
    again = Rig(rig.plan)
    again.link = False
    again.turn(80)
    return again


def _all_gone(rig: Rig) -> None:
    """No cause is active, everything is judged off and acknowledged."""
    rig.says[DRIFT], rig.says[INVALID] = (OFF, rig.guard.run.number), (OFF, 0)
    rig.turn(2)
    rig.acknowledge_all()
    rig.turn(2)


def _reset(rig: Rig, place: str) -> None:
    del place
    _all_gone(rig)
    rig.press()


def _reset_to_advise(rig: Rig, place: str) -> None:
    rig.judge(ADVICE, ON)
    _reset(rig, place)


def _reset_with_drift(rig: Rig, place: str) -> None:
    del place
    rig.judge(DRIFT, ON)
    rig.turn(2)
    rig.acknowledge_all()
    rig.turn(2)
    rig.press()


def _cancel(rig: Rig, place: str) -> Rig:
    """Between the press and the write: drift that isn't judged any more, a lockout, the key."""
    rig = at("HOLD" if place in ("LOCKOUT", "OVERRIDE") else place)
    _all_gone(rig)
    rig.disk = False
    rig.press()
    assert rig.guard.pending
    if place == "LOCKOUT":
        rig.judge(DIGEST, ON)
    elif place == "OVERRIDE":
        rig.inputs(on=Input.OVERRIDE_KEY)
    else:
        rig.judge(DRIFT, UNKNOWN)
    return rig


def _cause_off(rig: Rig, place: str) -> Rig | None:
    """The condition of the state's own cause goes; elsewhere a hold cause that was only noted."""
    if place == "proving":
        return _drift_gone_in_proving()
    if place == "ADVISE":  # one advice of two
        rig.guard.clock(rig.now, Step(5_000 * MS, False))
        rig.turn()
        rig.acknowledge("clock step")
        return None
    name = {"FALLBACK": DRIFT, "LOCKOUT": DIGEST}.get(place, INVALID)
    rig.judge(name, ON)
    rig.judge(name, OFF)
    return None


def _drift_gone_in_proving() -> Rig:
    rig = at("HOLD", fallback=None)
    _reset_with_drift(rig, "HOLD")
    assert rig.guard.interlock.proving
    rig.judge(DRIFT, OFF)
    return rig


def _again_and_again(condition: str, response: str) -> Callable[[Rig, str], Rig]:
    """Two trips where one is allowed; in START-UP the latch file remembers them."""
    cause = "R-1" if condition == DRIFT else "R-2"

    def act(rig: Rig, place: str) -> Rig:
        limits = Trips(most=1)
        if place == "START_UP":
            return Rig(a_plan(trips=limits), {"trips": {cause: [0, 0]}})
        healthy = place == "FALLBACK"
        rig = at("RUN", trips=limits, responses={cause: "fallback" if healthy else response})
        rig.fallback(healthy)
        for _ in range(2):
            rig.judge(condition, ON)
            rig.turn(2)
            if rig.state == place and rig.guard.trips.is_over(rig.now, cause):
                break
            if not any(each["event"].startswith("too many") for each in rig.events):
                _all_gone(rig)
                rig.press()
                if rig.guard.interlock.proving:
                    rig.judge(DRIFT, OFF)
                    rig.turn()
                    rig.press()
        return rig

    return act


def _withdrawn(rig: Rig, place: str) -> Rig:
    rig = at("RUN")
    acts: dict[str, Callable[[], Any]] = {
        "FALLBACK": lambda: rig.judge(DRIFT, ON),
        "HOLD": rig.hold,
        "LOCKOUT": lambda: rig.judge(DIGEST, ON),
        "OVERRIDE": lambda: rig.inputs(on=Input.OVERRIDE_KEY),
    }
    acts[place]()
    rig.turn(2)
    return rig


def in_window(*then: Callable[[Rig], object], ms: int = 60_000) -> Callable[[Rig, str], Rig | None]:
    """While a window is open; nobody opens one in LOCKOUT, but one may be open when it comes to that."""

    def act(rig: Rig, place: str) -> Rig | None:
        if place != "LOCKOUT":
            window(rig, ms)
            for each in then:
                each(rig)
            return None
        healthy = rig.view.inputs2
        rig = at("RUN")
        rig.view = dataclasses.replace(rig.view, inputs2=healthy)
        window(rig, ms)
        rig.judge(DIGEST, ON)
        for each in then:
            each(rig)
        return rig

    return act


def _equal_again(rig: Rig, place: str) -> None:
    if place != "LOCKOUT":
        window(rig)
    tell_digest(rig, OTHER)
    tell_digest(rig, APPROVED)


def _back_in_enforce(rig: Rig) -> None:
    send(rig, Kind.MODE, mode="observe")
    send(rig, Kind.MODE, mode="enforce")


def _unlock(rig: Rig, place: str) -> None:
    del place
    rig.judge(DIGEST, OFF)
    rig.acknowledge_all()
    rig.unlock()


def _key_off(rig: Rig, place: str) -> Rig | None:
    if place == "HOLD":
        rig = at("OVERRIDE")
        rig.hold()
    rig.inputs(on=Input.OVERRIDE_KEY)
    rig.inputs(off=Input.OVERRIDE_KEY)
    return rig


def _seen(**changes: Any) -> Happens:
    """An advice, acknowledged, or at least tried to; in RUN it is gone by then, else it were ADVISE."""

    def act(rig: Rig, place: str) -> None:
        rig.judge(ADVICE, ON)
        if place == "RUN":
            rig.judge(ADVICE, OFF)
        rig.acknowledge("R-3", **changes)

    return act


def _taken_back(rig: Rig, place: str) -> None:
    _seen()(rig, place)
    rig.acknowledge("R-3", undo=True)


def _again(name: str) -> Callable[[Rig], None]:
    def act(rig: Rig) -> None:
        rig.judge(name, UNKNOWN)
        rig.judge(name, ON)

    return act


def _stuck_disk(rig: Rig) -> None:
    rig.disk = False
    rig.guard.refuse(rig.now, "something that has to be written down")
    rig.turn(18)


def _refused_press(rig: Rig, place: str) -> None:
    if place == "START_UP":
        rig.judge(INVALID, ON)
    rig.press()


def _alone(*acts: Callable[[Rig], object]) -> Happens:
    """One act after the other, wherever the guard is."""

    def with_place(rig: Rig, place: str) -> None:
        del place
        for act in acts:
            act(rig)

    return with_place


def ready(act: Callable[[Rig], object]) -> Happens:
    """While the plant's own program is ready."""
    return _alone(lambda rig: rig.fallback(healthy=True), act)


def lost(act: Callable[[Rig], object]) -> Happens:
    """While it isn't."""
    return _alone(lambda rig: rig.fallback(healthy=False), act)


def observe(rig: Rig) -> None:
    send(rig, Kind.MODE, mode="observe")


def changed(rig: Rig) -> None:
    tell_digest(rig, OTHER)


def _somebody_else(rig: Rig) -> None:
    rig.view = dataclasses.replace(rig.view, foreign=True)
    rig.turn()


def _over(first: Judgement) -> Callable[[Rig], None]:
    def act(rig: Rig) -> None:
        rig.judge(DRIFT, first)
        parts(rig, 10)

    return act


FALLBACK_R2 = {"responses": {"R-2": "fallback"}}
CHANGEOVER = Input.RUNNING | Input.CHANGEOVER

#: kind of event -> (what happens, settings of the plan)
HAPPENS: dict[str, tuple[Happens, dict[str, Any]]] = {
    "restart": (_restart, {}),
    "self-test passed": (fresh(), {}),
    "self-test passed, held": (fresh(content={"clean": False}), {}),
    "self-test passed, key on": (fresh(content={"clean": False}, key=True), {}),
    "self-test failed": (fresh(faults=["damaged"]), {}),
    "arming time over": (_not_armed, {}),
    "planned stop": (_alone(lambda rig: rig.guard.stop(rig.now)), {}),
    "reset to run": (_reset, {}),
    "reset to advise": (_reset_to_advise, {}),
    "reset to fallback": (_reset_with_drift, {}),
    "reset to proving run": (_reset_with_drift, {"fallback": None}),
    "reset refused": (_refused_press, {}),
    "raise cancelled": (_cancel, {}),
    "reset button fault": (_alone(bits(on=Input.RESET_BUTTON, turns=75)), {}),
    "proving judged good": (_alone(lambda rig: rig.judge(DRIFT, OFF)), {}),
    "proving judged bad": (_alone(lambda rig: rig.judge(DRIFT, ON)), {}),
    "proving over, judged good": (_alone(_over(OFF)), {}),
    "proving over": (_alone(_over(UNKNOWN)), {}),
    "known answers announced": (_alone(lambda rig: send(rig, Kind.KNOWN_ANSWERS, digest=SET)), {}),
    "known answers passed": (_alone(lambda rig: answers(rig, passed=True)), {}),
    "known answers failed": (_alone(lambda rig: answers(rig, passed=False)), {}),
    "advise cause on": (_alone(_again(ADVICE)), {}),
    "advise cause off": (_alone(lambda rig: rig.judge(ADVICE, ON), lambda rig: rig.judge(ADVICE, OFF)), {}),
    "fallback cause on, healthy": (ready(lambda rig: rig.judge(INVALID, ON)), FALLBACK_R2),
    "fallback cause on, none": (lost(lambda rig: rig.judge(INVALID, ON)), FALLBACK_R2),
    "hold cause on": (_alone(lambda rig: rig.judge(INVALID, ON)), {}),
    "lockout cause on": (_alone(_again(DIGEST)), {}),
    "cause off": (_cause_off, {}),
    "too many trips": (_again_and_again(INVALID, "hold"), {}),
    "too many trips, statistical": (_again_and_again(DRIFT, "hold"), {}),
    "no data, healthy": (ready(without("monitor", 10)), {}),
    "no data, none": (lost(without("monitor", 10)), {}),
    "no record, hold": (_alone(without("steward", 32)), {}),
    "no record, fallback": (ready(without("steward", 32)), {"no_record": "fallback"}),
    "data or record back": (_alone(back("monitor", 10)), {}),
    "fallback path lost": (_alone(lambda rig: rig.fallback(healthy=False)), {}),
    "latch file not writable": (_alone(_stuck_disk), {}),
    "monotonic gap": (_alone(lambda rig: rig.guard.gap(rig.now, 400 * MS)), {}),
    "clock step": (_alone(lambda rig: rig.guard.clock(rig.now, Step(5_000 * MS, False))), {}),
    "clock set": (_alone(lambda rig: rig.guard.clock(rig.now, Step(5_000 * MS, True))), {}),
    "plc link lost": (_alone(without("link", 1)), {}),
    "plc link back": (_alone(back("link", 1)), {}),
    "plc not ready": (_alone(bits(off=Input.MACHINE_READY)), {}),
    "plc ready": (_alone(bits(off=Input.KEY_AUTO), bits(on=Input.KEY_AUTO)), {}),
    "other session": (_alone(_somebody_else), {}),
    "read-back less": (_alone(lambda rig: disobey(rig, Word.WITHHOLD)), {}),
    "read-back more": (_alone(lambda rig: disobey(rig, Word.MACHINE_AND_AI)), {}),
    "withdrawn": (_withdrawn, {}),
    "moved without permissive": (_alone(bits(on=Input.RUNNING, turns=35)), {}),
    "running in changeover": (_alone(bits(on=CHANGEOVER, turns=35)), {}),
    "digest mismatch": (_alone(changed), {}),
    "digest equal again": (_equal_again, {}),
    "model changed, healthy": (in_window(lambda rig: rig.fallback(healthy=True), changed), {}),
    "model changed, none": (in_window(lambda rig: rig.fallback(healthy=False), changed), {}),
    "window announced": (_alone(lambda rig: send(rig, Kind.WINDOW, ms=60_000)), {}),
    "window open": (_alone(window), {}),
    "window over": (in_window(lambda rig: rig.turn(4), ms=200), {}),
    "window over, not approved": (in_window(changed, lambda rig: rig.turn(30), ms=1_000), {}),
    "mode set": (_alone(observe), {}),
    "model left enforce, healthy": (ready(observe), {}),
    "model left enforce, none": (lost(observe), {}),
    "model back in enforce": (_alone(_back_in_enforce), {}),
    "acknowledge": (_seen(), {}),
    "seen remotely": (_seen(remote=True), {}),
    "acknowledge taken back": (_taken_back, {}),
    "acknowledge refused": (_seen(reason="because"), {}),
    "local hold": (_alone(lambda rig: rig.hold()), {}),
    "remote hold": (_alone(lambda rig: rig.hold(remote=True)), {}),
    "hold refused": (_alone(lambda rig: rig.hold(role="viewer")), {}),
    "engineer unlock": (_unlock, {}),
    "unlock refused": (_alone(lambda rig: rig.unlock(role="operator")), {}),
    "change refused": (_alone(lambda rig: send(rig, Kind.MODE, mode="none")), {}),
    "command refused": (_alone(lambda rig: send(rig, Kind.COMMAND, command="reset")), {}),
    "message refused": (_alone(lambda rig: rig.guard.refuse(rig.now, "nonsense")), {}),
    "override key on": (_alone(bits(on=Input.OVERRIDE_KEY)), {}),
    "override key off": (_key_off, {}),
    "override time over": (_alone(lambda rig: rig.turn(440)), {}),
    "override repeat": (_alone(lambda rig: rig.turn(160)), {}),
    "fault": (_alone(lambda rig: rig.guard.fail(rig.now, "an error")), {}),
}  # fmt: skip

#: kind of event -> (places, why nothing outside brings it about there)
OUT_OF_REACH: dict[str, tuple[str, str]] = {
    "self-test passed": ("RUN ADVISE FALLBACK proving HOLD LOCKOUT OVERRIDE", "passed once, in START-UP"),
    "self-test passed, held": ("RUN ADVISE FALLBACK proving HOLD LOCKOUT OVERRIDE", "as above"),
    "self-test passed, key on": ("RUN ADVISE FALLBACK proving HOLD LOCKOUT OVERRIDE", "as above"),
    "reset to run": ("RUN ADVISE LOCKOUT OVERRIDE", "nothing is on offer there"),
    "reset to advise": ("RUN ADVISE LOCKOUT OVERRIDE", "nothing is on offer there"),
    "reset to fallback": ("RUN ADVISE FALLBACK proving LOCKOUT OVERRIDE", "it is on offer in START-UP and HOLD"),
    "reset to proving run": ("RUN ADVISE FALLBACK proving LOCKOUT OVERRIDE", "it is on offer in START-UP and HOLD"),
    "reset refused": ("RUN ADVISE", "a press means nothing there, so nobody is told"),
    "raise cancelled": ("RUN ADVISE", "no reset is under way there"),
    "known answers announced": ("LOCKOUT OVERRIDE", "the announcement is refused as a change"),
    "known answers passed": ("LOCKOUT OVERRIDE", "nobody could announce them"),
    "known answers failed": ("LOCKOUT OVERRIDE", "nobody could announce them"),
    "advise cause off": ("RUN", "with an advice it is ADVISE"),
    "fallback cause on, none": ("FALLBACK", "that the path is lost comes first"),
    "cause off": ("RUN", "with an active cause it isn't RUN"),
    "too many trips": ("proving LOCKOUT", "a trip is counted where something was permitted, and the run ends in HOLD"),
    "too many trips, statistical": ("proving LOCKOUT", "as above"),
    "no data, none": ("FALLBACK", "that the path is lost comes first"),
    "data or record back": ("proving", "the run ends when they go"),
    "fallback path lost": ("START_UP RUN ADVISE proving HOLD LOCKOUT OVERRIDE", "only FALLBACK needs it"),
    "plc ready": ("RUN ADVISE FALLBACK proving", "the state ends when it isn't"),
    "read-back less": ("START_UP HOLD LOCKOUT OVERRIDE", "nothing is less than nothing"),
    "read-back more": ("RUN ADVISE OVERRIDE", "nothing is more than all, and with the key on the PLC decides"),
    "withdrawn": ("START_UP RUN ADVISE proving", "it ends the fall into a lower state"),
    "digest equal again": ("proving", "the run ends when it differs"),
    "model changed, none": ("FALLBACK", "that the path is lost comes first"),
    "window announced": ("LOCKOUT", "it is refused as a change"),
    "window open": ("LOCKOUT", "it is refused as a change"),
    "window over, not approved": ("RUN ADVISE proving", "the state ends when the model is changed"),
    "model left enforce, none": ("FALLBACK", "that the path is lost comes first"),
    "acknowledge taken back": ("RUN", "what is neither active nor latched has returned to normal"),
    "engineer unlock": ("START_UP RUN ADVISE FALLBACK proving HOLD OVERRIDE", "it is refused as such"),
    "override key on": ("OVERRIDE", "it is on"),
}  # fmt: skip
