"""`jidoka status` asks the real steward and shows what an operator needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jidoka.cli.main import main
from jidoka_bridge.messages import Judgement, Kind, PlcStatus

from tests.processes import wait_until
from tests.steward.site import DRIFT, MODEL, Monitor, cause, site, transition

pytestmark = pytest.mark.process


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    captured = capsys.readouterr()
    return int(end.value.code or 0), captured.out, captured.err


def test_without_a_steward_it_says_so_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with site() as place:
        code, _, err = run(capsys, "status", "--plan", str(place.plan_file))
    assert code == 11
    assert "no steward listens at" in err
    assert "jidoka run" in err
    code, _, err = run(capsys, "status", "--plan", str(tmp_path / "none.json"))
    assert code == 3


def test_it_shows_state_lacks_alarms_models_and_connections(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    with site(broker={"host": "127.0.0.1", "port": 1}, metrics={"host": "127.0.0.1", "port": 0}) as place:
        place.start()
        place.guard.until(lambda: place.guard.recorded == 0, "connected")
        place.guard.transition(transition(1, "RUN", "HOLD", first_out="R-03", text="The model drifts: stop."))
        place.guard.send(Kind.CAUSE, cause())
        place.guard.send(
            Kind.MODE, {"missing": ["R-03 isn't acknowledged"], "offer": "none", "state": "HOLD"}
        )
        place.guard.send_status(
            PlcStatus(1, 0x5A5A, 1 << 8, 5, 0, 7, 321, 1, 90, 0x5A5A, 2, 0, PlcStatus.LINK_UP)
        )
        monitor = Monitor(place.plan)
        monitor.condition(
            Judgement.ON, 1, onset_part=120, onset_low_part=118, onset_high_part=123, last_part=140
        )
        monitor.send(Kind.SUMMARY, {
            "model": MODEL, "ns": 1, "records": 900, "rate_hz": 10.0, "verdicts": {"pass": 890, "suspect": 0, "reject": 10},
            "statistic": {"log": 12.3, "limit_log": 10.1}, "conditions": {DRIFT: "on"}, "last_part": 141,
        })  # fmt: skip
        place.guard.until(lambda: place.guard.recorded == 1, "recorded")
        wait_until(lambda: bool(place.status()["models"] and place.status()["mqtt"]["error"]), "everything")
        code, out, _ = run(capsys, "status", "--plan", str(place.plan_file))
        assert code == 0
        for piece in (
            "HOLD", "M off", "first out: R-03: ", "last event: The model drifts: stop.", "reset lacks: R-03 isn't acknowledged",
            "Clean the lens.", "active, not acknowledged", "120–141 (22)", "part 118–123", "890 pass", "drift(all): on",
            "monitor here, guard here\n", "no broker listens at 127.0.0.1:1", "Start the broker", "ledger.jdl", "/metrics",
            "parts 321", "limit 10.1",
        ):  # fmt: skip
            assert piece in out, f"{piece!r} isn't in\n{out}"
        for offer, ready in (("proving", "→ a proving run"), ("fallback", "→ FALLBACK, not RUN")):
            lacks = {"missing": ["m:drift(all) isn't judged yet"], "offer": offer, "state": "HOLD"}
            place.guard.send(Kind.MODE, lacks)
            wait_until(lambda told=offer: place.status()["interlock"]["offer"] == told, "offered")
            _, out, _ = run(capsys, "status", "--plan", str(place.plan_file))
            assert f"Ready: press and release the reset button {ready}" in out
            assert "RUN lacks: m:drift(all) isn't judged yet" in out
            assert "reset lacks" not in out
        code, out, _ = run(capsys, "status", "--plan", str(place.plan_file), "--json")
        value = json.loads(out)
        assert value["interlock"]["state"] == "HOLD"
        assert value["alarms"][0]["id"] == "R-03"


def test_a_guard_that_is_away_is_never_shown_as_a_state(capsys: pytest.CaptureFixture[str]) -> None:
    with site() as place:
        place.start()
        place.guard.transition(transition(1, "HOLD", "RUN"))
        place.guard.until(lambda: place.guard.recorded == 1, "recorded")
        place.guard.close()
        wait_until(lambda: not place.status()["programs"]["guard"], "noticed")
        _, out, _ = run(capsys, "status", "--plan", str(place.plan_file))
        assert "UNKNOWN" in out
        assert "last heard of: RUN" in out


def test_in_observe_a_state_is_never_shown_as_if_it_permitted_something(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    with site() as place:
        place.start()
        place.guard.until(lambda: place.guard.recorded == 0, "connected")
        modes = [
            {"id": MODEL, "mode": "observe", "planned": "observe", "window_until_ns": 0, "announced": False}
        ]
        place.guard.send(Kind.MODE, {"missing": [], "offer": "none", "state": "RUN", "models": modes})
        place.guard.send_status(
            PlcStatus(1, 0x5A5A, 1 << 8, 2, 0, 7, 321, 1, 90, 0x5A5A, 2, 0, PlcStatus.LINK_UP)
        )
        wait_until(lambda: bool(place.status()["modes"] and place.status()["interlock"]["plc"]), "everything")
        _, out, _ = run(capsys, "status", "--plan", str(place.plan_file))
    assert "RUN" in out
    assert f"observe: nothing is permitted; the state is what it would be ({MODEL})" in out
