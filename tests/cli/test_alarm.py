"""`jidoka alarm` and `jidoka ack --unack` against the real steward."""

from __future__ import annotations

import json
import shlex

import pytest
from jidoka.cli.alarm_screen import listed, load_text, what_was_read
from jidoka.cli.main import main
from jidoka.steward.lists import MOST, items_of
from jidoka_bridge.messages import Judgement, Kind

from tests.processes import wait_until
from tests.steward.site import Monitor, Site, cause
from tests.steward.test_alarms import observing, state_of

pytestmark = pytest.mark.process


def run(capsys: pytest.CaptureFixture[str], place: Site, *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--plan", str(place.plan_file)])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return int(end.value.code or 0), captured.out + captured.err


def test_an_alarm_goes_through_everything_that_a_person_may_do(capsys: pytest.CaptureFixture[str]) -> None:
    with observing() as place:
        place.start()
        place.guard.until(lambda: place.guard.recorded == 0, "connected")
        place.guard.send(Kind.CAUSE, cause())
        Monitor(place.plan).condition(Judgement.ON, 1)
        wait_until(lambda: state_of(place, "R-09") == state_of(place, "R-03") == "B", "both alarms")

        code, text = run(capsys, place, "alarm", "list")
        assert (code, text.index("H B  R-03") < text.index("L B  R-09")) == (0, True)
        assert "active, not acknowledged for" in text
        code, text = run(capsys, place, "ack")
        assert "R-03  revision 1" in text
        assert "R-09  revision 1  low  active" in text

        code, text = run(capsys, place, "alarm", "shelve", "R-03", "--reason", "4")
        assert (code, "a trip alarm can't be shelved" in text) == (10, True)
        code, text = run(capsys, place, "alarm", "shelve", "R-09", "--for", "2 h", "--reason", "1", "--json")
        assert (code, json.loads(text)["for_s"]) == (0, 7200)
        code, text = run(capsys, place, "alarm", "list")
        assert "L E  R-09  shelved until its end (underneath: B)" in text
        assert "by operator local: known, waits for a part; until 20" in text
        assert "R-09 (shelved until its end)" in " ".join(run(capsys, place, "status")[1].split())
        code, text = run(capsys, place, "ack", "--json")
        assert [each["id"] for each in json.loads(text)["waiting"]] == ["R-03"], "what is silent doesn't wait"
        assert run(capsys, place, "alarm", "unshelve", "R-09")[0] == 0

        code, text = run(capsys, place, "alarm", "list")
        assert "L C  R-09" in text
        out = ("alarm", "out", "R-09", "--for", "8 h", "--permit", "P-17")
        assert run(capsys, place, *out)[0] == 10, "an operator may not"
        assert run(capsys, place, *out, "--role", "maintenance")[0] == 0
        assert "permit P-17; until" in run(capsys, place, "alarm", "list")[1]
        assert run(capsys, place, "alarm", "back", "R-09", "--role", "maintenance")[0] == 0
        wait_until(lambda: state_of(place, "R-09") == "B", "in service")

        [alarm] = [
            each
            for each in json.loads(run(capsys, place, "alarm", "list", "--json")[1])["alarms"]
            if each["own"]
        ]
        seen = str(alarm["revision"])
        code, text = run(capsys, place, "ack", "R-09", "--revision", seen, "--reason", "cause found")
        assert (code, "is acknowledged" in text) == (0, True)
        code, text = run(capsys, place, "ack", "R-09", "--revision", seen, "--unack")
        assert (code, "isn't acknowledged any more" in text) == (0, True)

        code, text = run(capsys, place, "alarm", "load")
        assert code == 0
        assert "alarms in ten minutes, on average (at most 1)" in text
        assert json.loads(run(capsys, place, "alarm", "load", "--json")[1])["alarms"] == 3
        assert "Normal:" in run(capsys, place, "alarm", "list", "--all")[1]


def test_a_trip_alarm_that_is_out_of_service_and_holds_the_machine_waits_and_says_for_what(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with observing() as place:
        place.start()
        place.guard.until(lambda: place.guard.recorded == 0, "connected")
        place.guard.send(Kind.CAUSE, cause())
        wait_until(lambda: state_of(place, "R-03") == "B", "the alarm")
        out = ("alarm", "out", "R-03", "--for", "8 h", "--permit", "P-17", "--role", "maintenance")
        assert run(capsys, place, *out)[0] == 0
        code, text = run(capsys, place, "ack")
        assert (code, "R-03  revision 1  high  active" in text) == (0, True)
        assert "It is out of service: maintenance takes it back first: jidoka alarm back R-03" in text
        assert "jidoka ack R-03" not in text, "it would be refused"
        place.guard.send(Kind.CAUSE, cause(acknowledged=1))
        wait_until(
            lambda: "Nothing waits" in run(capsys, place, "ack")[1], "somebody acknowledged it at the PLC"
        )


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("alarm", "list"), 11, "no steward listens"),
        (("alarm", "shelve", "R-09"), 2, "--reason"),
        (("alarm", "shelve", "R-09", "--reason", "9"), 2, "1 known, waits for a part"),
        (("alarm", "shelve", "R-09", "--reason", "1", "--for", "soon"), 2, "isn't a duration"),
        (("alarm", "out", "R-09", "--for", "8 h"), 2, "--permit"),
        (("ack", "R-09"), 2, "--revision and --reason are needed"),
    ],
)
def test_mistakes_end_in_a_plain_sentence(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, text: str
) -> None:
    with observing() as place:
        found, said = run(capsys, place, *arguments)
        assert (found, text in said) == (code, True), said


