"""Pictures from a camera on this device (V4L2) or on the network (RTSP): always the newest, decoded by PyAV.

One library serves both: PyAV's wheels bring FFmpeg with its readers of V4L2 and RTSP. A thread of its own reads and
decodes, because a read may block for seconds; it keeps one picture, so a slow model sees the newest, never a queue.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from jidoka_bridge.errors import InputError
from numpy.typing import NDArray

from jidoka.host.sources.sample import Sample, Source

log = logging.getLogger(__name__)

SILENT_S = 5.0  # open and read limits of the network; also how long a camera may give nothing
BACKOFF_MIN_S = 0.5
BACKOFF_MAX_S = 10.0
#: a sensor's noise changes each picture; the same bytes for so long are a frozen camera or a paused recorder
FROZEN_S = 5.0

#: FFmpeg's error -> what to do; the first class that fits
REMEDIES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("HTTPUnauthorizedError", "HTTPForbiddenError"), "Check user and password in the address, and the account at the camera."),
    (("HTTPNotFoundError",), "Check the path in the address: the camera's manual tells it."),
    (("ConnectionRefusedError",), "Check host and port, and that the camera's RTSP server is on."),
    (("ExitError", "TimeoutError", "BlockingIOError"), "Check cable, power, address and firewall."),
    (("PermissionError",), "Let this user read the camera: usually by the group `video`."),
    (("FileNotFoundError",), "Plug the camera in; `ls /dev/v4l/by-id` shows those that are there."),
    (("EOFError", "InvalidDataError"), "See that the camera still sends video: it has ended the stream."),
    (("OSError",), "See that no other program uses the camera, and that the address is right."),
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """What FFmpeg opens. address: with its secrets, for FFmpeg only; text: for people, without them."""

    address: str
    text: str
    format: str | None
    options: tuple[tuple[str, str], ...]


def camera(path: str) -> Place:
    """A V4L2 device of this machine. Raises InputError where there is none: it isn't waited for at the start."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except OSError as error:
        why = "there is no such camera" if isinstance(error, FileNotFoundError) else error.strerror
        remedy = REMEDIES[4][1] if isinstance(error, PermissionError) else REMEDIES[5][1]
        raise InputError(f"{path}: {why}.", remedy) from None
    if not Path(path).is_char_device():
        raise InputError(f"{path}: isn't a camera.", REMEDIES[5][1])
    return Place(path, path, "v4l2", ())


