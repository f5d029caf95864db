"""A broker that takes everything while nobody acknowledges is told once, and no longer with the first acknowledgement."""

from __future__ import annotations

from pathlib import Path

from jidoka.steward.ledger.format import Kind, Lane
from jidoka.steward.ledger.writer import Ticket
from jidoka.steward.mqtt.bulletin import Bulletin
from jidoka.steward.mqtt.silence import Silence
from jidoka.steward.outbox.outbox import AIMS, Outbox


def outbox_with_one(folder: Path) -> Outbox:
    outbox = Outbox(folder / "ledger.jdl", AIMS)
    outbox.add(Ticket(8, Kind.BOOT, Lane.EVIDENCE, 0, 1))
    return outbox


def test_silence_is_told_once_and_taken_back_with_the_first_acknowledgement(tmp_path: Path) -> None:
    outbox, bulletin = outbox_with_one(tmp_path), Bulletin(["aims:8883"], lambda: None)
    silence = Silence("aims/v1/plant/7/press/ack", outbox, bulletin)
    outbox.go_back(0.0)
    outbox.sent(Lane.EVIDENCE, 1, 0.0)
    told: list[float] = []
    for tenth in range(1200):
        now_s = tenth / 10
        silence.look(now_s)
        if outbox.lanes[Lane.EVIDENCE].next() is not None:
            outbox.sent(Lane.EVIDENCE, 1, now_s)
        told += [now_s for _ in bulletin.take()]
    assert len(told) == 1
    assert 20.0 < told[0] < 25.0, "after 3, 6 and 12 s"
    assert "aims:8883 takes everything, and nobody acknowledges it" in bulletin.snapshot.error
    assert "whether the broker's access list admits" in bulletin.snapshot.remedy
    outbox.committed({"committed": {"evidence": 1}}, 121.0)
    silence.look(121.0)
    assert bulletin.snapshot.error == ""


def test_a_device_that_has_nothing_to_tell_misses_nobody(tmp_path: Path) -> None:
    outbox, bulletin = Outbox(tmp_path / "ledger.jdl", AIMS), Bulletin(["aims:8883"], lambda: None)
    silence = Silence("ack", outbox, bulletin)
    for second in range(300):
        silence.look(float(second))
    assert not bulletin.take()
