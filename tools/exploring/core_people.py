"""What people do in the core's world: acknowledge, hold, unlock, announce, show; and what the book notes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jidoka_bridge.messages import Kind

from tools.exploring.book import claim
from tools.exploring.plans import CAUSE_OF, FACT_OF, MS

if TYPE_CHECKING:
    from tools.exploring.core_world import CoreWorld

#: acts on causes that don't wait for anybody
TOUCHING = frozenset(
    {"acknowledge what doesn't wait", "acknowledge what doesn't wait, remotely", "acknowledgement taken back"}
)
PERSON = {"request": "1", "person": "p1"}
#: of a cause: latched, revision, the one that was acknowledged, the role that must
NEVER_TOLD = (False, 0, 0, "")


def acknowledge(world: CoreWorld, is_fair: bool = True, **changes: Any) -> None:
    """All that the panel shows as waiting, one after the other."""
    for name, (latched, revision, seen, role) in list(world.told.items()):
        if not latched or revision == seen:
            continue
        body = {
            **PERSON, "cause": name, "revision": revision, "reason": "cause removed", "role": role or "operator",
            **{key: value(revision) if callable(value) else value for key, value in changes.items()},
        }  # fmt: skip
        if is_fair:
            world.book.acknowledged(FACT_OF.get(name, name))
        world.guard.act(world.now_ns, Kind.ACKNOWLEDGE, body)
        world.look("acknowledge" if is_fair else "remote or unfair acknowledge")


def acknowledge_again(world: CoreWorld) -> None:
    """What was acknowledged already, at the same revision: it renews an offer that lapsed."""
    for name, (latched, revision, seen, role) in list(world.told.items()):
        if latched and revision == seen:
            body = {
                **PERSON, "cause": name, "revision": revision, "reason": "cause removed", "role": role or "operator",
            }  # fmt: skip
            world.guard.act(world.now_ns, Kind.ACKNOWLEDGE, body)
            world.look("acknowledge again")


def acknowledge_others(world: CoreWorld, **changes: Any) -> None:
    """What the panel doesn't show as waiting: an advice, or what is over, or nothing at all."""
    for name in sorted({CAUSE_OF[each] for each in world.setting.responses} | world.told.keys()):
        latched, revision, seen, _ = world.told.get(name, NEVER_TOLD)
        if not latched or revision == seen:
            body = {
                **PERSON,
                "cause": name,
                "revision": revision,
                "reason": "cause removed",
                "role": "operator",
            }
            world.guard.act(world.now_ns, Kind.ACKNOWLEDGE, {**body, **changes})
            world.look("acknowledge what doesn't wait")


def take_back(world: CoreWorld) -> None:
    """Every acknowledgement that can be, by who gave it."""
    for name, (_, revision, seen, _) in list(world.told.items()):
        if revision and revision == seen:
            body = {**PERSON, "cause": name, "revision": revision, "role": "operator", "undo": True}
            answer = world.guard.act(world.now_ns, Kind.ACKNOWLEDGE, body)
            if answer and answer["ok"]:
                world.book.taken_back(FACT_OF.get(name, name))
            world.look("back: acknowledgement")


def fail(world: CoreWorld) -> None:
    """An error inside the guard."""
    world.book.is_locked = True
    world.guard.fail(world.now_ns, "an error")
    world.guard.tick(world.now_ns)  # the shell does, in the same turn
    world.look("error")


def hold(world: CoreWorld, remote: bool) -> None:
    name = "remote hold" if remote else "local hold"
    world.book.struck = name
    world.book.may_hold_with_key = world.book.may_hold_with_key or world.book.state == 7
    body = {**PERSON, "reason": "test", "role": "operator", "remote": remote}
    before = world.told.get(name, NEVER_TOLD)[1]
    world.guard.act(world.now_ns, Kind.HOLD, body)
    world.look(name)
    # that one which is over is as one that never was rests on this
    is_new = world.told.get(name, NEVER_TOLD)[1] > before
    claim(is_new, f"I7: {name} comes again at a revision that somebody may have acknowledged")


def unlock(world: CoreWorld, is_fair: bool = True, **changes: Any) -> None:
    body = {**PERSON, "reason": "repaired", "role": "engineer", **changes}
    book = world.book
    lockouts = [name for name, response in world.setting.responses.items() if response == "lockout"]
    is_gone = not any(book.facts[name].on for name in lockouts)
    is_gone = (
        is_gone and not world.view.foreign and (not book.is_file_wrong or book.is_in_window(world.now_ns))
    )
    book.is_unlocked = is_fair and is_gone and not book.key and not book.waiting
    world.guard.act(world.now_ns, Kind.UNLOCK, body)
    world.look("unlock" if is_fair else "remote or unfair unlock")
    book.is_unlocked = False


def model_file(world: CoreWorld, is_right: bool) -> None:
    """The monitor says which file the application has loaded."""
    world.book.is_file_wrong = not is_right
    digest = world.setting.plan.models[0].digest if is_right else "f" * 64
    world.guard.model_digest(world.now_ns, {"model": "m", "digest": digest})
    world.look("back: file" if is_right else "another file")


def act(world: CoreWorld, kind: Kind, by: str, **body: Any) -> None:
    """An act on the model."""
    world.guard.act(world.now_ns, kind, {**PERSON, "role": "engineer", "model": "m", **body})
    world.look(by)


def open_window(world: CoreWorld, length_ms: int) -> None:
    """Two persons announce it."""
    for person in ("p1", "p2"):
        if person == "p2" and world.book.state != 6:
            world.book.window_until_ns = world.now_ns + length_ms * MS
        act(world, Kind.WINDOW, "window", ms=length_ms, person=person)


def set_mode(world: CoreWorld, mode: str, **body: Any) -> None:
    """A person takes the model out of enforce, or back."""
    is_moving = world.book.rank > 0
    if mode == "observe":
        world.book.is_out_of_enforce = True
    elif not body and not is_moving:
        world.book.is_out_of_enforce = False
    act(world, Kind.MODE, "back: mode" if mode == "enforce" else "mode", mode=mode, **body)


def show_answers(world: CoreWorld, is_right: bool) -> None:
    """The known answers are announced and shown."""
    digest = world.setting.plan.models[0].known_answers
    may = world.book.state in (1, 5)
    act(world, Kind.KNOWN_ANSWERS, "announced", digest=digest)
    if may or not is_right:  # wrong ones count wherever they come from
        world.book.answers(is_right, world.now_ns)
    world.guard.answers(world.now_ns, {"model": "m", "digest": digest, "passed": is_right})
    world.look("off: answers" if is_right else "answers")
