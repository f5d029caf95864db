"""Whatever monitor and steward send, the guard lives, locks nothing out, and records what it refused."""

from __future__ import annotations

import dataclasses
import json
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jidoka_bridge import messages
from jidoka_bridge.channel import Channel
from jidoka_bridge.guard.outside import ROUND_BYTES, Seat
from jidoka_bridge.guard.peers import Peer
from jidoka_bridge.messages import MAX_BODY_BYTES, Condition, Judgement, Kind, Lease

from tests.bridge.guard.guard_rig import CONDITIONS, DRIFT, INVALID, MS, Rig, plan

#: a condition's packed head, as in messages.py
HEAD = struct.Struct("<HBBIddQIIH")
REFUSALS = {"message refused", "acknowledge refused", "hold refused", "unlock refused"}


class Sockets:
    """A running guard with its two real sockets, and their other ends."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.rig = Rig(plan(**changes))
        self.rig.turn(3)
        self.rig.prove()
        self.peers = {name: Peer(name, Seat(folder / f"{name}.sock")) for name in ("monitor", "steward")}
        self.ends = {name: Channel(folder / f"{name}.sock") for name in self.peers}
        for name, end in self.ends.items():
            assert end.connect(0)
            self.peers[name].receive(self.rig.now, self.rig.guard)
        self.says_again()

    def says_again(self) -> None:
        self.rig.turn()
        self.rig.events.clear()
        self.told()

    def told(self) -> list[dict[str, Any]]:
        """Send what waits, as the guard's process does; the transitions among it."""
        events = []
        for out in self.rig.guard.take_outbox():
            self.peers[out.to].send_json(self.rig.now, out.kind, out.body)
            events += [out.body] if out.kind is Kind.TRANSITION else []
        for peer in self.peers.values():
            for _, answer in peer.take_answers():
                peer.send_json(self.rig.now, Kind.ANSWER, answer)
            assert peer.flush(self.rig.now), "something can't be sent"
        return events

    def beat(self) -> None:
        """All is well, but for what the monitor says."""
        rig = self.rig
        rig.now += 70 * MS
        rig.guard.lease(rig.now, Lease(0, rig.now, rig.now, 1, 0))
        rig.guard.recorded(rig.now, rig.guard.recorder.ring.last_number)
        rig.guard.sent(rig.now, rig.guard.ask().word)
        rig.view = dataclasses.replace(rig.view, actual=rig.guard.ask().word, beat_ns=rig.now)
        rig.guard.beat(rig.now, rig.view)
        rig.write()

    def deliver(self, name: str, kind: int, body: bytes) -> list[dict[str, Any]]:
        """One datagram, and what the guard recorded of it."""
        for _ in range(20):
            self.beat()
        head = messages.HEADER.pack(messages.MAGIC, messages.VERSION, kind, 0, len(body), 0, self.rig.now)
        assert self.ends[name].send(head + body)
        self.peers[name].receive(self.rig.now, self.rig.guard)
        events = self.told()
        for end in self.ends.values():
            while end.receive():
                pass
        return events

    def close(self) -> None:
        for name, peer in self.peers.items():
            peer.close()
            self.ends[name].close()


@pytest.fixture
def sockets(tmp_path: Path) -> Iterator[Sockets]:
    world = Sockets(tmp_path)
    yield world
    world.close()


def condition(evidence: bytes, index: int = CONDITIONS.index(INVALID), value: float = 0.0) -> bytes:
    return HEAD.pack(index, Judgement.ON, 0, 2, value, 0.0, 1, 3, 20, 0) + evidence


DEEP = b"[" * 25_000 + b"]" * 25_000


