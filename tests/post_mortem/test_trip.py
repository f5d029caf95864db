"""A trip told from the ledger alone: cause, evidence, parts to sort, the line's registers, who did what since."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jidoka.cli.trip import command
from jidoka.post_mortem.frames import decoded
from jidoka.post_mortem.gather import Account, Line, account
from jidoka.post_mortem.page import page
from jidoka.post_mortem.reasons import what, why
from jidoka.post_mortem.sorting import parts
from jidoka.post_mortem.trips import summary, trips
from jidoka.post_mortem.words import as_json, frames, screen, times
from jidoka.steward.ledger.check import check
from jidoka.steward.ledger.format import Kind as Entry
from jidoka.steward.ledger.reader import entries
from jidoka_bridge.errors import InputError
from jidoka_bridge.messages import Kind
from jidoka_bridge.registers import Word

from tests.bridge.guard.shell_world import plan_of, play, started, wait
from tests.bridge.guard.simulated_line import MS
from tests.post_mortem.recorded import FIRST_PART, PART_NS, Recorded
from tests.steward.test_outbox import entry


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    made = Recorded(tmp_path_factory.mktemp("ledger"))
    made.drift()
    made.recover()
    assert check(made.write()).is_good
    return made


def test_a_trip_is_found_with_its_cause_and_what_speaks_for_it(recorded: Recorded) -> None:
    (trip,) = trips(entries(recorded.file))
    assert (trip.move, trip.cause, trip.is_planned) == ("RUN → HOLD", "R-1", False)
    told = account(recorded.file, trip.number, plan_of(recorded.plant))
    assert what(told) == "RUN → HOLD: R-1."
    assert any("sharpness went down by 3.2 σ" in fact for fact in why(told))
    assert told.cause["remedy"] == "Look."


def test_the_parts_to_sort_go_from_the_onset_to_the_last_one_before_the_output_was_off(
    recorded: Recorded,
) -> None:
    told = account(recorded.file, None, None)
    found = parts(told)
    onset = recorded.part_at(recorded.onset_ns)
    assert (found.first, found.safe_first) == (onset, onset - 2)
    # parts went by between the verdict and the read-back: they count too, later ones don't
    assert found.last == FIRST_PART + (told.off_ns - recorded.first_ns) // PART_NS
    assert found.last > onset + 9
    assert found.judged == found.last - found.safe_first + 1


def test_the_way_from_the_picture_to_the_read_back_is_told_step_by_step(recorded: Recorded) -> None:
    told = account(recorded.file, None, None)
    assert list(told.steps) == [
        "likely onset", "last record", "judged", "guard was told", "interlock tripped", "request sent to the PLC",
        "read back as off",
    ]  # fmt: skip
    assert list(told.steps.values()) == sorted(told.steps.values())


def test_the_last_frames_are_read_back_into_the_blocks_that_they_carried(recorded: Recorded) -> None:
    told = account(recorded.file, None, plan_of(recorded.plant))
    kept = frames(told)
    assert len(kept) == 16
    assert all(each["fields"] for each in kept)
    sent = [each["fields"] for each in kept if each["way"] == "to the PLC"]
    came = [each["fields"] for each in kept if each["way"] == "from the PLC"]
    assert {each["word"] for each in sent} == {Word.MACHINE_AND_AI.name}
    assert {each["actual"] for each in came} == {Word.MACHINE_AND_AI.name}
    assert [each["number"] for each in sent] == sorted(each["number"] for each in sent)
    assert len(told.evidence["round_trips_us"]) > 16


def test_a_damaged_frame_is_shown_as_it_is() -> None:
    assert decoded([5, "B", "0117204b01"], 1) == {
        "ns": 5, "way": "from the PLC", "hex": "0117204b01", "fields": {},
    }  # fmt: skip


def test_who_did_what_since_is_marked_and_ends_where_the_permissive_came_back(recorded: Recorded) -> None:
    told = account(recorded.file, None, None)
    people = [line.text for line in told.since if line.is_person]
    assert people[0] == "acknowledge R-1 at revision 1 by operator p7: lamp replaced"
    assert "Reset at the machine" in people[-1]
    assert told.is_over
    assert "RUN" in told.since[-1].text or told.since[-1].kind == "cause"


def test_the_digests_in_force_are_named(recorded: Recorded) -> None:
    told = account(recorded.file, None, None)
    assert told.digests == {
        "plan": "p" * 64, "software": "jidoka 9.9", "baseline m, recipe 0, position 0": "b" * 64,
    }  # fmt: skip


class Text(HTMLParser):
    """What a reader sees, and what the page would load."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.loads: list[str] = []
        self.open: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.loads += [str(value) for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.seen.append(data)


def test_the_page_names_cause_parts_and_people_and_needs_nothing_from_elsewhere(recorded: Recorded) -> None:
    source = page(account(recorded.file, None, plan_of(recorded.plant)))
    shown = Text(source)
    text = " ".join(shown.seen)
    onset = recorded.part_at(recorded.onset_ns)
    for needed in (
        "R-1.",
        "sharpness went down",
        f"Parts {onset - 2} to",
        "lamp replaced",
        "MACHINE_AND_AI",
        "p" * 64,
    ):
        assert needed in text
    assert not shown.loads
    assert {"svg", "table"} <= set(shown.open)
    # what happened is seen in the picture: states as bars, the trip and the onset as lines
    assert re.search(r"class=trip", source)
    assert re.search(r"class=onset", source)
    assert "<title>HOLD</title>" in source


def of_evidence(recorded: Recorded, **evidence: object) -> list[str]:
    (trip,) = trips(entries(recorded.file))
    return why(Account(replace(trip, body={**trip.body, "evidence": evidence})))


@pytest.mark.parametrize(
    ("z", "most", "told"),
    [
        (-3.22, 3.291, "contrast went down by 3.2 σ, seen"),
        (
            -3.26,
            3.291,
            "contrast went down to beyond nearly all of the baseline's records (3.3 σ or more), seen",
        ),
        (
            3.291,
            3.291,
            "contrast went down to beyond nearly all of the baseline's records (3.3 σ or more), seen",
        ),
        (-3.4, 3.481, "contrast went down by 3.4 σ, seen"),
        (-3.291, None, "contrast went down by 3.3 σ, seen"),  # of a ledger that doesn't know the ceiling
        (None, 3.291, "contrast went down, seen"),
    ],
)
def test_a_distance_that_the_baseline_cannot_measure_is_told_as_at_least(
    recorded: Recorded, z: float | None, most: float | None, told: str
) -> None:
    known = {name: value for name, value in (("z", z), ("most_z", most)) if value is not None}
    facts = of_evidence(recorded, feature="contrast", direction="down", records_since_onset=12, **known)
    assert f"{told} over 12 records since the change began." in facts


def test_a_spread_that_changed_is_no_distance_of_the_level(recorded: Recorded) -> None:
    facts = of_evidence(
        recorded, feature="contrast", direction="wider", records_since_onset=12, z=0.04, most_z=3.3
    )
    assert facts == ["contrast went wider, seen over 12 records since the change began."]


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.0, ", against a limit of 18.2 (log)."), (2.0e8, ", 19.1 against a limit of 18.2 (log).")],
)
def test_the_limit_of_evidence_by_feature_is_a_log_as_the_evidence_is(
    recorded: Recorded, value: float, told: str
) -> None:
    shares = {"contrast": 17.5, "brightness": 2.0}
    facts = of_evidence(
        recorded, feature="contrast", direction="down", shares=shares, condition="m:drift(all)", value=value,
        limit=7.776e7,
    )  # fmt: skip
    assert "Evidence by feature (log): contrast 17.5, brightness 2." in facts
    assert f"It was condition m:drift(all){told}" in facts


