"""What is written for a source means one row of the table, wherever it is checked, placed or opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from jidoka.host.sources.kinds import KINDS, Wanted, kind_of, open_source, resolved
from jidoka.host.sources.spelling import absolute, missing
from jidoka_bridge.errors import InputError

from tests.host.sources.test_watched import png

DOCS = Path(__file__).resolve().parents[3] / "docs" / "sources.md"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("renderer", "renderer"),
        ("watch:/srv/camera", "watched folder"),
        ("rtsp://u:p@cam/live.csv", "network camera"),
        ("rtsps://cam/live", "network camera"),
        ("/dev/video0", "camera"),
        ("/dev/v4l/by-id/usb-x", "camera"),
        ("a/b.csv", "states"),
        ("b.TSV", "states"),
        ("d00_te.dat", "states"),
        ("pictures", "folder"),
        (".", "folder"),
    ],
)
def test_each_spelling_means_one_kind(text: str, name: str) -> None:
    assert kind_of(text).name == name


def test_every_kind_is_on_the_page_about_sources() -> None:
    page = DOCS.read_text(encoding="utf-8")
    for kind in KINDS:
        assert f"| {kind.name} | " in page
        for written in kind.written.split(", "):
            assert f"`{written}`" in page


def test_a_folder_may_be_called_like_a_table(tmp_path: Path) -> None:
    (tmp_path / "day.csv").mkdir()
    (tmp_path / "day.csv" / "a.png").write_bytes(png())
    assert kind_of(str(tmp_path / "day.csv")).name == "folder"
    assert open_source(str(tmp_path / "day.csv"), Wanted()).take(0)


def test_a_source_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("rtsp://u:p@cam/live\nmore\n")
    assert resolved(f"@{tmp_path / 'source'}") == "rtsp://u:p@cam/live"
    (tmp_path / "empty").write_text("\n")
    for name, says in (("empty", "has nothing on its first line"), ("none", "can't be read: No such file")):
        with pytest.raises(InputError, match=says):
            resolved(f"@{tmp_path / name}")


def test_files_are_moved_from_a_watched_folder_only(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="from a watched folder only") as raised:
        open_source("rtsp://u:p@cam/x", Wanted(move_to=tmp_path))
    assert "u:p" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "placed"),
    [
        ("renderer", "renderer"),
        ("rtsp://cam/x", "rtsp://cam/x"),
        ("/dev/video0", "/dev/video0"),
        ("pictures", "/etc/pictures"),
        ("watch:../srv/in", "watch:/srv/in"),
        ("watch:/srv/in", "watch:/srv/in"),
        ("@source", "@/etc/source"),
        ("a.csv", "/etc/a.csv"),
    ],
)
def test_paths_in_a_configuration_start_at_its_folder(text: str, placed: str) -> None:
    assert absolute(text, Path("/etc")) == placed


def test_what_is_not_there_is_known_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    (tmp_path / "d").mkdir()
    for text in ("renderer", "rtsp://cam/x", "/dev/video9", "a.csv", "d", "watch:d", "@a.csv", "."):
        assert missing(text, tmp_path) is None
    for text, why in (
        ("b.csv", "file"),
        ("e", "folder"),
        ("watch:e", "folder"),
        ("@b", "file"),
        ("watch:a.csv", "folder"),
    ):
        assert missing(text, tmp_path) == f"isn't a {why}"
