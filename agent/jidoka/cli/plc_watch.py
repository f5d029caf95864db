"""`jidoka plc watch`: live what the PLC shows, from the running guard, or from the line while none runs."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jidoka.cli.asking import load_plan, plan_options

if TYPE_CHECKING:
    from jidoka_bridge.plan import Plan

    from jidoka.commissioning.view import View

PERIOD_S = 0.2
MOST_TRIPS = 60
#: block C is read from the line at most so often
MEMORY_S = 5.0


@click.command("watch")
@click.option("--line", "from_line", is_flag=True, help="Read the line itself, though a steward may run.")
@click.option("--json", "as_json", is_flag=True, help="A JSON line for each change.")
@click.option("--seconds", type=click.FloatRange(0.1), help="End after so long; else with Ctrl-C.")
@plan_options
def command(
    *, from_line: bool, as_json: bool, seconds: float | None, plan_file: Path, config_file: Path | None
) -> None:  # fmt: skip
    """Show live what the PLC shows: both bits as read back, its state and fault, inputs, hold time, round trips.

    A running steward tells what its guard sees. Where none runs the line is read, with WITHHOLD as all that is written.
    What the PLC remembers (block C) is shown as the guard read it last, at connect and once an hour.

    \b
    Example:
      jidoka plc watch --config line7.yaml
      jidoka plc watch --config line7.yaml --json | jq .inputs
    """
    from jidoka.commissioning.view import changed

    plan = load_plan(plan_file, config_file)
    until = None if seconds is None else time.monotonic() + seconds
    looks = _looks(plan, from_line=from_line)
    if not as_json:
        _show(plan, looks, until)
        return
    before: View | None = None
    for view in looks:
        what = changed(before, view)
        if what:
            click.echo(json.dumps({"wall": time.time(), "changed": what, **view.as_object()}))
        before = view
        if until is not None and time.monotonic() >= until:
            return


def _show(plan: Plan, looks: Iterator[View], until: float | None) -> None:
    from rich.console import Console
    from rich.live import Live

    from jidoka.commissioning.picture import picture

    hold_ms = plan.link.hold_ms if plan.link else 0
    trips: deque[float] = deque(maxlen=MOST_TRIPS)
    console = Console(highlight=False)
    with Live(console=console, refresh_per_second=10, transient=False) as live:
        for view in looks:
            if view.rtt_ms is not None:
                trips.append(view.rtt_ms)
            live.update(picture(view, hold_ms, trips))
            if until is not None and time.monotonic() >= until:
                return


def _looks(plan: Plan, *, from_line: bool) -> Iterator[View]:
    """One view after the other, at the pace of PERIOD_S. Raises LinkError or ConfigurationError at the first."""
    from jidoka_bridge.errors import ConfigurationError, LinkError, NotRunningError

    if plan.link is None:
        raise ConfigurationError("this plan has no PLC", "Name a configuration with `plc:`.")
    look = None if from_line else _steward(plan)
    while True:
        began = time.monotonic()
        if look is None:
            try:
                look = _line(plan)
            except LinkError as error:
                raise LinkError(error.what, "A running guard has the port: start its steward too, or stop the guard.") from None  # fmt: skip
        try:
            yield look()
        except NotRunningError:
            look = None  # the steward has gone: look at the line, if the guard let go of it
            continue
        time.sleep(max(0.0, PERIOD_S - (time.monotonic() - began)))


def _steward(plan: Plan) -> Callable[[], View] | None:
    from jidoka_bridge.errors import NotRunningError
    from jidoka_bridge.messages import Kind

    from jidoka.commissioning.view import of_status
    from jidoka.steward.client import ask

    def look() -> View:
        return of_status(ask(plan.steward_socket, Kind.ASK, {"what": "status"}))

    try:
        look()
    except NotRunningError:
        return None
    return look


def _line(plan: Plan) -> Callable[[], View]:
    from jidoka.commissioning.line import LineView

    assert plan.link is not None
    return LineView(plan.link, MEMORY_S).look