def test_the_command_that_is_printed_ready_made_is_one_that_the_steward_takes() -> None:
    alarms = [{"id": f"R-{number} x", "revision": number} for number in range(MOST + 1)]
    for count in (1, MOST, MOST + 1):
        said, _, command = what_was_read(alarms[:count]).partition(": ")
        given = shlex.split(command)[2:-2]
        listed_as = [dict(zip(("cause", "revision"), each.split("@"), strict=True)) for each in given]
        items = items_of({"list": [{**each, "revision": int(each["revision"])} for each in listed_as]})
        assert len(items) == min(count, MOST)
        assert ("the first 50" in said) == (count > MOST)


def test_a_flood_says_so_and_marks_say_what_an_alarm_lacks() -> None:
    alarm = {
        "id": "R-05", "state": "B", "letter meaning": "active", "below": "B", "priority": "low", "text": "", "remedy": "",
        "revision": 3, "quality": "no data", "count": 2, "since_ns": 0, "called": "engineer", "stale": True,
        "seen_remotely": True, "seen": None, "chattering": True, "withheld": None,
    }  # fmt: skip
    ruled = {
        **alarm, "state": "F", "quality": "good", "stale": False, "called": "", "chattering": False, "seen_remotely": False,
        "withheld": {"by": "rule", "role": "", "pseudonym": "", "reason": "changeover", "permit": "", "until": None},
    }  # fmt: skip
    value = {
        "now_ns": 3 * 86400 * 10**9, "alarms": [alarm], "withheld": [ruled], "normal": [],
        "alarm_load": {"flood": True, "last_10_min": 14},
    }  # fmt: skip
    text = listed(value, with_normal=False)
    assert "FLOOD: 14 alarms" in text
    assert "×2" in text
    assert "for 3 days [no data, chattering, stale, seen from elsewhere, engineer called]" in text
    assert "by a rule of the plan: changeover; until the rule no longer holds" in text
    load = {
        "alarms": 9, "days": 30.0, "calls": 1, "per_10_min": 0.1, "peak_10_min": 3, "flood_share": 0.002, "chattering_24_h": 0,
        "stale_24_h": 0, "priorities": {"high": 0.1, "medium": 0.2, "low": 0.7}, "chattering": ["R-05"],
        "most_frequent": [{"id": "R-05", "count": 9}],
    }  # fmt: skip
    assert "chatter now, delays lengthened: R-05" in load_text(load)
    assert "0.2 %" in load_text(load)