@pytest.mark.parametrize(
    ("beat_ms", "heard_ms", "fact"),
    [
        (
            None,
            100,
            "No application was connected to the monitor: it had ended, closed its session, or the monitor had just begun.",
        ),
        (500, 450, "The monitor fell silent: it was heard of last 450 ms before."),
        (
            510,
            60,
            "The application fell silent: its last beat was 510 ms before, the monitor was heard of 60 ms before.",
        ),
    ],
)
def test_who_fell_silent_is_told_by_what_was_heard_last(
    recorded: Recorded, beat_ms: int | None, heard_ms: int, fact: str
) -> None:
    told = silent(recorded)
    now_ns = told.trip.monotonic_ns
    beat_ns = 0 if beat_ms is None else now_ns - beat_ms * MS
    evidence = {"beat_ns": beat_ns, "received_ns": now_ns - heard_ms * MS}
    told.trip = replace(told.trip, body={**told.trip.body, "evidence": evidence})
    assert why(told) == [fact]


def silent(recorded: Recorded, **body: object) -> Account:
    """An account of a trip for want of data."""
    (trip,) = trips(entries(recorded.file))
    changes = {"cause": "no data:m", "first_out": "no data:m", "evidence": {}, **body}
    return Account(replace(trip, body={**trip.body, **changes}), plan_of(recorded.plant))


