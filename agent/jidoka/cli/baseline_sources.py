"""Where the records of a commissioning come from: the application itself, a monitor that runs, or a recording."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from jidoka_bridge.plan import Plan

    from jidoka.monitor.learning import Learner
    from jidoka.monitor.trace import Event
    from jidoka.replay.learning import BackgroundLearner

#: pictures a second of --source where the configuration states the line's own rate
FAST_HZ = 100.0
#: records a second that are taken while a baseline is learned
LEARN_MOST_HZ = 20_000.0
#: a monitor is waited for so long
MONITOR_WAIT_S = 30.0
#: progress is told so often
TELL_S = 2.0


def from_running(plan: Plan, learner: Learner, recipes: Sequence[int], limit_s: float) -> str:
    """Learn beside the monitor that runs, until every recipe is complete; returns why it ended. Raises NotRunningError."""
    from jidoka.replay.live import MonitorEnded, following

    with following(plan.record_socket, MONITOR_WAIT_S) as events:
        try:
            _take(plan, learner, recipes, events, limit_s)
        except MonitorEnded as why:
            return str(why)
    return ""


def from_recording(plan: Plan, learner: Learner, recipes: Sequence[int], path: Path) -> str:
    """Learn from a recording; returns why it ended before every recipe was complete. Raises InputError."""
    from jidoka.replay.file import events

    _take(plan, learner, recipes, events(path), 0.0)
    return "the recording ended"


def _take(
    plan: Plan, learner: Learner, recipes: Sequence[int], events: Iterable[Event | None], limit_s: float
) -> None:
    from jidoka.replay.learning import BackgroundLearner
    from jidoka.replay.player import start_of

    background: BackgroundLearner | None = None
    begun_s = told_s = time.monotonic()
    for event in events:
        now_s = time.monotonic()
        if event is not None and background is None:
            names = [model.id for model in start_of(event).plan.models]
            background = BackgroundLearner(plan, names, learner, recipes)
        elif event is not None and background is not None:
            background.take(event)
        if background is not None and (background.is_done or now_s - told_s >= TELL_S):
            told_s = now_s
            click.echo(_progress_line(background), err=True)
            if background.is_done:
                return
        if limit_s and now_s - begun_s > limit_s:
            return


def _progress_line(background: BackgroundLearner) -> str:
    """How far each recipe is."""
    learner = background.learner
    each_has = ", ".join(
        f"recipe {recipe}, position {position}: "
        + ("complete" if count >= learner.wanted else f"{count} of {learner.wanted}")
        for (recipe, position), count in background.progress.items()
    )
    standing = f"; {background.standing} left out while the machine stood" if background.standing else ""
    return f"learning {learner.model}: {each_has or 'no record yet'}{standing}"


@contextlib.contextmanager
def tap_socket(plan: Plan, learner: Learner) -> Iterator[Callable[[float], None]]:
    """Listens where the monitor listens; yields a function that serves it for up to that many seconds."""
    from jidoka.monitor.intake import Intake
    from jidoka.monitor.taps import Taps

    # a commissioning may run faster than the line: its quota is against floods of a line that runs
    unhurried = replace(
        plan, models=tuple(replace(each, records_per_s=LEARN_MOST_HZ) for each in plan.models)
    )
    taps = Taps(plan.tap_socket, Intake(unhurried, learner, is_judging=False))

    def turn(wait_s: float) -> None:
        taps.turn(taps.poll(int(wait_s * 1e9), time.monotonic_ns()), time.monotonic_ns)
        taps.end_overdue(time.monotonic_ns())

    try:
        yield turn
    finally:
        taps.close()


@contextlib.contextmanager
def host_of(
    plan: Plan, model: str, *, source: str | None, rate: float | None, seed: int, records: int
) -> Iterator[subprocess.Popen[bytes] | None]:
    """Runs the bundle on a source meanwhile, where one was asked for."""
    if source is None:
        yield None
        return
    bundle = plan.sections["models"][model]["bundle"]
    options = ["--source", source, "--seed", str(seed), "--socket", str(plan.tap_socket), "--model", model]
    # a budget in seconds needs the line's own rate: where the plan doesn't state it, the source must show it
    if rate is None and plan.sections["models"][model].get("records_per_s"):
        rate = FAST_HZ
    options += ["--rate", str(rate)] if rate is not None else []
    # some more than wanted: the tap may drop records of a fast source
    options += ["--count", str(2 * records + 100)]
    environment = {**os.environ, "JIDOKA_DIE_WITH_PARENT": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "jidoka.host", str(bundle), *options],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def collect(
    learner: Learner, turn: Callable[[float], None], host: subprocess.Popen[bytes] | None, limit_s: float
) -> None:
    """Serve the tap until the learner has enough. Raises BaselineError after the limit, or as the host failed."""
    from jidoka_bridge.errors import BaselineError, InputError

    from jidoka.exit_codes import error_of

    begun_s = time.monotonic()
    with progress_of(learner) as report:
        while not learner.is_done:
            turn(0.1)
            report()
            if host is not None and host.poll() is not None and not learner.has_tap:
                if host.returncode:
                    raise error_of(host.returncode)(
                        f"the bundle can't be run on the source (exit code {host.returncode}), so nothing was learned",
                        "Mend what is said above.",
                    )
                raise InputError(
                    f"the source ended after {learner.taken} records ",
                    "Use a source with more pictures, or ask for fewer records with --records.",
                )
            if limit_s and time.monotonic() - begun_s > limit_s:
                raise BaselineError(
                    f"{learner.model}: {learner.progress} of {learner.wanted} {learner.judged}s came within {limit_s:g} s",
                    "Start the application, see that it is watched (jidoka_tap.watch) under this id, and that it uses "
                    "the tap socket of this configuration.",
                )


@contextlib.contextmanager
def progress_of(learner: Learner) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, a line each tenth otherwise; both on stderr."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(f"learning {learner.model}", total=learner.wanted)
            yield lambda: bar.update(task, completed=learner.progress)
        return
    tenth = -1

    def report() -> None:
        nonlocal tenth
        now = 10 * learner.progress // learner.wanted
        if now > tenth:
            tenth = now
            click.echo(
                f"learning {learner.model}: {learner.progress} of {learner.wanted} {learner.judged}s",
                err=True,
            )

    yield report
