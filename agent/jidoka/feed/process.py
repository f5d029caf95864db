"""The feed as a program: lines in, records out, counts at the end."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jidoka_bridge import plan
from jidoka_bridge.errors import ConfigurationError, ModelError
from jidoka_bridge.notify import die_with_parent, notify
from jidoka_tap import OpenTap, open_tap

from jidoka.config.manifest import MANIFEST, Bundle, load_approved
from jidoka.feed.follow import Follower
from jidoka.feed.intake import Intake, Listener, StandardInput
from jidoka.feed.mapping import FeedSettings, unfit
from jidoka.feed.mqtt import Files, Subscription, topic_of
from jidoka.feed.reading import BadLineError, Entry, Stream
from jidoka.feed.records import Clock, Mapper
from jidoka.feed.tally import Tally
from jidoka.host.bell import Bell

log = logging.getLogger(__name__)

SECOND_NS = 1_000_000_000
FIRST_CONNECT_S = 1.0  # the monitor's answer is waited for once, so that the first records aren't lost


@dataclass(frozen=True)
class Options:
    """What to feed. bundle: folder or shipped name, whose manifest holds the mapping; at most one of listen, follow and
    mqtt, else standard input; ca, certificate, certificate_key: for mqtts; rate_hz: 0 = as they come; tells: `counts` or `summary` (JSON at the end)."""

    bundle: str
    model: str | None = None
    sha256: str | None = None
    listen: Path | None = None
    follow: Path | None = None
    is_from_start: bool = False
    mqtt: str | None = None
    password_file: Path | None = None
    ca: Path | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None
    rate_hz: float = 0.0
    tap_socket: Path | None = None
    tells: str = "counts"
    tells_every_s: float = 1.0


def from_plan(path: Path, model: str | None) -> Options:
    """The model's bundle and the socket in a compiled plan. Raises ConfigurationError: it isn't clear which model."""
    loaded = plan.load(path)
    models = loaded.sections["models"]
    if model is None and len(models) == 1:
        (model,) = models
    if model not in models:
        what = "has several models" if model is None else f"has no model {model!r}"
        raise ConfigurationError(
            f"{path}: the plan {what}.", f"Give --model with one of: {', '.join(models)}."
        )
    section = models[model]
    return Options(
        section["bundle"], model, section["sha256"], tap_socket=loaded.tap_socket, tells_every_s=60.0
    )


def run(options: Options) -> int:
    """Run until the lines end or a signal comes. Returns the exit code. Raises PlainError."""
    die_with_parent()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="feed: %(message)s")
    bundle, settings = _mapping_of(options)
    mapper = Mapper(settings, bundle.outputs, bundle.classes)
    bell = Bell()
    intake = _intake_of(options, settings)
    tap = open_tap(
        options.model or bundle.id,
        [each.name for each in bundle.outputs],
        [each.name for each in bundle.inputs],
        None if options.tap_socket is None else str(options.tap_socket),
        runtime="jidoka feed",
    )
    log.info(
        "%s from %s: outputs only (%s), and no gate: nothing that the program does can be held back here",
        tap.tap.model, intake.text, ", ".join(mapper.names),
    )  # fmt: skip
    if os.path.exists(tap.tap.path):  # noqa: PTH110 — a folder that is closed to this user is no error
        tap.tap.wait_until_connected(FIRST_CONNECT_S)
    notify("READY=1")
    feed = _Feed(options, mapper, intake, tap, bell)
    try:
        feed.live()
    finally:
        notify("STOPPING=1")
        intake.close()
        if options.tells == "counts":
            with contextlib.suppress(BrokenPipeError):
                feed.say_counts()
        tap.tap.close("the feed ends")
    if options.tells == "summary":
        _say(json.dumps(_summary(bundle, intake, feed.tally, tap)))
    return bell.exit_code


class _Feed:
    """The loop: what came, line by line, each as a record or a refusal."""

    def __init__(self, options: Options, mapper: Mapper, intake: Intake, tap: OpenTap, bell: Bell) -> None:
        self._options, self._mapper, self._intake, self._tap, self._bell = options, mapper, intake, tap, bell
        now_ns = time.monotonic_ns()
        self.tally = Tally(now_ns)
        self._waiting: deque[Entry] = deque()
        self._next_ns = now_ns
        self._next_line_ns = now_ns + int(options.tells_every_s * SECOND_NS)

    def live(self) -> None:
        while not self._bell.rung and (self._waiting or not self._intake.has_ended):
            now_ns = time.monotonic_ns()
            self._words(now_ns)
            if not self._waiting:
                until_ns = min(now_ns + int(self._intake.look_again_s * SECOND_NS), self._next_line_ns)
                self._bell.wait(until_ns, self._intake.ears())
                self._waiting.extend(self._intake.take(time.monotonic_ns()))
            elif now_ns < self._next_ns:
                self._bell.wait(min(self._next_ns, self._next_line_ns))
            else:
                if self._options.rate_hz:
                    period_ns = int(SECOND_NS / self._options.rate_hz)
                    self._next_ns = max(self._next_ns + period_ns, now_ns)
                self._one(self._waiting.popleft(), now_ns)

    def _one(self, entry: Entry, now_ns: int) -> None:
        if entry.fault is not None:
            self.tally.refuse(entry.where, entry.fault)
            return
        try:
            record = self._mapper.record(entry.fields, Clock(now_ns, time.time()))
        except BadLineError as fault:
            self.tally.refuse(entry.where, fault)
            return
        self._tap.record_outputs(
            record.outputs, part=record.part, position=record.position, recipe=record.recipe,
            start_ns=record.start_ns, end_ns=record.end_ns,
        )  # fmt: skip
        self.tally.take()

    def _words(self, now_ns: int) -> None:
        self.tally.say_sometimes(now_ns)
        if now_ns >= self._next_line_ns:
            self._next_line_ns = now_ns + int(self._options.tells_every_s * SECOND_NS)
            if self._options.tells == "counts":
                self.say_counts()

    def say_counts(self) -> None:
        _say(self.tally.line(self._tap.tap.model, self._tap.counts.is_connected))


def _mapping_of(options: Options) -> tuple[Bundle, FeedSettings]:
    """The bundle and its mapping, which fit each other. Raises ModelError with every fault."""
    bundle = load_approved(options.bundle, options.sha256)
    path = bundle.folder / MANIFEST
    if bundle.feed is None:
        raise ModelError(
            f"{path}: has no `feed:`, which says what the fields of a line mean.",
            "Add it as docs/sources.md shows, for example: feed: {format: json, outputs: {logits: scores}}",
        )
    faults = unfit(bundle.feed, bundle.outputs, bundle.classes)
    if faults:
        lines = [f"{path}: feed.{'.'.join(map(str, each.trail))}: {each.message}" for each in faults]
        raise ModelError("\n".join(lines), faults[0].remedy)
    return bundle, bundle.feed


def _intake_of(options: Options, settings: FeedSettings) -> Intake:
    def new_stream(label: str) -> Stream:
        return Stream(settings, label)

    if options.listen is not None:
        return Listener(options.listen, new_stream)
    has_header = settings.format == "csv" and settings.columns is None
    if options.follow is not None:
        return Follower(
            options.follow, new_stream, is_from_start=options.is_from_start, has_header=has_header
        )
    if options.mqtt is not None:
        if has_header:
            raise ModelError(
                "messages have no header line, so the columns need names.",
                "Add feed.columns to the manifest.",
            )
        login = Files(options.ca, options.certificate, options.certificate_key)
        return Subscription(topic_of(options.mqtt, options.password_file, login), new_stream)
    return StandardInput(new_stream)


def _summary(bundle: Bundle, intake: Intake, tally: Tally, tap: OpenTap) -> dict[str, Any]:
    counts = tap.counts
    return {
        "model": tap.tap.model, "version": bundle.version, "sha256": bundle.sha256, "from": intake.text,
        **tally.as_json(), "of_the_source": intake.counts(),
        "tap": {"socket": tap.tap.path, "sent": counts.sent, "dropped": counts.dropped},
    }  # fmt: skip


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
