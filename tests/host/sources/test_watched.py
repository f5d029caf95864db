"""A watched directory gives each new picture once, when it is complete, whatever the writer does."""

from __future__ import annotations

import io
import logging
import os
from pathlib import Path

import numpy as np
import pytest
from jidoka.host.renderer import Line
from jidoka.host.sources.watched import MOST_TRIES, WatchedFolder
from jidoka_bridge.errors import InputError
from PIL import Image

SECOND_NS = 1_000_000_000


class Watch:
    """A watched folder whose time is the test's."""

    def __init__(self, folder: Path, move_to: Path | None = None) -> None:
        self.source = WatchedFolder(folder, move_to)
        self.now_ns = 0

    def look(self, after_s: float = 0.0) -> list[str]:
        """Names of what is given after that time; the first look of a file only remembers it."""
        found = []
        end_ns = self.now_ns + int(after_s * SECOND_NS)
        while self.now_ns <= end_ns:
            while (sample := self.source.take(self.now_ns)) is not None:
                assert sample.picture is not None or sample.tensors
                found.append(sample.name)
                self.source.finished()
            self.now_ns += SECOND_NS // 5
        return found


def png(seed: int = 1) -> bytes:
    pixels = io.BytesIO()
    Image.fromarray(Line(seed).part()[0]).save(pixels, "PNG")
    return pixels.getvalue()


def test_new_pictures_come_once_and_in_the_order_of_their_writing(tmp_path: Path) -> None:
    (tmp_path / "old.png").write_bytes(png())
    watch = Watch(tmp_path)
    assert watch.look(1) == []
    for n, name in enumerate(["b.png", "a.png"]):
        (tmp_path / name).write_bytes(png())
        os.utime(tmp_path / name, ns=(0, 10**18 + n))
    assert watch.look(1) == ["b.png", "a.png"]
    assert watch.look(3) == []
    assert not watch.source.has_ended


def test_a_file_that_is_written_slowly_comes_when_it_is_whole(tmp_path: Path) -> None:
    watch, whole = Watch(tmp_path), png()
    with (tmp_path / "slow.png").open("wb") as file:
        for begin in range(0, len(whole), len(whole) // 4 + 1):
            file.write(whole[begin : begin + len(whole) // 4 + 1])
            file.flush()
            if file.tell() < len(whole):
                assert watch.look(0.8) == []  # it stands still for a while, and can't be read whole
    assert watch.look(2) == ["slow.png"]


def test_a_file_that_is_renamed_into_place_comes_and_renaming_it_later_makes_no_new_picture(
    tmp_path: Path,
) -> None:
    watch = Watch(tmp_path)
    (tmp_path / ".a.png.part").write_bytes(png())
    (tmp_path / "b.tmp").write_bytes(png())
    assert watch.look(1) == []
    (tmp_path / ".a.png.part").rename(tmp_path / "a.png")
    assert watch.look(1) == ["a.png"]
    (tmp_path / "a.png").rename(tmp_path / "archived.png")
    assert watch.look(2) == []


def test_a_file_that_is_overwritten_or_replaced_is_a_new_picture(tmp_path: Path) -> None:
    watch, latest = Watch(tmp_path), tmp_path / "latest.png"
    latest.write_bytes(png(1))
    assert watch.look(1) == ["latest.png"]
    latest.write_bytes(png(2))
    assert watch.look(1) == ["latest.png"]
    (tmp_path / "new").with_suffix(".tmp").write_bytes(png(3))
    (tmp_path / "new.tmp").replace(latest)
    assert watch.look(1) == ["latest.png"]
    assert watch.look(2) == []


def test_what_goes_before_its_turn_is_no_error_and_nothing_is_remembered_of_it(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    for n in range(3):
        (tmp_path / f"{n}.png").write_bytes(png())
    watch.source.take(watch.now_ns)
    (tmp_path / "1.png").unlink()
    assert watch.look(1) == ["0.png", "2.png"]
    for file in tmp_path.iterdir():
        file.unlink()
    assert watch.look(1) == []
    assert watch.source._done == set()
    assert watch.source._growing == {}


def test_a_file_that_is_no_picture_is_passed_over_and_told_after_a_while(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    watch = Watch(tmp_path)
    for n in range(9):
        (tmp_path / f"notes-{n}.txt").write_text("hello")
    (tmp_path / "good.png").write_bytes(png())
    assert watch.look(1) == ["good.png"]
    assert "notes" not in caplog.text
    assert watch.look(0.3 * 2**MOST_TRIES) == []
    assert caplog.text.count("isn't an image. It is passed over") == 5
    assert "more such files are only counted" in caplog.text
    assert watch.source.counts() == {"passed over": 9}


def test_array_files_are_taken_too(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    np.savez(tmp_path / "a.npz", obs=np.zeros(3))
    assert watch.look(1) == ["a.npz"]


def test_a_spool_is_emptied_and_a_name_that_is_there_already_is_not_overwritten(tmp_path: Path) -> None:
    spool, done = tmp_path / "spool", tmp_path / "done" / "here"
    spool.mkdir()
    for n in range(2):
        (spool / f"{n}.png").write_bytes(png())
    watch = Watch(spool, done)
    assert watch.look(1) == ["0.png", "1.png"]
    (spool / "0.png").write_bytes(png(5))
    assert watch.look(1) == ["0.png"]
    assert list(spool.iterdir()) == []
    assert sorted(file.name for file in done.iterdir()) == ["0-1.png", "0.png", "1.png"]
    assert (done / "0-1.png").read_bytes() == png(5)


def test_a_file_that_was_written_anew_while_it_was_run_is_not_moved(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    watch = Watch(spool, tmp_path / "done")
    (spool / "a.png").write_bytes(png(1))
    watch.source.take(0)
    assert watch.source.take(SECOND_NS)
    (spool / "a.png").write_bytes(png(2))
    watch.source.finished()
    assert (spool / "a.png").exists()
    watch.now_ns = 2 * SECOND_NS
    assert watch.look(1) == ["a.png"]


def test_a_folder_that_goes_is_waited_for_and_what_was_done_is_not_done_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    share = tmp_path / "share"
    share.mkdir()
    watch = Watch(share)
    (share / "a.png").write_bytes(png())
    assert watch.look(1) == ["a.png"]
    share.rename(tmp_path / "gone")
    assert watch.look(1) == []
    assert caplog.text.count("waiting until it is back") == 1
    (tmp_path / "gone").rename(share)
    (share / "b.png").write_bytes(png())
    assert watch.look(1) == ["b.png"]
    assert "is back" in caplog.text


def test_a_huge_folder_is_looked_at_less_often(tmp_path: Path) -> None:
    for n in range(3000):
        (tmp_path / f"{n}.png").touch()
    watch = Watch(tmp_path)
    watch.source.take(0)
    (tmp_path / "new.png").write_bytes(png())
    assert watch.source._next_look_ns >= SECOND_NS // 10
    assert watch.look(5) == ["new.png"]


def test_a_folder_that_cannot_be_watched_or_moved_to_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be watched: no such folder"):
        WatchedFolder(tmp_path / "nowhere")
    with pytest.raises(InputError, match="can't be watched: Not a directory"):
        WatchedFolder(Path(__file__))
    with pytest.raises(InputError, match="is the watched folder itself"):
        WatchedFolder(tmp_path, tmp_path)
    with pytest.raises(InputError, match="can't be used to move files to"):
        WatchedFolder(tmp_path, Path(__file__))