def test_parts_that_nobody_inspected_are_named_where_they_have_no_numbers(recorded: Recorded) -> None:
    told = silent(recorded)
    told.rows = account(recorded.file, None, None).rows
    last = max(row.part for row in told.rows["m"])
    assert parts(told).open == f"What passed after part {last}, until the machine stood: not inspected"
    assert "None</p>" not in page(told)
    moved = silent(recorded, cause="moved without permissive", evidence={"part_count": 812})
    assert parts(moved).open.startswith("What was made since the permissive went")
    assert parts(moved).why.endswith("By then the PLC had counted 812 parts.")
    assert any(parts(moved).open in line for line in screen(moved))


def test_a_lost_link_is_told_in_the_guards_own_words_with_what_the_plc_does_by_itself(
    recorded: Recorded,
) -> None:
    evidence = {"why": "no answer", "frames": [[5, "A", ""], [7, "B", ""], [9, "A", ""]]}
    told = silent(recorded, event="plc link lost", cause="plc link", first_out="plc link", evidence=evidence)
    told.steps["read back as off"] = told.trip.monotonic_ns + 3_000 * MS
    link = told.plan.link if told.plan else None
    assert link is not None
    facts = why(told)
    assert f"the PLC at wire doesn't answer as unit 1 within {link.reply_timeout_ms} ms." in facts[0]
    assert f"within the hold time ({link.hold_ms} ms)" in facts[1]
    assert times(told)[-1] == ("link back, output reads as off", 3_000.0)


def test_how_long_a_guard_stood_still_is_told(recorded: Recorded) -> None:
    told = silent(
        recorded, event="monotonic gap", cause="time gap", first_out="time gap", evidence={"gap_ms": 6_012}
    )
    assert why(told)[0] == "The guard stood still for 6.0 s."
    assert why(told)[1].startswith("The PLC drops its output by itself within the hold time (")


def test_what_somebody_did_is_shown_however_long_the_story_and_what_is_left_out_is_counted(
    recorded: Recorded,
) -> None:
    told = silent(recorded)
    for n in range(100):
        told.since.append(Line(told.trip.wall_ns + n, "cause", f"entry {n}", False, {}))
        told.before.append(Line(told.trip.wall_ns - 100 + n, "cause", f"before {n}", False, {}))
    told.since.append(Line(told.trip.wall_ns + 200, "act", "unlock by engineer e-3", True, {}))
    shown = list(screen(told))
    assert any("unlock by engineer e-3" in line for line in shown)
    assert not any("entry 60" in line or "before 87" in line for line in shown)
    assert any("before 88" in line for line in shown)
    assert [line for line in shown if " more: --html FILE" in line] == [
        "  … 88 more: --html FILE has them", "  … 40 more: --html FILE has them",
    ]  # fmt: skip


def test_a_file_that_was_not_approved_is_named_beside_the_approved_one(recorded: Recorded) -> None:
    facts = of_evidence(recorded, approved="c3" * 32, in_use="ab" * 32)
    assert facts == [f"Approved is the file with the SHA-256 {'c3' * 8}…, in use was {'ab' * 8}…"]


def test_who_took_a_model_out_of_enforce_is_named(recorded: Recorded) -> None:
    told = silent(recorded, cause="mode:m", first_out="mode:m")
    body = {"event": "mode set", "person": {"role": "operator", "pseudonym": "o-3"}}
    told.before.append(Line(told.trip.wall_ns, "transition", "", False, body))
    assert why(told) == ["It was operator o-3."]


def test_the_limit_of_a_count_is_told_as_it_was_set(recorded: Recorded) -> None:
    facts = of_evidence(recorded, condition="m:lost", value=7.0, limit=5.0)
    assert facts == ["It was condition m:lost, 7 against a limit of 5."]


