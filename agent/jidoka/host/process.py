"""The host as a program: options or a plan, signals, pace or trigger, counters, and what is printed."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jidoka_bridge import messages, plan
from jidoka_bridge.channel import Channel
from jidoka_bridge.errors import ConfigurationError, ModelError
from jidoka_bridge.messages import Kind
from jidoka_bridge.notify import die_with_parent, notify
from jidoka_tap import watch

from jidoka.config.manifest import Bundle, load_bundle
from jidoka.host.camera import CameraFile
from jidoka.host.model import Use, open_session, use_of
from jidoka.host.runner import Runner
from jidoka.host.sources import Folder, RenderedParts, Source
from jidoka.host.trigger import Trigger

log = logging.getLogger(__name__)

RENDERER = "renderer"
SECOND_NS = 1_000_000_000
FIRST_CONNECT_S = 1.0  # the monitor's answer is waited for once, so that the first records aren't lost
INFERENCES, SENT, DROPPED = "60", "61", "62"  # indices of jidoka_bridge.metrics


@dataclass(frozen=True)
class Options:
    """What to run. bundle: folder or shipped name; source: `renderer` or a folder; rate_hz: 0 = as fast as it goes;
    count: None = until the source ends; tells: `counts`, `results` (a JSON line each) or `summary` (JSON at the end);
    tells_every_s: between two lines of counts; sha256: of the model in the plan, None = whatever the bundle has.
    """

    bundle: str
    source: str = RENDERER
    trigger: Path | None = None
    camera: Path | None = None
    rate_hz: float = 10.0
    count: int | None = None
    seed: int = 1
    is_looped: bool = False
    tap_socket: Path | None = None
    steward_socket: Path | None = None
    model: str | None = None
    sha256: str | None = None
    tells: str = "counts"
    tells_every_s: float = 1.0


def from_plan(path: Path) -> Options:
    """The options in a compiled plan. Raises ConfigurationError where it has no host."""
    loaded = plan.load(path)
    section = loaded.sections.get("host")
    if section is None:
        raise ConfigurationError(
            f"{path}: the plan has no host: the plant's own application runs the model.",
            "Add a `host:` section to the configuration, or start the host with a bundle instead of a plan.",
        )
    model = loaded.sections["models"][section["model"]]
    return Options(
        bundle=model["bundle"],
        source=section["source"],
        trigger=Path(section["trigger"]) if section["trigger"] else None,
        camera=Path(section["camera"]) if section["camera"] else None,
        rate_hz=section["rate_hz"],
        seed=section["seed"],
        is_looped=True,  # a line doesn't end
        tap_socket=loaded.tap_socket,
        steward_socket=loaded.steward_socket,
        model=section["model"],
        sha256=model["sha256"],
        tells_every_s=60.0,
    )


class Bell:
    """Ends a select when a signal comes, and says which it was."""

    def __init__(self) -> None:
        self._ear, self._mouth = socket.socketpair()
        self._ear.setblocking(False)
        self._mouth.setblocking(False)
        self.rung = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ring)
        signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)

    def _ring(self, number: int, _: Any) -> None:
        self.rung = self.rung or number

    def wait(self, until_ns: int, trigger: Trigger | None) -> None:
        """Wait until a time, a signal, or something from the trigger."""
        left_s = max(0.0, (until_ns - time.monotonic_ns()) / 1e9)
        ears: list[Any] = [self._ear]
        if trigger is not None and trigger.fileno() >= 0:
            ears.append(trigger)
        if self.rung == 0:
            select.select(ears, [], [], left_s)


def run(options: Options) -> int:
    """Run until the source or the count ends, or a signal comes. Returns the exit code. Raises PlainError."""
    die_with_parent()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="host: %(message)s")
    bundle = load_bundle(options.bundle)
    if options.sha256 not in {None, bundle.sha256}:
        raise ModelError(
            f"{bundle.file}: SHA-256 {bundle.sha256[:16]}… isn't the plan's {str(options.sha256)[:16]}….",
            "Compile the plan anew once the new model was approved: jidoka plan CONFIGURATION -o PLAN",
        )
    source = _source_of(options)
    bell = Bell()
    session = watch(
        open_session(bundle),
        options.model or bundle.id,
        socket=None if options.tap_socket is None else str(options.tap_socket),
    )
    runner = Runner(bundle, session, source)
    use = use_of(bundle)
    if options.source != RENDERER:
        _say_what_it_means(bundle, use)
    if os.path.exists(session.tap.path):  # noqa: PTH110 — a folder that is closed to this user is no error
        session.tap.wait_until_connected(FIRST_CONNECT_S)
    notify("READY=1")
    host = _Host(options, runner, session.tap, bell)
    try:
        host.live()
    finally:
        notify("STOPPING=1")
        host.end()
        session.tap.close("the host ends")
    if options.tells == "summary":
        say(json.dumps(_summary(options, bundle, use, runner, session.tap)) + "\n")
    return 130 if bell.rung == signal.SIGINT else 0


class _Host:
    """The loop: a picture when it is time or a part came, and once a second what others want to know."""

    def __init__(self, options: Options, runner: Runner, tap: Any, bell: Bell) -> None:
        self._options = options
        self._runner = runner
        self._tap = tap
        self._bell = bell
        self._trigger = Trigger(options.trigger) if options.trigger else None
        self._steward = Channel(options.steward_socket) if options.steward_socket else None
        self._waiting: deque[int] = deque()
        self._next_ns = time.monotonic_ns()
        self._next_duty_ns = self._next_ns + SECOND_NS
        self._next_line_ns = self._next_ns + int(options.tells_every_s * SECOND_NS)
        self._is_terminal = sys.stdout.isatty()

    def live(self) -> None:
        runner, count = self._runner, self._options.count
        while not self._bell.rung and (count is None or runner.tally.records < count):
            now_ns = time.monotonic_ns()
            if now_ns >= self._next_duty_ns:
                self._duties(now_ns)
            part = self._due_part(now_ns)
            if part is None:
                self._bell.wait(min(self._next_duty_ns, self._next_try_ns()), self._trigger)
                continue
            result = runner.one(part)
            if result is None:
                return
            if self._options.tells == "results":
                say(json.dumps(result.as_json(), separators=(",", ":")) + "\n")

    def _due_part(self, now_ns: int) -> int | None:
        """The number of the part to look at now; None: none yet."""
        if self._trigger is not None:
            if not self._waiting:
                self._waiting.extend(self._trigger.parts(now_ns))
            return self._waiting.popleft() if self._waiting else None
        if now_ns < self._next_ns:
            return None
        if self._options.rate_hz:
            period_ns = int(SECOND_NS / self._options.rate_hz)
            # an inference that took too long is not made up for by a burst
            self._next_ns = max(self._next_ns + period_ns, now_ns + period_ns // 2)
        return self._runner.tally.records + 1

    def _next_try_ns(self) -> int:
        if self._trigger is None:
            return self._next_ns
        return self._trigger.next_try_ns if self._trigger.fileno() < 0 else self._next_duty_ns

    def _duties(self, now_ns: int) -> None:
        self._next_duty_ns = now_ns + SECOND_NS
        if self._steward is not None:
            self._steward.connect(now_ns)
            self._steward.receive()
            self._tell_steward(now_ns, Kind.COUNTERS, {
                "program": "host", "labels": {"model": self._tap.model}, "values": self._counters(),
            })  # fmt: skip
        if self._options.tells == "counts" and now_ns >= self._next_line_ns:
            self._next_line_ns = now_ns + int(self._options.tells_every_s * SECOND_NS)
            self._say_counts()

    def _counters(self) -> dict[str, int]:
        counts = self._tap.counts
        return {INFERENCES: self._runner.tally.records, SENT: counts.sent, DROPPED: counts.dropped}

    def _tell_steward(self, now_ns: int, kind: Kind, value: dict[str, Any]) -> None:
        if self._steward is not None and self._steward.is_connected:
            self._steward.send(messages.encode_json(kind, self._steward.number, now_ns, value))

    def _say_counts(self, end: str = "") -> None:
        line = self._runner.tally.line(self._tap.model, self._tap.counts.is_connected)
        say(f"\r\033[K{line}{end}" if self._is_terminal else f"{line}\n")

    def end(self) -> None:
        """Say goodbye, and the counts once more."""
        if self._options.tells == "counts":
            with contextlib.suppress(BrokenPipeError):
                self._say_counts("\n")
        self._tell_steward(time.monotonic_ns(), Kind.BYE, {"program": "host", "reason": "stopped"})
        if self._trigger is not None:
            self._trigger.close()


def say(text: str) -> None:
    """To standard output, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def _source_of(options: Options) -> Source:
    if options.source == RENDERER:
        return RenderedParts(options.seed, CameraFile(options.camera))
    return Folder(Path(options.source), options.is_looped)


def _say_what_it_means(bundle: Bundle, use: Use) -> None:
    """Pictures from a folder: the maker of the bundle knows whether its answers mean anything there."""
    if use.is_for_the_renderer:
        log.warning(
            "%s was made for the pictures of the built-in renderer: on these its classes mean nothing. "
            "The monitor's measures of the picture (brightness, contrast, sharpness, noise) hold.",
            bundle.title,
        )
    for text in use.not_for:
        log.warning("not for: %s", text)


def _summary(options: Options, bundle: Bundle, use: Use, runner: Runner, tap: Any) -> dict[str, Any]:
    tally, counts = runner.tally, tap.counts
    return {
        "model": tap.model, "version": bundle.version, "sha256": bundle.sha256, "source": options.source,
        "records": tally.records, "classes": tally.classes, "good": tally.good,
        "right": tally.right if tally.known else None, "rate_hz": round(tally.rate_hz, 3),
        "means_something": options.source == RENDERER or not use.is_for_the_renderer,
        "intended_use": use.intended, "not_for": list(use.not_for),
        "tap": {"socket": tap.path, "sent": counts.sent, "dropped": counts.dropped,
                "tensors_not_sent": counts.tensors_not_sent},
    }  # fmt: skip
