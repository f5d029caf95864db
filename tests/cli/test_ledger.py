"""`jidoka ledger`: a good file is told, a damaged one ends with code 9 and the place, the story can be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jidoka.cli.main import main
from jidoka.steward.ledger.decisions import Block
from jidoka.steward.ledger.format import Kind
from jidoka.steward.ledger.people import sealed
from jidoka.steward.ledger.writer import Ledger
from jidoka_bridge import plan as plans

from tests.steward.site import cause, decision, make_plan, transition


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.jdl"
    ledger = Ledger(path, b"0123456789abcdef", lambda _offset, _entry: None, 1)
    commitment, line = sealed("Anna wiped the lens")
    entries = [
        (Kind.BOOT, {"event": "start", "program": "steward", "version": "1", "plan": "abc", "previous": "unplanned"}, b""),
        (Kind.TRANSITION, transition(1, "RUN", "HOLD", cause="R-03", text="The model drifts."), b""),
        (Kind.TRANSITION, transition(2, refused=True, event="reset refused", reasons=["R-03 isn't acknowledged"]), b""),
        (Kind.CAUSE, cause(), b""),
        (Kind.ALARM, {"id": "R-03", "was": "A", "state": "B", "meaning": "active", "sign": "S", "text": "Drift."}, b""),
        (Kind.ACT, {"act": "acknowledge", "cause": "R-03", "revision": 1, "role": "operator", "pseudonym": "s2",
                    "reason": "cause found", "commitment": commitment}, line),
        (Kind.LOSS, {"what": "torn tail", "text": "A torn tail of 7 bytes was cut.", "count": 7}, b""),
        (Kind.CONDITION, {"id": "m:drift(all)", "judgement": "on", "evidence": {"feature": "brightness", "direction": "down", "onset_part": 9}}, b""),
    ]  # fmt: skip
    for kind, body, secret in entries:
        ledger.append(kind, json.dumps(body).encode(), 10, 1_763_885_700_123_000_000, secret=secret)
    rows = tuple(decision(n, verdict=n % 3) for n in range(1, 7))
    ledger.append(Kind.DECISIONS, Block("m", 1, b"b" * 16, 0, rows).encode(), 11, 1_763_885_700_123_000_000)
    assert ledger.close()
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    captured = capsys.readouterr()
    return int(end.value.code or 0), captured.out, captured.err


def test_a_good_ledger_is_told_to_be_good(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "ledger", "check", str(file))
    assert code == 0
    assert "9 entries" in out
    assert "6 decisions" in out
    assert "1 texts behind commitments, 1 not erased" in out
    assert "good" in out


def test_damage_ends_with_code_9_and_the_place(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(file.read_bytes())
    data[100] ^= 4
    file.write_bytes(data)
    code, _, err = run(capsys, "ledger", "check", str(file))
    assert code == 9
    assert "byte 40, entry 0: damaged" in err
    assert "Traceback" not in err
    code, out, _ = run(capsys, "ledger", "check", str(file), "--json")
    report = json.loads(out)
    assert code == 9
    assert not report["ok"]
    assert report["faults"][0] | {"what": ""} == {"byte": 40, "entry": 0, "what": "", "torn": False}


def test_a_torn_tail_says_that_the_steward_will_cut_it(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_bytes(file.read_bytes()[:-2])
    code, _, err = run(capsys, "ledger", "check", str(file))
    assert code == 9
    assert "torn tail" in err
    assert "steward cuts" in err


def test_a_missing_or_foreign_file_is_told_in_plain_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "ledger", "check", str(tmp_path / "none.jdl"))
    assert (code, "No such file" in err) == (9, True)
    other = tmp_path / "other"
    other.write_bytes(b"GIF89a" + bytes(100))
    code, _, err = run(capsys, "ledger", "show", str(other))
    assert (code, "a ledger begins with" in err) == (9, True)


def test_the_story_has_a_readable_line_for_each_entry(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "ledger", "show", str(file))
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == 9
    assert all("2025-11-23 08:15:00.123Z" in line for line in lines)
    for piece in (
        "steward 1 starts after an end that nobody planned", "RUN → HOLD [WITHHOLD]", "REFUSED: R-03 isn't acknowledged",
        "R-03: active, latched, not acknowledged (revision 1)", "A → B", "by operator s2: cause found “Anna wiped the lens”",
        "torn tail of 7 bytes", "m:drift(all) is on, brightness down, likely since part 9",
        "records 1–6, parts 1–6: 2 pass, 2 suspect, 2 reject",
    ):  # fmt: skip
        assert piece in out, piece


def test_an_erased_text_leaves_the_rest(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.with_name("ledger.jdl.people").unlink()
    code, out, _ = run(capsys, "ledger", "show", str(file), "--kind", "act")
    assert code == 0
    assert "cause found (text erased)" in out
    assert run(capsys, "ledger", "check", str(file))[0] == 0


def test_json_lines_carry_the_whole_entry(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(
        capsys, "ledger", "show", str(file), "--json", "--kind", "act", "--kind", "decision block"
    )
    act, block = [json.loads(line) for line in out.splitlines()]
    assert (act["kind"], act["body"]["pseudonym"], act["written"]) == ("act", "s2", "Anna wiped the lens")
    assert [row["verdict"] for row in block["body"]["rows"]] == [1, 2, 0, 1, 2, 0]
    assert block["body"]["rows"][0]["score1"] is None


@pytest.fixture
def plan_file(file: Path) -> Path:
    """A plan whose ledger `file` is."""
    made = make_plan(file.parent)
    made.ledger_file.parent.mkdir(parents=True)
    for each in (file, file.with_name("ledger.jdl.people")):
        each.rename(made.ledger_file.with_name(each.name))
    found = file.with_name("plan.json")
    found.write_bytes(plans.dump(made))
    return found


@pytest.mark.parametrize("how", ["--plan", "JIDOKA_PLAN"])
def test_without_a_file_the_ledger_is_the_plans(
    plan_file: Path, how: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    named = ["--plan", str(plan_file)] if how == "--plan" else []
    monkeypatch.setenv("JIDOKA_PLAN", "none.json" if named else str(plan_file))
    code, out, _ = run(capsys, "ledger", "show", "--kind", "act", *named)
    assert (code, "cause found “Anna wiped the lens”" in out) == (0, True)
    code, out, _ = run(capsys, "ledger", "check", *named)
    assert (code, f"{plans.load(plan_file).ledger_file}: 9 entries" in out) == (0, True)


def test_a_named_file_is_read_though_the_environment_names_a_plan(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIDOKA_PLAN", "none.json")
    assert run(capsys, "ledger", "check", str(file))[0] == 0
    for option in ("--plan", "--config"):
        code, _, err = run(capsys, "ledger", "show", str(file), option, "none.json")
        assert (code, f"FILE and {option} name a ledger each" in err) == (2, True)


def test_with_neither_file_nor_plan_every_way_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIDOKA_PLAN", str(tmp_path / "none.json"))
    code, _, err = run(capsys, "ledger", "show")
    assert code == 3
    for way in ("ledger's FILE", "--plan PLAN", "JIDOKA_PLAN", "--config FILE"):
        assert way in err
    assert "ledger's FILE" not in run(capsys, "ledger", "show", "--plan", str(tmp_path / "none.json"))[2]


def test_an_unknown_kind_is_answered_with_a_near_one(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "ledger", "show", str(file), "--kind", "transitions")
    assert code == 2
    assert "Did you mean 'transition'?" in err


def test_the_help_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ("ledger", "--help"),
        ("ledger", "check", "--help"),
        ("ledger", "show", "--help"),
        ("status", "--help"),
    ):
        code, out, _ = run(capsys, *arguments)
        assert code == 0
        assert "Example:" in out


def test_the_help_names_each_kind_that_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "ledger", "show", "--help")
    told = out[out.index("Kinds:") : out.index("Example")].replace(".", ",")
    named = {" ".join(each.split()) for each in told.removeprefix("Kinds:").split(",")}
    assert {kind.label for kind in Kind} <= named