def test_free_text_of_a_cause_cannot_become_markup(tmp_path: Path) -> None:
    made = Recorded(tmp_path)
    made.drift()
    for _, _, body in made.books.entries:
        if body.get("id") == "R-1":
            body["text"] = "<script>alert(1)</script>"
    source = page(account(made.write(), None, None))
    assert "<script>" not in source
    assert "&lt;script&gt;" in source


def test_sketches_of_the_last_hour_are_no_part_of_what_happened(tmp_path: Path) -> None:
    made = Recorded(tmp_path)
    sketch = {
        "model": "m",
        "recipe": 0,
        "position": 0,
        "feature": "sharpness",
        "records": 1132,
        "kll": "AgEPAM",
    }
    made.books.note(Entry.SKETCH, **sketch)
    made.drift()
    made.books.note(Entry.SKETCH, **sketch)
    made.books.note(Entry.LOSS, what="records", text="7 records were lost.", count=7)
    told = account(made.write(), None, None)
    assert told.before
    assert told.since[-1].kind == "loss"
    assert {line.kind for line in (*told.before, *told.since)}.isdisjoint({"sketch"})


def test_a_trip_that_nobody_has_ended_says_so(tmp_path: Path) -> None:
    made = Recorded(tmp_path)
    made.drift()
    told = account(made.write(), None, None)
    assert not told.is_over
    assert "Nobody has given the permissive back yet" in page(told)


def test_a_hold_by_a_person_names_the_person_and_no_parts(tmp_path: Path) -> None:
    made = Recorded(tmp_path)
    made.plant.ask(Kind.HOLD, role="operator", person="p3", reason="smoke")
    wait(made.plant, made.process, lambda: made.plant.plc.output is Word.WITHHOLD, "the hold")
    play(made.plant, made.process, 300)
    told = account(made.write(), None, None)
    assert told.trip.cause == "local hold"
    assert why(told) == ["It was operator p3: “smoke”."]
    assert (parts(told).first, parts(told).open) == (0, "")


def test_the_death_of_a_guard_is_a_trip_too(tmp_path: Path) -> None:
    made = Recorded(tmp_path)
    made.plant.guard_died("lost")
    made.plant.pass_ms(500)
    made.process = started(made.plant)
    play(made.plant, made.process, 1_000)
    told = account(made.write(), None, None)
    assert told.trip.move == "guard died"
    assert told.was == "RUN"
    assert "ended without having been stopped, in RUN" in what(told)


def stop_and_start(made: Recorded) -> None:
    """A planned stop, and the guard's next start."""
    made.plant.is_asked_to_stop = True
    play(made.plant, made.process, 2_000)
    assert made.process.is_done
    made.process.close()
    made.plant.is_asked_to_stop = False
    made.plant.guard_died("whole")
    made.plant.pass_ms(500)
    made.process = started(made.plant)
    play(made.plant, made.process, 1_000)


def test_the_first_start_of_a_device_is_nobodys_death() -> None:
    body = {"event": "restart", "from": "START_UP", "to": "START_UP", "evidence": {"clean": False}, "ns": 1}
    assert list(trips([entry(Entry.TRANSITION, {**body, "number": 1})])) == []
    assert [trip.move for trip in trips([entry(Entry.TRANSITION, {**body, "number": 2})])] == ["guard died"]


def test_when_a_guard_that_died_was_heard_of_last_is_told(tmp_path: Path) -> None:
    made = Recorded(tmp_path)
    died_ns = made.plant.now_ns
    made.plant.guard_died("lost")
    made.plant.pass_ms(700)
    made.process = started(made.plant)
    back_ns = made.plant.now_ns
    play(made.plant, made.process, 1_000)
    made.books.note(Entry.ABSENCE, what="guard", text="It was away.", from_ns=died_ns, to_ns=back_ns)
    told = account(made.write(), None, None)
    assert dict(times(told))["guard last heard"] < -600
    assert any("The guard was heard of last 0." in fact for fact in why(told))


OBSERVED = (
    ("reset to run", "START_UP", "RUN", "WITHHOLD"),
    ("hold cause on", "RUN", "HOLD", "WITHHOLD"),
    ("lockout cause on", "HOLD", "LOCKOUT", "WITHHOLD"),
)


