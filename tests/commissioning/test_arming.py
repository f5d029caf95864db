"""The arming report from ledgers: what would have stopped the line, what came near, what it would have cost."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from jidoka.cli.main import main
from jidoka.cli.plc_arming import lines
from jidoka.commissioning.arming import cost_of, report
from jidoka.steward.ledger.decisions import Block
from jidoka.steward.ledger.format import LANE_OF, Entry, Kind
from jidoka.steward.ledger.spool import OpenBlock
from jidoka.steward.ledger.writer import Ledger
from jidoka_bridge.messages import Decision

S = 1_000_000_000
ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / "configs" / "visual-inspection.yaml").read_text()
BOOT = b"b" * 16


class Book:
    """Entries as the steward writes them, at moments in seconds."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, at_s: float, kind: Kind, body: bytes) -> None:
        at_ns = int((1_000 + at_s) * S)
        self.entries.append(Entry(kind, LANE_OF[kind], len(self.entries), 0, at_ns, at_ns, BOOT, body))

    def step(self, at_s: float, was: str, to: str, event: str, cause: str = "", **more: Any) -> None:
        body = {
            "from": was,
            "to": to,
            "event": event,
            "cause": cause,
            "text": f"{cause}.",
            "refused": False,
            **more,
        }
        self.add(at_s, Kind.TRANSITION, json.dumps(body).encode())

    def limit(self, at_s: float, limit: float, judgement: str = "off") -> None:
        body = {"id": "eye:drift(all)", "model": "eye", "judgement": judgement, "limit": limit}
        self.add(at_s, Kind.CONDITION, json.dumps(body).encode())

    def decisions(self, at_s: float, serial: int, *scores: float) -> None:
        at_ns = int(at_s * S)
        rows = tuple(
            Decision(n, 100 + n, at_ns + n, at_ns + n, 0, -1, n % 3, 0, 0, 0, 0.5, score, math.nan)
            for n, score in enumerate(scores)
        )
        self.add(at_s, Kind.DECISIONS, Block("eye", serial, BOOT, 1_000 * S, rows, ()).encode())


def test_each_time_that_less_would_have_been_permitted_is_a_stop_with_its_cause_and_length() -> None:
    book = Book()
    book.step(0, "START_UP", "RUN", "local reset")
    book.step(60, "RUN", "ADVISE", "advise cause on", "R-3")
    book.step(100, "ADVISE", "HOLD", "hold cause on", "R-1")
    book.step(130, "HOLD", "RUN", "local reset")
    book.step(200, "RUN", "FALLBACK", "fallback cause on", "R-2")
    book.step(210, "FALLBACK", "RUN", "local reset")
    book.step(300, "RUN", "HOLD", "hold cause on", "R-1")
    book.step(300, "HOLD", "HOLD", "refused command", refused=True)
    found = report(book.entries)
    assert [(each.cause, each.machine, each.lasted_s) for each in found.stops] == [
        ("R-1", True, 30.0), ("R-2", False, 10.0), ("R-1", True, None),
    ]  # fmt: skip
    assert (found.advices, found.refused) == (1, 1)
    assert found.observed_s == 100 + 170
    cost = cost_of(found, None, 2.0)
    assert (cost.stops, cost.standing_s, cost.parts, cost.mm) == (2, 30.0, 60.0, None)


def test_a_planned_stop_is_none_and_a_stop_after_a_restart_of_the_steward_is_seen() -> None:
    book = Book()
    book.step(0, "START_UP", "RUN", "local reset")
    book.step(50, "RUN", "START_UP", "planned stop")
    book.add(60, Kind.BOOT, b"{}")
    assert report(book.entries).stops == []
    book.step(90, "RUN", "HOLD", "hold cause on", "R-1")
    assert [each.cause for each in report(book.entries).stops] == ["R-1"]


