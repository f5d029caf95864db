"""`jidoka baseline`: learn what a model's data look like when all is well, and show what was learned."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jidoka.cli.plan_files import read_or_compile

if TYPE_CHECKING:
    from jidoka_bridge.plan import Plan

    from jidoka.monitor.baseline import Baseline
    from jidoka.monitor.learning import Learner


#: pictures a second of --source where the configuration states the line's own rate
FAST_HZ = 100.0
#: records a second that are taken while a baseline is learned
LEARN_MOST_HZ = 20_000.0


@click.group("baseline")
def command() -> None:
    """Learn what the model's data look like when all is well, and show it.

    \b
    Example:
      jidoka baseline learn line7.yaml --records 2000
      jidoka baseline show line7.yaml
    """


@command.command("learn")
@click.argument("configuration", type=click.Path(readable=False))
@click.option("--model", metavar="ID", help="Which model; needed where the configuration has several.")
@click.option(
    "--records",
    metavar="N",
    type=click.IntRange(min=1),
    default=2000,
    show_default=True,
    help="How many records to take.",
)
@click.option(
    "--source",
    metavar="renderer|arm|DIR",
    help="Run the bundle on this source (renderer, arm, or a folder of pictures) meanwhile.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0.0, 1000.0),
    metavar="HZ",
    help="Pictures a second of --source (100 where the configuration states records_per_s).",
)
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(0, 2**32 - 1),
    default=1,
    show_default=True,
    help="Seed of --source renderer.",
)
@click.option(
    "--limit",
    "limit_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0.0),
    default=0.0,
    help="Give up after this many seconds; 0 = never.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def learn(*, configuration: str, model: str | None, records: int, source: str | None, rate: float | None,
          seed: int, limit_s: float, as_json: bool) -> None:  # fmt: skip
    """Learn the baseline of a model from the records that its application makes now.

    The monitor must not run: this command listens in its place. A baseline that can't keep the budget of the
    configuration is refused, and no file is written that could arm; what was learned is kept beside it with the
    ending `.refused`, to look at.

    \b
    Example:
      jidoka baseline learn line7.yaml --records 2000
      jidoka baseline learn configs/visual-inspection.yaml --source renderer --records 1000
    """
    from jidoka_bridge.errors import BaselineError

    from jidoka.monitor.baseline import path_of, save
    from jidoka.monitor.kernels.warm import warm
    from jidoka.monitor.learning import Learner
    from jidoka.monitor.showing import as_lines, as_object

    plan = read_or_compile(Path(configuration))
    name = _model(plan, model)
    learner = Learner(plan, name, records)
    click.echo("compiling the kernels, if this is the first time (a minute on a small machine)", err=True)
    warm(is_closed=False)
    with (
        _tap_socket(plan, learner) as turn,
        _host(plan, name, source=source, rate=rate, seed=seed, records=records) as host,
    ):
        _collect(learner, turn, host, limit_s)
    learned_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    shown, refused = [], []
    for baseline in learner.baselines(learned_at):
        path = path_of(plan, name, baseline.recipe, baseline.position)
        kept = path.with_suffix(".refused")
        faults = as_object(plan, baseline)["faults"]
        kept.unlink(missing_ok=True)
        if faults:
            save(kept, baseline)
            refused.append((baseline, kept, faults))
            continue
        save(path, baseline)
        shown.append(as_object(plan, _loaded(plan, baseline)))
    if as_json:
        _print_json(shown)
    else:
        click.echo("\n".join(line for each in shown for line in as_lines(each)))
    if refused:
        text = "; ".join(fault for _, _, faults in refused for fault in faults)
        files = ", ".join(str(kept) for _, kept, _ in refused)
        raise BaselineError(
            f"{name}: the baseline is refused: {text}",
            f"Learn again with more records, or when the line has settled. What was learned is in {files}; it can't arm, "
            "and a baseline that was learned earlier stays in force.",
        )


@command.command("show")
@click.argument("configuration", type=click.Path(readable=False))
@click.option("--model", metavar="ID", help="Only this model.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def show(configuration: str, model: str | None, as_json: bool) -> None:
    """Show the baselines of a configuration: the budget in words, what is seen, and what is promised.

    \b
    Example:
      jidoka baseline show line7.yaml
    """
    from jidoka_bridge.errors import BaselineError

    from jidoka.monitor.baseline import load_all
    from jidoka.monitor.showing import as_lines, as_object

    plan = read_or_compile(Path(configuration))
    names = [_model(plan, model)] if model else [each.id for each in plan.models]
    shown = [as_object(plan, baseline) for name in names for baseline in load_all(plan, name).values()]
    if not shown:
        raise BaselineError(
            f"{configuration}: {', '.join(names)} has no baseline yet",
            f"Learn it while all is well: jidoka baseline learn {configuration}",
        )
    if as_json:
        _print_json(shown)
    else:
        click.echo("\n\n".join("\n".join(as_lines(each)) for each in shown))


def _model(plan: Plan, wanted: str | None) -> str:
    names = [model.id for model in plan.models]
    if wanted in names:
        return str(wanted)
    if wanted is None and len(names) == 1:
        return names[0]
    raise click.UsageError(
        f"--model must name one of {', '.join(names)}" + (f", not {wanted}" if wanted else "")
    )


def _loaded(plan: Plan, baseline: Baseline) -> Baseline:
    """The file that was just written, read back as the monitor will: proof that it can be."""
    from jidoka.monitor.baseline import load, path_of

    return load(
        path_of(plan, baseline.model, baseline.recipe, baseline.position), baseline.model, baseline.sha256
    )


@contextlib.contextmanager
def _tap_socket(plan: Plan, learner: Learner) -> Iterator[Callable[[float], None]]:
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
def _host(
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


def _collect(
    learner: Learner, turn: Callable[[float], None], host: subprocess.Popen[bytes] | None, limit_s: float
) -> None:
    from jidoka_bridge.errors import BaselineError, InputError

    from jidoka.exit_codes import error_of

    begun_s = time.monotonic()
    with _progress(learner) as report:
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
def _progress(learner: Learner) -> Iterator[Callable[[], None]]:
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


def _print_json(value: Any) -> None:
    import json

    click.echo(json.dumps(value, indent=1))