@pytest.mark.parametrize(
    ("name", "kind", "body"),
    [
        ("monitor", Kind.CONDITION, condition(b"[1]")),
        ("monitor", Kind.CONDITION, condition(b"7")),
        ("monitor", Kind.CONDITION, condition(b"null")),
        ("monitor", Kind.CONDITION, condition(b'"text"')),
        ("monitor", Kind.CONDITION, condition(b"{")),
        ("monitor", Kind.CONDITION, condition(DEEP)),
        ("monitor", Kind.CONDITION, condition(b'{"a":"\\ud800"}')),
        ("monitor", Kind.CONDITION, condition(b'{"a":"\xed\xa0\x80"}')),
        ("monitor", Kind.CONDITION, condition('{"a":"\ud800"}'.encode("utf-16", "surrogatepass"))),
        ("monitor", Kind.CONDITION, condition(b'{"a":' + b"[" * 900 + b"]" * 900 + b"}")),
        ("monitor", Kind.CONDITION, condition(b"{}", index=99)),
        ("monitor", Kind.CONDITION, b""),
        ("monitor", Kind.LEASE, b"1"),
        ("monitor", Kind.LEASE, Lease(9, 1, 1, 1, 1).pack()),
        ("monitor", Kind.LEASE, Lease(0, 2**64 - 1, 1, 1, 1).pack()),
        ("monitor", Kind.LEASE, Lease(0, 1, 2**64 - 1, 1, 1).pack()),
        ("monitor", Kind.BYE, b"\xff"),
        ("monitor", Kind.ACKNOWLEDGE, b"{}"),
        ("monitor", 99, b"{}"),
        ("steward", Kind.ACKNOWLEDGE, DEEP),
        ("steward", Kind.ACKNOWLEDGE, b"[]"),
        ("steward", Kind.ACKNOWLEDGE, b'{"role":{"a":[1]},"cause":[]}'),
        ("steward", Kind.UNLOCK, b'{"role":"engineer","reason":"x"}'),
        ("steward", Kind.HOLD, b'{"role":"engineer\\udc00"}'),
        ("steward", Kind.HOLD, b'{"role":"engineer\xed\xb0\x80"}'),
        ("steward", Kind.HOLD, b"\xff\xfe"),
        ("steward", Kind.HOLD, b"1" * 5_000),
        ("steward", Kind.RECORDED, b""),
        ("steward", Kind.RECORDED, messages.pack_recorded(2**64 - 1)),
        ("steward", Kind.LEDGER_HEAD, b"\xff"),
    ],
    ids=lambda each: "body" if isinstance(each, bytes) else str(each),
)
def test_a_message_that_cannot_be_used_is_refused_and_recorded_and_changes_nothing(
    sockets: Sockets, name: str, kind: int, body: bytes
) -> None:
    events = sockets.deliver(name, kind, body)
    assert [each["event"] for each in events if each["event"] in REFUSALS], events
    assert (sockets.rig.state, sockets.rig.word) == ("RUN", "MACHINE_AND_AI")


@pytest.mark.parametrize(
    "evidence",
    [
        b'{"onset_ns":NaN}',
        b'{"onset_ns":Infinity}',
        b'{"onset_ns":"soon"}',
        b'{"onset_ns":[1]}',
        b'{"onset_ns":-1e308}',
        b'{"judged_ns":{}}',
        b'{"a":1' + b"0" * 4_000 + b"}",
        b'{"text":"' + b"\\u00e4" * 9_000 + b'"}',
        json.dumps({str(n): "x" * 50 for n in range(900)}).encode(),
    ],
)
def test_evidence_that_cannot_be_recorded_doesnt_spoil_the_trip(sockets: Sockets, evidence: bytes) -> None:
    for value in (0.0, float("nan"), float("inf")):
        events = sockets.deliver("monitor", Kind.CONDITION, condition(evidence, value=value))
        assert sockets.rig.state == "HOLD", events[-1]
        assert sockets.rig.guard.causes["R-2"].active


@pytest.mark.parametrize("text", ["x" * 50_000, "\U0001f600" * 9_000])
def test_a_text_of_any_length_neither_ends_the_guard_nor_fills_its_latch_file(
    sockets: Sockets, text: str
) -> None:
    fields = ("reason", "person", "request", "cause", "role")
    for field in fields:
        for kind in (Kind.HOLD, Kind.ACKNOWLEDGE, Kind.UNLOCK):
            body = {"role": "engineer", "reason": "r", "cause": "local hold", "revision": 1, field: text}
            sockets.deliver("steward", kind, json.dumps(body, ensure_ascii=False).encode()[:60_000])
    assert sockets.rig.state == "HOLD"
    latch = sockets.rig.guard.latch(b"b" * 16)
    assert len(json.dumps(latch.content)) < 8_000


