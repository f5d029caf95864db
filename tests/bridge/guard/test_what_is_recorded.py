"""What the guard writes down when each kind of event happens: every field of every record, cause and latch file.

The tests of the table look at states; here nothing else may change either. Where it is meant to change, write the file
anew and read the difference: python -m tests.bridge.guard.test_what_is_recorded
"""

from __future__ import annotations

import dataclasses
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from jidoka_bridge.guard.causes import Cause
from jidoka_bridge.guard.conditions import Known

from tests.bridge.guard.cells import HAPPENS, PLACES, at
from tests.bridge.guard.test_cells import is_reachable

RECORDED = Path(__file__).with_name("what_is_recorded.jsonl")
NEW_CAUSE = {field.name: field.default for field in dataclasses.fields(Cause)}
#: of a cause: what the plan says of it, which doesn't change
PLANNED = {
    "id",
    "risk",
    "response",
    "priority",
    "reason",
    "text",
    "remedy",
    "any_of",
    "all_of",
    "on_delay_ns",
}
LONG = 120
NOTHING: tuple[object, ...] = (None, "", [], {}, 0, False)


def cases() -> list[tuple[str, str]]:
    """Each kind of event, in the last place where it can happen."""
    return [(event, [place for place in PLACES if is_reachable(event, place)][-1]) for event in HAPPENS]


def short(value: object) -> object:
    """Long evidence by its CRC-32."""
    text = json.dumps(value, default=str)
    return value if len(text) <= LONG else f"{len(text)} characters, CRC {zlib.crc32(text.encode()):08x}"


def slim(body: dict[str, Any]) -> dict[str, Any]:
    """Without the fields that say nothing; evidence with all of them, texts are the table's."""
    found = {name: value for name, value in body.items() if value not in NOTHING and name != "text"}
    evidence = {name: short(value) for name, value in found.pop("evidence", {}).items()}
    return {**found, "evidence": evidence} if evidence else found


def shown(cause: Cause) -> dict[str, Any]:
    """What differs from a new cause."""
    found = {name: value for name, value in vars(cause).items() if name not in PLANNED}
    return slim({name: value for name, value in found.items() if value != NEW_CAUSE[name]})


def judged(known: Known) -> str:
    """What is known of one condition."""
    at_ns = (known.judged_ns, known.received_ns, known.answered_ns, known.wrong_ns)
    return f"{known.id}: {known.judgement.name} {known.is_on} run {known.run} {at_ns} {known.judged_n}/{known.needed_n}"


def recorded(event: str, place: str) -> dict[str, Any]:
    """All that there is to see afterwards, as JSON has it."""
    happens, changes = HAPPENS[event]
    rig = at(place, **changes)
    began_ns = rig.now
    rig = happens(rig, place) or rig
    rig.collect()
    guard = rig.guard
    ask = guard.ask()
    found = {
        "event": event,
        "place": place,
        "told": [slim(each) for each in rig.events],
        "causes": {cause.id: seen for cause in guard.causes if (seen := shown(cause))},
        "conditions": [judged(known) for known in guard.conditions.known],
        "latch": slim(guard.latch(b"b" * 16).content),
        "asks": [ask.word.name, ask.state.name, ask.reason, ask.arm],
        "is": [
            rig.state,
            guard.interlock.proving,
            guard.word.name,
            guard.offer.target,
            list(guard.offer.missing),
        ],
        "took_ns": rig.now - began_ns,
    }
    return dict(json.loads(json.dumps(found, default=str)))


def known() -> dict[tuple[str, str], dict[str, Any]]:
    lines = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    return {(line["event"], line["place"]): line for line in lines}


@pytest.mark.parametrize(("event", "place"), cases())
def test_what_happens_leaves_this_in_the_record_and_nothing_else(event: str, place: str) -> None:
    wanted = known()[event, place]
    found = recorded(event, place)
    assert {name: found[name] for name in wanted} == wanted


def test_the_file_holds_every_kind_of_event() -> None:
    assert set(known()) == set(cases())


def write() -> None:
    lines = [json.dumps(recorded(*each), ensure_ascii=False) for each in cases()]
    RECORDED.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    write()