def stream(address: str) -> Place:
    """A camera on the network. It is waited for, as it may start after this program."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        raise InputError("the address of the stream can't be understood.", "Write rtsp://HOST:PORT/PATH.")
    # user, password and query (where cameras put tokens) are never shown
    host = f"[{host}]" if ":" in host else host
    text = f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"
    return Place(address, text, "rtsp", (("rtsp_transport", "tcp"), ("fflags", "nobuffer")))


def library() -> Any:
    """PyAV. Raises InputError with the command that installs it."""
    try:
        import av  # noqa: PLC0415 - 100 MB that most devices don't need
    except ImportError:
        raise InputError(
            "cameras and streams need the library PyAV, which isn't installed.",
            "Install it: pip install 'jidoka-edge[video]'",
        ) from None
    av.logging.set_level(None)  # FFmpeg's own messages name addresses with their passwords
    return av


class Live(Source):
    """The newest picture of a camera or stream; each at most once. A lost connection is made again, with back-off.

    `fileno` becomes readable when there is a new picture. Pictures that the model was too slow for are counted.
    """

    def __init__(self, place: Place) -> None:
        self.text = place.text
        self.look_again_s = 1.0
        self._av = library()
        self._place = place
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._lock = threading.Lock()
        self._newest: NDArray[np.uint8] | None = None
        self._given = self._skipped = self._lost = self._broken = 0
        self._is_frozen, self._frozen = False, 0
        self._same_since_s, self._digest = 0.0, -1
        self._fresh_s, self._is_silence_said = time.monotonic(), True  # said once pictures came
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._live, name="video", daemon=True)
        self._thread.start()

    def take(self, now_ns: int = 0) -> Sample | None:
        del now_ns  # the thread's own clock counts
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        with self._lock:
            pixels, self._newest = self._newest, None
        if pixels is None:
            self._look_for_silence(time.monotonic())
            return None
        place, self._given = self._given, self._given + 1
        return Sample(f"{self.text} picture {place}", place, picture=pixels)

    def fileno(self) -> int:
        return self._bell

    def counts(self) -> dict[str, int]:
        return {
            "pictures skipped": self._skipped, "connections lost": self._lost,
            "pictures broken": self._broken, "times frozen": self._frozen,
        }  # fmt: skip

    def close(self) -> None:
        self._closing.set()
        self._thread.join(1.0)  # a camera that hangs is left behind: the thread ends with the program

    def _look_for_silence(self, now_s: float) -> None:
        """A read of a camera may block without limit, so this isn't left to the thread."""
        if not self._is_silence_said and now_s - self._fresh_s >= SILENT_S:
            self._is_silence_said = True
            log.warning("%s: no new picture for %.0f s", self.text, SILENT_S)

    # ------------------------------------------------------------ the thread

    def _live(self) -> None:
        backoff_s, is_said = BACKOFF_MIN_S, False
        while not self._closing.is_set():
            try:
                with self._open() as container:
                    backoff_s, is_said = BACKOFF_MIN_S, False
                    self._read(container)
                why, remedy = "it ended", remedy_of(EOFError())
            except Exception as error:  # noqa: BLE001 - FFmpeg's errors are of many classes; all mean the stream
                why, remedy = text_of_fault(error), remedy_of(error)
            if self._closing.is_set():
                return
            self._lost += 1
            if not is_said:
                log.warning("%s: no pictures: %s. %s Trying again.", self.text, why, remedy)
                is_said = True
            self._closing.wait(backoff_s)
            backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)

    def _open(self) -> Any:
        return self._av.open(
            self._place.address, format=self._place.format, options=dict(self._place.options),
            timeout=(SILENT_S, SILENT_S),
        )  # fmt: skip

    def _read(self, container: Any) -> None:
        if not container.streams.video:
            raise OSError(0, "there is no video in it")
        video = container.streams.video[0]
        is_first = True
        for packet in container.demux(video):
            try:
                frames = packet.decode()
            except self._av.error.InvalidDataError:
                self._broken += 1
                continue
            for frame in frames:
                if self._closing.is_set():
                    return
                if is_first:
                    log.info("%s: pictures of %d×%d come", self.text, frame.width, frame.height)
                    is_first = False
                self._put(frame.to_ndarray(format="rgb24"), time.monotonic())

    def _put(self, pixels: NDArray[np.uint8], now_s: float) -> None:
        self._look_for_frost(pixels, now_s)
        with self._lock:
            self._skipped += self._newest is not None
            self._newest = pixels
            self._fresh_s, self._is_silence_said = now_s, False
        with contextlib.suppress(BlockingIOError):
            os.eventfd_write(self._bell, 1)

    def _look_for_frost(self, pixels: NDArray[np.uint8], now_s: float) -> None:
        digest = zlib.crc32(np.ascontiguousarray(pixels).data)
        if digest != self._digest:
            if self._is_frozen:
                log.info("%s: the picture changes again", self.text)
            self._digest, self._same_since_s, self._is_frozen = digest, now_s, False
        elif not self._is_frozen and now_s - self._same_since_s >= FROZEN_S:
            self._is_frozen = True
            self._frozen += 1
            log.warning(
                "%s: each picture has been the same for %.0f s: is the camera frozen?", self.text, FROZEN_S
            )


def text_of_fault(error: BaseException) -> str:
    """What went wrong, never with the address, in which a password may stand."""
    return getattr(error, "strerror", None) or type(error).__name__


def remedy_of(error: BaseException) -> str:
    """What to do about it, by the classes that FFmpeg's error belongs to."""
    classes = {each.__name__ for each in type(error).__mro__}
    return next((remedy for names, remedy in REMEDIES if classes & set(names)), "")