def test_a_flood_of_what_is_refused_doesnt_fill_the_ring_of_transitions() -> None:
    rig = Rig()
    rig.turn(3)
    before = rig.guard.recorder.ring.last_number
    for _ in range(2_000):
        rig.guard.lease(rig.now, Lease(9, 1, 1, 1, 1))
    assert rig.guard.recorder.ring.last_number - before < 10


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.integers(2**63, 2**80)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = ("request", "cause", "revision", "reason", "role", "person", "remote", "onset_ns", "judged_ns", "x")
SOME = st.sampled_from(["engineer", "operator", "R-1", "local hold", "seen, will look", 1, True])
OBJECTS = st.dictionaries(st.sampled_from(KEYS), SOME | JSON, max_size=10)
BODIES = st.one_of(
    st.binary(max_size=80),
    (OBJECTS | JSON).map(lambda value: json.dumps(value).encode()),
    st.builds(lambda index, what, evidence: HEAD.pack(index, what, 0, 1, 0.0, 0.0, 1, 1, 1, 0) + evidence,
              st.integers(0, 5), st.integers(0, 4), OBJECTS.map(lambda each: json.dumps(each).encode())),
    st.builds(lambda *numbers: Lease(*numbers).pack(), st.integers(0, 2), *[st.integers(0, 2**64 - 1)] * 4),
    st.integers(0, 2**64 - 1).map(messages.pack_recorded),
)  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    sequence=st.lists(
        st.tuples(st.sampled_from(["monitor", "steward"]), st.integers(0, 22), BODIES), max_size=6
    )
)
def test_no_order_of_garbage_crashes_or_locks_out_or_raises(sequence: list[tuple[str, int, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sockets = Sockets(Path(folder))
        try:
            permitted = 2
            for name, kind, body in sequence:
                sockets.deliver(name, kind, body)
                is_digest = sockets.rig.guard.causes["R-4"].active  # its condition may well be told
                assert sockets.rig.state != "LOCKOUT" or is_digest or sockets.rig.guard.causes["R-4"].latched
                now = {"RUN": 2, "ADVISE": 2, "FALLBACK": 1}.get(sockets.rig.state, 0)
                assert now <= permitted
                permitted = now
        finally:
            sockets.close()


def test_a_condition_that_was_never_judged_is_not_off_whatever_it_says() -> None:
    rig = Rig()
    rig.turn(3)
    index, run = CONDITIONS.index(DRIFT), rig.guard.run.number
    rig.monitor = False
    for judged_ns in (0, 2**63):
        rig.guard.condition(rig.now, Condition(index, Judgement.OFF, 1, judged_ns=judged_ns, run=run))
        assert rig.guard.offer.target == "proving", judged_ns


def test_no_message_says_that_it_comes_from_the_plcs_own_panel(tmp_path: Path) -> None:
    world = Sockets(tmp_path, ack_at="plc")
    world.rig.hold()
    world.rig.turn()
    body = {"cause": "local hold", "revision": 1, "reason": "other", "role": "operator", "at": "plc"}
    told = world.deliver("steward", Kind.ACKNOWLEDGE, json.dumps(body).encode())
    assert [each["event"] for each in told][-1] == "acknowledge refused"
    assert not world.rig.guard.causes["local hold"].is_acknowledged
    world.close()


def test_a_round_takes_in_so_much_of_a_peer_and_the_next_one_the_rest(tmp_path: Path) -> None:
    seat = Seat(tmp_path / "seat.sock")
    end = Channel(tmp_path / "seat.sock")
    assert end.connect(0)
    assert seat.accept() == "new"
    sizes = [1, ROUND_BYTES - 2, 1, 1, MAX_BODY_BYTES, 2, 3]
    for size in sizes:
        assert end.send(b"x" * size)
    end.close()
    rounds = []
    while seat.is_connected:
        rounds.append([len(each) for each in seat.receive()])
    assert rounds == [sizes[:3], sizes[3:5], sizes[5:]]
    seat.close()
