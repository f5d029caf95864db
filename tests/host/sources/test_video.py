"""Cameras and streams: the newest picture, connections made again, plain words; against a real RTSP server."""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jidoka.host.sources.sample import Sample
from jidoka.host.sources.spelling import CAMERAS
from jidoka.host.sources.video import Live, Place, camera, library, remedy_of, stream, text_of_fault
from jidoka_bridge.errors import InputError

from tests.processes import Program, programs, wait_until

av = pytest.importorskip("av", reason="PyAV isn't installed (the extra jidoka-edge[video])")
SYSTEM_PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).with_name("rtsp_server.py")
SECRET = "s3cret"
WIDTH, HEIGHT, RATE_HZ = 64, 48, 10


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of H.264 that grows brighter for 12 s, then begins again."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    write_film(path, [2 * n % 240 for n in range(60 * RATE_HZ)])
    return path


def write_film(path: Path, levels: list[int]) -> None:
    with av.open(str(path), "w") as container:
        track = container.add_stream("libx264", rate=RATE_HZ, options={"g": "10", "tune": "zerolatency"})
        track.width, track.height, track.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for level in levels:
            pixels = np.full((HEIGHT, WIDTH, 3), level, np.uint8)
            pixels[:, : WIDTH // 2] = 255 - level
            container.mux(track.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(track.encode())


class Server:
    """Starts the RTSP server as often as it is killed."""

    def __init__(self, start: Any, film: Path) -> None:
        self.port, self._start, self.film = free_port(), start, film
        self.address = f"rtsp://127.0.0.1:{self.port}/live"

    def start(self, *account: str) -> Program:
        program: Program = self._start(SYSTEM_PYTHON, str(SERVER), str(self.port), str(self.film), *account)
        program.wait_for_text("serving")
        return program


@pytest.fixture
def server(tmp_path: Path, film: Path) -> Iterator[Server]:
    asked = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    if (
        not shutil.which(SYSTEM_PYTHON)
        or subprocess.run([SYSTEM_PYTHON, "-c", asked], check=False, capture_output=True).returncode
    ):
        pytest.skip(
            "no RTSP server here: Debian's gir1.2-gst-rtsp-server-1.0, gstreamer1.0-plugins-good and python3-gi"
        )
    with programs(tmp_path) as start:
        yield Server(start, film)


@pytest.fixture
def live() -> Iterator[Any]:
    """A starter of live sources that are closed in the end."""
    started: list[Live] = []

    def start(place: Place) -> Live:
        started.append(Live(place))
        return started[-1]

    yield start
    for source in started:
        source.close()


def next_picture(source: Live) -> np.ndarray:
    found: list[Sample] = []

    def came() -> bool:
        sample = source.take()
        if sample is not None:
            found.append(sample)
        return bool(found)

    wait_until(came, "a picture")
    assert isinstance(found[0].picture, np.ndarray)
    return found[0].picture


@pytest.mark.process
def test_a_stream_gives_its_pictures_each_once_and_always_the_newest(server: Server, live: Any) -> None:
    server.start()
    source = live(stream(server.address))
    first = next_picture(source)
    assert first.shape == (HEIGHT, WIDTH, 3)
    assert first.dtype == np.uint8
    levels = [int(next_picture(source)[:, WIDTH * 3 // 4].mean()) for _ in range(5)]
    assert levels == sorted(levels)
    assert len(set(levels)) == 5
    before = source.counts()["pictures skipped"]
    wait_until(lambda: source.counts()["pictures skipped"] >= before + 5, "pictures that nobody took")
    assert int(next_picture(source)[:, WIDTH * 3 // 4].mean()) > levels[-1] + 4
    assert source.take() is None


@pytest.mark.process
def test_a_stream_that_breaks_is_told_once_and_comes_again(
    server: Server, live: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    source = live(stream(server.address))
    wait_until(lambda: source.counts()["connections lost"] >= 2, "two attempts at nobody")
    assert caplog.text.count("Connection refused") == 1
    assert "that the camera's RTSP server is on" in caplog.text
    program = server.start()
    next_picture(source)
    lost = source.counts()["connections lost"]
    program.end()
    wait_until(lambda: source.counts()["connections lost"] > lost, "the loss is noticed")
    server.start()
    source.take()
    next_picture(source)
    assert caplog.text.count("pictures of 64×48 come") == 2


@pytest.mark.process
def test_a_password_opens_the_stream_and_is_never_shown(
    server: Server, live: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    server.start("op", SECRET)
    address = server.address.replace("rtsp://", f"rtsp://op:{SECRET}@")
    source = live(stream(address))
    next_picture(source)
    assert source.text == server.address
    wrong = live(stream(address.replace(SECRET, f"{SECRET}-wrong")))
    wait_until(lambda: wrong.counts()["connections lost"] >= 1, "it is refused")
    assert "Check user and password" in caplog.text
    out, err = capfd.readouterr()
    assert SECRET not in caplog.text + out + err + wrong.text + source.text


@pytest.mark.process
def test_the_host_runs_a_stream_and_ends_at_its_count(server: Server, tmp_path: Path) -> None:
    server.start("op", SECRET)
    address = server.address.replace("rtsp://", f"rtsp://op:{SECRET}@")
    (tmp_path / "source").write_text(address + "\n")
    with programs(tmp_path) as start:
        host = start(
            sys.executable, "-m", "jidoka.host", "surface-inspection", "--source", f"@{tmp_path / 'source'}",
            "--count", "5", "--rate", "0", "--json", "--socket", str(tmp_path / "none"),
        )  # fmt: skip
        assert host.wait() == 0, host.text
    assert '"samples": 5' in host.text
    assert f'"source": "{server.address}"' in host.text
    assert SECRET not in host.text


def test_pictures_that_stay_the_same_and_silence_are_told_once(
    live: Any, film: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    source = live(Place(str(film), "film", None, ()))
    wait_until(lambda: source.counts()["connections lost"] >= 1, "the film ends")
    source.close()
    one, other = np.zeros((2, 2, 3), np.uint8), np.ones((2, 2, 3), np.uint8)
    caplog.clear()
    for now_s in (1000.0, 1004.9, 1005.1, 1006.0):
        source._put(one, now_s)
    assert caplog.text.count("each picture has been the same for 5 s") == 1
    source._put(other, 1007.0)
    assert "changes again" in caplog.text
    assert source.counts()["times frozen"] == 1
    source._look_for_silence(1011.9)
    assert "no new picture" not in caplog.text
    for now_s in (1012.1, 1013.0):
        source._look_for_silence(now_s)
    assert caplog.text.count("no new picture for 5 s") == 1


@pytest.mark.parametrize("path", ["/dev/video63", "/dev/v4l/by-id/none"])
def test_a_camera_that_is_not_there_is_refused_with_what_to_do(path: str) -> None:
    assert path.startswith(CAMERAS)
    with pytest.raises(InputError) as raised:
        camera(path)
    assert raised.value.what == f"{path}: there is no such camera."
    assert "Plug the camera in" in raised.value.remedy


def test_a_file_is_no_camera(tmp_path: Path) -> None:
    (tmp_path / "video0").touch()
    with pytest.raises(InputError, match="isn't a camera"):
        camera(str(tmp_path / "video0"))


def test_a_device_that_is_no_camera_is_told_and_tried_again(
    live: Any, caplog: pytest.LogCaptureFixture
) -> None:
    source = live(camera("/dev/null"))
    wait_until(lambda: source.counts()["connections lost"] >= 1, "it isn't a camera")
    assert "/dev/null: no pictures: Inappropriate ioctl for device" in caplog.text
    assert source.take() is None


def test_without_the_library_the_error_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InputError) as raised:
        library()
    assert "pip install 'jidoka-edge[video]'" in raised.value.remedy


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("rtsp://u:p@cam.example:8554/a/b?token=x", "rtsp://cam.example:8554/a/b"),
        ("rtsps://cam/", "rtsps://cam/"),
        ("rtsp://u:p@[::1]:554/x", "rtsp://[::1]:554/x"),
    ],
)
def test_an_address_is_shown_without_its_secrets(address: str, text: str) -> None:
    assert stream(address).text == text
    assert stream(address).address == address


@pytest.mark.parametrize(
    "address", ["rtsp://", "rtsp://u:p@:554/x", "rtsp://u:p@host:port/x", "rtsp://u:p@[::1/x"]
)
def test_an_address_that_cannot_be_understood_is_refused_without_being_shown(address: str) -> None:
    with pytest.raises(InputError) as raised:
        stream(address)
    assert "u:p" not in str(raised.value)


def test_every_fault_of_the_stream_has_a_remedy() -> None:
    for name in (
        "HTTPUnauthorizedError",
        "HTTPNotFoundError",
        "ConnectionRefusedError",
        "ExitError",
        "EOFError",
    ):
        error = getattr(av.error, name)(1, "text", "rtsp://u:p@x/")
        assert remedy_of(error)
        assert "u:p" not in text_of_fault(error)
    assert text_of_fault(ValueError("rtsp://u:p@x/")) == "ValueError"