def test_what_would_have_tripped_in_observe_stopped_nothing() -> None:
    def told(*words: str) -> list[bool]:
        rows = [(*row[:3], word) for row, word in zip(OBSERVED, words, strict=True)]
        bodies = [
            {"event": event, "from": was, "to": to, "word": word, "ns": n, "number": n + 2}
            for n, (event, was, to, word) in enumerate(rows)
        ]
        return [summary(trip)["observed"] for trip in trips(entry(Entry.TRANSITION, body) for body in bodies)]

    assert told("WITHHOLD", "WITHHOLD", "WITHHOLD") == [True, True]
    assert told("MACHINE_AND_AI", "WITHHOLD", "WITHHOLD") == [False, False]


def test_the_page_of_a_trip_in_observe_says_so_and_asks_nobody_for_a_permissive(recorded: Recorded) -> None:
    told = account(recorded.file, None, None)
    told.trip, told.is_over = replace(told.trip, is_observed=True), False
    assert what(told).startswith("In observe, where nothing was permitted and nothing was stopped")
    assert "Nobody has given the permissive back yet" not in page(told)
    assert not any("Nobody has given" in line for line in screen(told))


def restarts(made: Recorded) -> list[dict[str, Any]]:
    return [
        body
        for _, kind, body in made.books.entries
        if kind is Entry.TRANSITION and body["event"] == "restart"
    ]


def test_a_stop_in_order_while_something_is_latched_is_no_death_of_the_guard(tmp_path: Path) -> None:
    made = Recorded(tmp_path)
    made.drift()
    stop_and_start(made)
    assert restarts(made)[-1]["evidence"]["clean"] is False, "from HOLD: the start is one with a cause"
    stop_and_start(made)
    assert [trip.move for trip in trips(entries(made.write()))] == ["RUN → HOLD"]
    assert account(made.file, None, None).trip.move == "RUN → HOLD"


def test_a_death_that_follows_a_stop_in_order_and_a_start_is_one(tmp_path: Path) -> None:
    made = Recorded(tmp_path)
    made.drift()
    stop_and_start(made)
    made.plant.guard_died("lost")
    made.plant.pass_ms(500)
    made.process = started(made.plant)
    play(made.plant, made.process, 1_000)
    assert [trip.move for trip in trips(entries(made.write()))] == ["RUN → HOLD", "guard died"]
    assert account(made.file, None, None).trip.move == "guard died"


@pytest.mark.parametrize(
    ("was", "is_own"), [("START_UP", False), ("HOLD", False), ("FALLBACK", True), ("RUN", True)]
)
def test_only_a_stop_that_took_a_permission_away_is_a_trip_and_a_planned_one(was: str, is_own: bool) -> None:
    record = [
        {"event": "restart", "from": "START_UP", "to": "START_UP", "evidence": {"clean": True}},
        {"event": "planned stop", "from": was, "to": "START_UP", "evidence": {"clean": False}},
        {"event": "withdrawn", "from": "START_UP", "to": "START_UP", "evidence": {}},
        {"event": "restart", "from": "START_UP", "to": "START_UP", "evidence": {"clean": False}},
    ]
    told = [entry(Entry.TRANSITION, {**body, "ns": n, "number": n}) for n, body in enumerate(record)]
    found = [(trip.body["event"], trip.is_planned) for trip in trips(told)]
    assert found == ([("planned stop", True)] if is_own else [])
    assert [trip.move for trip in trips(told[:1] + told[3:])] == ["guard died"]


def test_the_commands_list_and_show(recorded: Recorded, tmp_path: Path) -> None:
    run = CliRunner()
    listed = run.invoke(command, ["list", "--ledger", str(recorded.file)])
    assert listed.exit_code == 0, listed.output
    number = int(listed.output.split()[0])
    shown = run.invoke(command, ["show", str(number), "--ledger", str(recorded.file)])
    assert shown.exit_code == 0, shown.output
    assert "Parts to sort again" in shown.output
    file = tmp_path / "trip.html"
    done = run.invoke(command, ["show", "--ledger", str(recorded.file), "--html", str(file), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["sort_again"]["first"] == recorded.part_at(recorded.onset_ns)
    assert file.read_text().startswith("<!doctype html>")
    assert json.loads(done.output) == json.loads(json.dumps(as_json(account(recorded.file, None, None))))


def test_a_number_that_is_no_trip_is_told_plainly(recorded: Recorded) -> None:
    with pytest.raises(InputError, match="no trip 999"):
        account(recorded.file, 999, None)
