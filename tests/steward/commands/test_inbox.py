"""A flood of commands: the newest are turned away and counted, a true hold finds room, and what is kept has a limit."""

from __future__ import annotations

from pathlib import Path

import pytest
from jidoka.steward.commands.desk import Desk
from jidoka.steward.commands.inbox import MOST_WAITING, OTHER, TURN, Command, Inbox
from jidoka.steward.commands.kinds import MOST_BYTES
from jidoka.steward.commands.numbers import Numbers
from jidoka.steward.commands.signing import sign

from tests.steward.commands.test_desk import DEVICE, NOW_S, PRIVATE, key_of, message, payload, rfc3339
from tests.steward.commands.test_desk import OTHER as FOREIGN


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(DEVICE, {"shift": key_of(PRIVATE), "aims": key_of(FOREIGN, "aims")}, Numbers(tmp_path / "n"))


@pytest.fixture
def inbox(desk: Desk) -> Inbox:
    return Inbox(lambda message: desk.hold_of(message, NOW_S, True))


def flood(inbox: Inbox, count: int = MOST_WAITING, name: str = "reset") -> None:
    for number in range(count):
        inbox.put(Command(name, b"%d" % number))


def take_all(inbox: Inbox) -> list[Command]:
    taken: list[Command] = []
    while not inbox.is_empty:
        taken += inbox.take()
    return taken


def test_in_a_flood_the_oldest_stay_and_the_newest_are_counted_by_name(inbox: Inbox) -> None:
    flood(inbox)
    flood(inbox, 7, "shelve")
    flood(inbox, 5, "whatever/anybody writes")
    assert inbox.turned_away() == {"shelve": 7, OTHER: 5}
    assert inbox.turned_away() == {}
    taken = take_all(inbox)
    assert [command.message for command in taken] == [b"%d" % number for number in range(MOST_WAITING)]


def test_a_true_hold_finds_room_in_a_flood_and_comes_first(inbox: Inbox) -> None:
    flood(inbox)
    flood(inbox, 3, "hold")
    hold = Command("hold", message(9))
    inbox.put(hold)
    assert inbox.turned_away() == {"hold": 3}, "false holds have no place of their own"
    assert inbox.take()[0] == hold


def test_a_flood_of_true_holds_keeps_the_last_number_of_each_key_and_counts_the_others(inbox: Inbox) -> None:
    flood(inbox)
    for number in (5, 3, 9, 4):
        inbox.put(Command("hold", message(number)))
    inbox.put(Command("hold", sign(FOREIGN, "aims", payload(2))))
    assert inbox.turned_away() == {"hold": 3}
    assert {command.message for command in inbox.take()[:2]} == {
        message(9), sign(FOREIGN, "aims", payload(2)),
    }  # fmt: skip


def test_an_expired_hold_with_a_higher_number_displaces_no_true_one(inbox: Inbox) -> None:
    flood(inbox)
    true, late = (
        Command("hold", message(5)),
        message(9, issued=rfc3339(NOW_S - 50), expires=rfc3339(NOW_S - 1)),
    )
    for command in (Command("hold", late), true, Command("hold", late)):
        inbox.put(command)
    assert inbox.take()[0] == true
    assert inbox.turned_away() == {"hold": 2}


def test_by_a_clock_that_is_not_sure_a_hold_of_any_time_has_its_place(desk: Desk) -> None:
    inbox = Inbox(lambda message: desk.hold_of(message, 5.0, False))
    flood(inbox)
    inbox.put(Command("hold", message(5)))
    assert inbox.take()[0].name == "hold"


@pytest.mark.parametrize(
    "hold",
    [
        Command("hold", message(9), is_retained=True),
        Command("hold", message(9, device="aims/v1/plant/line/other")),
        Command("hold", message(9, "report")),
        Command("hold", message(9, issued=rfc3339(NOW_S - 50), expires=rfc3339(NOW_S - 1))),
        Command("hold", message(9, issued=rfc3339(NOW_S + 50), expires=rfc3339(NOW_S + 80))),
        Command("hold", message(9, expires=rfc3339(NOW_S + 1000))),
        Command("hold", sign(FOREIGN, "shift", payload(9))),
        Command("hold", sign(PRIVATE, "nobody", payload(9))),
        Command("hold", sign(PRIVATE, "shift", {})),
        Command("hold", b"{" * MOST_BYTES),
        Command("reset", message(9)),
    ],
)
def test_nothing_but_a_hold_that_this_device_would_follow_has_that_place(inbox: Inbox, hold: Command) -> None:
    flood(inbox)
    inbox.put(hold)
    assert sum(inbox.turned_away().values()) == 1


def test_a_hold_that_was_followed_already_has_it_not(desk: Desk, inbox: Inbox) -> None:
    desk.numbers.take("shift", 9)
    flood(inbox)
    inbox.put(Command("hold", message(9)))
    assert inbox.turned_away() == {"hold": 1}


def test_without_a_flood_commands_come_in_their_order(inbox: Inbox) -> None:
    for number in range(TURN):
        inbox.put(Command("hold" if number % 2 else "label", message(number + 1)))
    assert [command.name for command in inbox.take()] == ["label", "hold"] * (TURN // 2)


def test_what_is_too_long_is_kept_by_its_digest_and_judged_as_such(desk: Desk, inbox: Inbox) -> None:
    inbox.put(Command("hold", bytes(10**6)))
    [command] = inbox.take()
    assert (command.message, command.size) == (b"", 10**6)
    judged = desk.judge(command, now_ns=0, wall_s=0.0, is_clock_sure=True)
    assert (judged.kind, judged.refused) == ("size", "1000000 bytes, at most 8192 are read")
    assert judged.sha256 == command.sha256