def test_the_nearest_misses_are_those_below_their_limit_nearest_first() -> None:
    book = Book()
    limit = 1000.0
    book.limit(0, limit)
    log = math.log(limit)
    book.decisions(10, 1, 0.1 * log, 0.9 * log, 0.3 * log)
    book.decisions(20, 2, 1.2 * log, 0.6 * log)
    book.decisions(30, 3, 0.2 * log, math.nan)
    found = report(book.entries)
    assert [(round(each.share, 3), each.part) for each in found.misses] == [(0.9, 101), (0.6, 101)]
    assert found.records == 7
    assert (found.verdicts[0], found.verdicts[1], found.verdicts[2]) == (3, 3, 1)


def test_a_lockout_that_nobody_ended_is_told_for_it_hides_what_came_after() -> None:
    book = Book()
    book.step(0, "START_UP", "LOCKOUT", "lockout cause on", "latch file")
    found = report(book.entries)
    assert (found.locked_ns, found.locked_by) == (1_000 * S, "latch file")
    told = "\n".join(lines(found, cost_of(found, None, None)))
    assert "LOCKOUT since 1970-01-01 00:16:40 UTC (latch file)" in told
    assert "Nothing was watched: this says nothing about the line" in told
    assert "Nothing would have stopped" not in told
    book.step(5, "LOCKOUT", "HOLD", "engineer unlock")
    book.step(6, "HOLD", "RUN", "reset to run")
    book.step(96, "RUN", "RUN", "acknowledge")
    found = report(book.entries)
    assert found.locked_ns == 0
    told = "\n".join(lines(found, cost_of(found, None, None)))
    assert "Watched 90 s in which" in told
    assert "Nothing would have stopped the line" in told


def test_verdicts_of_a_block_that_is_still_being_filled_count_once() -> None:
    book = Book()
    book.limit(0, 1000.0)
    book.decisions(10, 1, 0.1, 0.2)
    still_open = OpenBlock(
        "eye",
        2,
        BOOT,
        1_000 * S,
        [Decision(9, 140, 5, 5, 0, -1, 1, 0, 0, 0, 0.5, 0.9 * math.log(1000), math.nan)],
    )
    found = report(book.entries, [still_open])
    assert (found.records, found.verdicts[1]) == (3, 2)
    assert [each.part for each in found.misses] == [140]
    still_open.serial = 1  # its block was written meanwhile
    assert report(book.entries, [still_open]).records == 2


def test_entries_that_cannot_be_read_are_left_out() -> None:
    book = Book()
    book.add(0, Kind.TRANSITION, b"{}")
    book.add(1, Kind.DECISIONS, b"no block")
    book.add(2, Kind.CONDITION, b"[]")
    assert report(book.entries).stops == []


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main([*arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_the_command_tells_stops_misses_and_cost_from_a_real_ledger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, ledger = tmp_path / "line.yaml", tmp_path / "ledger.jdl"
    text = EXAMPLE.replace("\nplc:\n", "\nplc:\n  line_speed: 250 mm/s\n  part_rate: 2 per s\n")
    path.write_text(f"state_dir: {tmp_path}/state\n{text.replace('mode: enforce', 'mode: observe')}")
    book = Book()
    book.add(0, Kind.BOOT, b"{}")
    book.step(0, "START_UP", "RUN", "local reset")
    book.limit(1, 1000.0)
    book.decisions(2, 1, 0.8 * math.log(1000))
    book.step(3600, "RUN", "HOLD", "hold cause on", "R-01")
    book.step(3690, "HOLD", "RUN", "local reset")
    writer = Ledger(ledger, BOOT, lambda _, __: None, 1_000 * S)
    for each in book.entries:
        writer.append(each.kind, each.body, each.monotonic_ns, each.wall_ns)
    assert writer.close()
    assert run("plc", "arming", str(path), "--ledger", str(ledger)) == 0
    told = capsys.readouterr().out
    for words in ("Watched 1.0 h", "1 times the line would have stopped", "1 × R-01", "90.0 s  R-01", "80% of the limit",
                  "1 stops, 90 s of standing", "180 parts not made", "30 mm of travel", "drill: never"):  # fmt: skip
        assert words in told, told
    assert run("plc", "arming", str(path), "--ledger", str(ledger), "--json") == 0
    value = json.loads(capsys.readouterr().out)
    assert value["cost"]["stops"] == 1
    assert value["stops"][0]["cause"] == "R-01"
    assert run("plc", "arming", str(path)) == 9
