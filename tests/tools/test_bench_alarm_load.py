"""The month that the alarm bench replays is what it says, and its figures can fail."""

from __future__ import annotations

from tools.bench import _alarm_line as line
from tools.bench.alarm_load import Line, Told, missed, plain

MONTH = line.month(1.0, seed=7)


def test_a_seed_gives_one_month_whose_rows_come_and_go_in_turn() -> None:
    assert line.month(1.0, seed=7) == MONTH
    assert len(MONTH.episodes) == line.EPISODES
    assert {each.row for each in MONTH.edges} >= {*line.TRIPS, line.LAMP, line.CONTACT, line.CHANGEOVER}
    for row in {each.row for each in MONTH.edges}:
        claims = [each.is_on for each in MONTH.edges if each.row == row]
        assert claims == [number % 2 == 0 for number in range(len(claims))], row


def test_the_replay_hears_every_episode_and_far_less_than_a_plain_alarm() -> None:
    drive = Line(MONTH, 7)
    told = drive.run()
    assert missed(MONTH, drive) == (0, 0.0)
    assert told.chatters() == 0
    assert len(told.sounds) < len(plain(MONTH).sounds) / 3


def test_an_alarm_that_never_came_is_counted_as_missed() -> None:
    deaf = Line(MONTH, 7)
    assert missed(MONTH, deaf)[0] == line.EPISODES


def test_the_figures_of_a_stream_are_as_counted_by_hand() -> None:
    told = Told([(0.0, "a"), (30.0, "a"), (59.0, "a"), (599.0, "b"), (1200.0, "b")])
    assert (told.peak(), told.chatters(), told.flooded()) == (4, 1, 0)
    assert Told([(float(at), "a") for at in range(11)]).flooded() == 1
