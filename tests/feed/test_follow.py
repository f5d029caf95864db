"""A followed file: what is written is read once, whatever happens to the file."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from jidoka.feed.follow import Follower
from jidoka.feed.mapping import FeedSettings
from jidoka.feed.reading import Stream
from jidoka_bridge.errors import InputError

JSON = FeedSettings(format="json", outputs={"y": "y"})
CSV = FeedSettings(format="csv", outputs={"y": "y"})


def follow(path: Path, feed: FeedSettings = JSON, is_from_start: bool = False) -> Follower:
    return Follower(
        path, lambda label: Stream(feed, label), is_from_start=is_from_start, has_header=feed.format == "csv"
    )


def seen(follower: Follower, looks: int = 3) -> list[object]:
    entries = [entry for _ in range(looks) for entry in follower.take(0)]
    return [entry.fields("y") if entry.fault is None else entry.fault.cause for entry in entries]


def write(path: Path, *values: object, end: str = "\n") -> None:
    with path.open("a") as file:
        file.write("\n".join(f'{{"y": {value}}}' for value in values) + end)


def test_what_is_there_is_passed_over_unless_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "log"
    write(path, 1, 2)
    late, early = follow(path), follow(path, is_from_start=True)
    write(path, 3)
    assert seen(late) == [3]
    assert seen(early) == [1, 2, 3]
    assert seen(late) == seen(early) == []


def test_a_line_that_is_half_written_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    write(path, 1, end="")
    follower = follow(path)
    with path.open("a") as file:
        file.write('\n{"y"')
    assert seen(follower) == [1]
    with path.open("a") as file:
        file.write(": 2}\n")
    assert seen(follower) == [2]


def test_a_rotated_file_is_read_to_its_end_and_then_the_new_one_from_its_beginning(tmp_path: Path) -> None:
    path, old = tmp_path / "log", tmp_path / "log.1"
    write(path, 1)
    follower = follow(path)
    write(path, 2)
    path.rename(old)
    write(old, 3)
    assert seen(follower) == [2, 3]
    write(old, 4)
    write(path, 5)
    assert seen(follower) == [4, 5]
    write(path, 6)
    assert seen(follower) == [6]
    assert follower.counts()["rotations"] == 1


def test_the_last_line_of_a_rotated_file_counts_although_nothing_ends_it(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.touch()
    follower = follow(path)
    write(path, 1, end="")
    path.rename(tmp_path / "log.1")
    write(path, 2)
    assert seen(follower) == [1, 2]


def test_a_file_that_is_cut_or_written_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "log"
    write(path, 1, 2, 3)
    follower = follow(path)
    os.truncate(path, 0)
    write(path, 4)
    assert seen(follower) == [4]
    os.truncate(path, 0)
    write(path, *range(10, 30))  # longer than before when it is looked at again
    assert seen(follower) == list(range(10, 30))
    assert follower.counts()["truncations"] == 2


def test_a_missing_file_is_waited_for_and_read_from_its_beginning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    path = tmp_path / "log"
    follower = follow(path)
    assert seen(follower) == []
    write(path, 1)
    assert seen(follower) == [1]
    assert caplog.text.count("waiting for it") == 1


def test_a_table_has_its_header_although_its_rows_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("part,y\n1,10\n")
    follower = follow(path, CSV)
    with path.open("a") as file:
        file.write("2,20\n")
    assert seen(follower) == ["20"]
    path.rename(tmp_path / "t.csv.1")
    path.write_text("y,part\n30,3\n")
    assert seen(follower) == ["30"]


def test_a_table_whose_header_is_not_written_yet_is_read_from_it(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("part")
    follower = follow(path, CSV)
    with path.open("a") as file:
        file.write(",y\n2,20\n")
    assert seen(follower) == ["20"]


def test_a_large_file_is_passed_over_at_its_last_line_and_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("x" * 300_000)
    follower = follow(path)
    assert follower._at == 0  # no line has ended yet
    with path.open("a") as file:
        file.write("x" * 1_000_000 + "\n")
    write(path, *range(5000))
    found = seen(follower, looks=60)
    assert found == ["too long", *range(5000)]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(InputError, match="isn't a file that can be followed"):
            follow(path)
