"""`jidoka record`: write down what the monitor gets, so that it can be replayed."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from jidoka.cli.asking import FILE, load_plan, plan_options

if TYPE_CHECKING:
    from jidoka.replay.recorder import Recorded


@click.command("record")
@plan_options
@click.argument("file", type=FILE)
@click.option(
    "--minutes",
    type=click.FloatRange(0.0),
    default=10.0,
    show_default=True,
    help="Record so long; 0 = until Ctrl-C.",
)
@click.option(
    "--size",
    "size_mb",
    type=click.FloatRange(1.0),
    default=500.0,
    show_default=True,
    metavar="MB",
    help="End when the file has so many megabytes.",
)
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0.0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Wait so long for a monitor.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was recorded as JSON.")
def command(*, plan_file: Path, config_file: Path | None, file: Path, minutes: float, size_mb: float, wait_s: float, as_json: bool) -> None:  # fmt: skip
    """Record what the monitor gets into FILE: records with their tensors, the PLC's status, the times.

    The line goes on as it is: the monitor never waits for the recorder, and says how much it missed. Start the
    recording before `jidoka run` and its replay equals what the monitor did, bit for bit; one that begins later starts
    with detectors that have seen nothing. A recording holds pictures where the monitor gets them: treat it so.

    \b
    Example:
      jidoka record --config line7.yaml monday.trace --minutes 30
      jidoka replay monday.trace --config line7-new.yaml
    """
    from jidoka.replay.recorder import record

    plan = load_plan(plan_file, config_file)
    is_stopped: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        is_stopped.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)

    def tell(so_far: Recorded) -> None:
        click.echo(f"\r{_line(so_far)}   ", nl=False, err=True)

    recorded = record(
        plan.record_socket, file, limit_s=60.0 * minutes, limit_bytes=int(size_mb * 1e6), wait_s=wait_s, tell=tell,
        is_stopped=lambda: bool(is_stopped),
    )  # fmt: skip
    click.echo("", err=True)
    if as_json:
        import json
        from dataclasses import asdict

        click.echo(json.dumps({"file": str(file), **asdict(recorded)}))
        return
    click.echo(f"{file}: {_line(recorded)} ({recorded.ended})")
    if recorded.dropped:
        click.echo(f"  {recorded.dropped} events are missing: this machine was too slow to write them all")
    if not recorded.is_from_start:
        click.echo("  the monitor ran before: its detectors had seen records that aren't in here")


def _line(recorded: Recorded) -> str:
    size = f"{recorded.bytes / 1e6:.1f} MB"
    return f"{recorded.records} records in {recorded.seconds:.0f} s, {size}" + (
        f", {recorded.dropped} events missed" if recorded.dropped else ""
    )
