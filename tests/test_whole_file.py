"""Files that are written as a whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from jidoka.whole_file import write_whole


def test_a_file_is_made_with_its_mode_but_no_folder_that_nobody_asked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "a" / "key", b"first")
    path = tmp_path / "key"
    write_whole(path, b"first", 0o600)
    assert path.read_bytes() == b"first"
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_replaces_the_old_one_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    for content in (b"first and long", b"second"):
        write_whole(path, content)
    assert path.read_bytes() == b"second"
    assert [each.name for each in tmp_path.iterdir()] == ["plan"]


def test_what_cant_be_written_leaves_the_old_one_and_no_part(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(path, b"new")
    assert [each.name for each in tmp_path.iterdir()] == ["plan"]


def test_a_part_that_a_killed_program_of_the_same_number_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / f".plan.{os.getpid()}").write_bytes(b"torn, and much longer than what comes")
    write_whole(tmp_path / "plan", b"new")
    assert (tmp_path / "plan").read_bytes() == b"new"
