"""Files as a power cut or a failing disk leaves them: nothing confirmed is lost, and whatever is cut or damaged is told."""

from __future__ import annotations

import random
from pathlib import Path

from tools.killing.outbox import damaged_files, torn_tails


def test_of_a_torn_tail_nothing_confirmed_is_lost_and_every_byte_that_is_cut_is_told(tmp_path: Path) -> None:
    found = torn_tails(tmp_path, random.Random(7), 60)
    assert (found.lost, found.silent, found.wrong) == (0, 0, [])
    assert found.cut > 20


def test_damage_anywhere_is_told_and_a_refused_file_is_left_as_it_is(tmp_path: Path) -> None:
    found = damaged_files(tmp_path, random.Random(7), 60)
    assert (found.silent, found.wrong) == (0, [])
    assert found.refused > 20
