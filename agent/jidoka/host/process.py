"""The host as a program: options to bundle, source, session and loop; how it ends."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys

from jidoka_bridge.channel import Channel
from jidoka_bridge.notify import die_with_parent, notify
from jidoka_tap import watch

from jidoka.config.manifest import load_approved
from jidoka.host.bell import Bell
from jidoka.host.inputs import Inputs
from jidoka.host.loop import Loop
from jidoka.host.model import open_session, use_of
from jidoka.host.options import Options, from_plan
from jidoka.host.runner import Runner
from jidoka.host.showing import Shower
from jidoka.host.sources.kinds import RENDERER, Wanted, open_source
from jidoka.host.sources.spelling import ARM
from jidoka.host.telling import say, say_counts, say_what_it_means, summary
from jidoka.host.trigger import Trigger

__all__ = ["Options", "from_plan", "run"]

FIRST_CONNECT_S = 1.0  # the monitor's answer is waited for once, so that the first records aren't lost


def run(options: Options) -> int:
    """Run until the source or the count ends, or a signal comes. Returns the exit code. Raises PlainError."""
    if options.source == ARM:
        from jidoka.arm.options import from_host  # noqa: PLC0415 - the arm's own program, for who asks for it
        from jidoka.arm.process import run as run_arm  # noqa: PLC0415

        return run_arm(from_host(options))
    die_with_parent()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="host: %(message)s")
    bundle = load_approved(options.bundle, options.sha256)
    inputs = Inputs(bundle, options.size, options.batch, dict(options.fixed))
    source = open_source(
        options.source,
        Wanted(options.seed, options.camera, options.is_looped, options.move_to, inputs.channels),
    )
    trigger = Trigger(options.trigger) if options.trigger else None
    bell = Bell()
    session = watch(
        open_session(bundle),
        options.model or bundle.id,
        socket=None if options.tap_socket is None else str(options.tap_socket),
        sha256=bundle.sha256,
    )
    use = use_of(bundle)
    if source.text != RENDERER:
        say_what_it_means(bundle, use)
    if os.path.exists(session.tap.path):  # noqa: PTH110 — a folder that is closed to this user is no error
        session.tap.wait_until_connected(FIRST_CONNECT_S)
    notify("READY=1")
    runner = Runner(bundle, session, inputs)
    steward = Channel(options.steward_socket) if options.steward_socket else None
    shower = Shower(session, options.known_answers)
    shower.look()
    loop = Loop(
        options, runner, source, session.tap, bell=bell, trigger=trigger, steward=steward, shower=shower
    )
    try:
        loop.live()
    finally:
        notify("STOPPING=1")
        if options.tells == "counts":
            with contextlib.suppress(BrokenPipeError):
                say_counts(runner.tally, session.tap, "\n")
        loop.end()
        session.tap.close("the host ends")
    if options.tells == "summary":
        found = summary(bundle, use, source, runner.tally, session.tap)
        if loop.left_over:
            found["left_over"] = loop.left_over
        say(json.dumps(found) + "\n")
    return bell.exit_code
