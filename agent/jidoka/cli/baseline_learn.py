"""`jidoka baseline learn`: from the application, a monitor that runs, or a recording, into baselines that may arm."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jidoka.cli.asking import FILE
from jidoka.cli.baseline_sources import collect, from_recording, from_running, host_of, tap_socket
from jidoka.cli.baseline_words import model_named, print_json
from jidoka.cli.plan_files import read_or_compile

if TYPE_CHECKING:
    from jidoka_bridge.plan import Plan

    from jidoka.monitor.baseline import Baseline
    from jidoka.monitor.learning import Learner


@click.command("learn")
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
@click.option("--running", is_flag=True, help="Learn in the background, beside the monitor that runs.")
@click.option("--recording", type=FILE, help="Learn from what `jidoka record` wrote.")
@click.option(
    "--recipe",
    "recipes",
    multiple=True,
    type=click.IntRange(0, 65535),
    help="With --running and --recording: go on until this recipe is complete; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def learn_command(*, configuration: str, model: str | None, records: int, source: str | None, rate: float | None,
                  seed: int, limit_s: float, running: bool, recording: Path | None, recipes: tuple[int, ...],
                  as_json: bool) -> None:  # fmt: skip
    """Learn the baseline of a model from the records that its application makes now.

    The monitor must not run: this command listens in its place. With --running it does, and production goes on: records
    are learned while the machine runs, each recipe by itself, until all are complete; the monitor takes what was learned
    when it is started next. A baseline that can't keep the budget of the
    configuration is refused, and no file is written that could arm; what was learned is kept beside it with the
    ending `.refused`, to look at.

    \b
    Example:
      jidoka baseline learn line7.yaml --records 2000
      jidoka baseline learn configs/visual-inspection.yaml --source renderer --records 1000
      jidoka baseline learn line7.yaml --running --recipe 3 --recipe 4
    """
    from jidoka_bridge.errors import InputError

    from jidoka.monitor.kernels.warm import warm
    from jidoka.monitor.learning import Learner

    if ((running or recording is not None) and source is not None) or (running and recording is not None):
        raise click.UsageError(
            "--running, --recording and --source are three ways to get records: choose one"
        )
    plan = read_or_compile(Path(configuration))
    name = model_named(plan, model)
    learner = Learner(plan, name, records)
    click.echo("compiling the kernels, if this is the first time (a minute on a small machine)", err=True)
    warm(is_closed=False)
    ended = ""
    if recording is not None:
        ended = from_recording(plan, learner, recipes, recording)
    elif running:
        ended = from_running(plan, learner, recipes, limit_s)
    else:
        with (
            tap_socket(plan, learner) as turn,
            host_of(plan, name, source=source, rate=rate, seed=seed, records=records) as host,
        ):
            collect(learner, turn, host, limit_s)
    if not learner.rows:
        raise InputError(
            f"{name}: no record could be learned from{': ' + ended if ended else ''}",
            "See that the application runs and is watched, that the machine runs, and that the recipe is one that is made.",
        )
    _keep(plan, learner, as_json=as_json)


def _keep(plan: Plan, learner: Learner, *, as_json: bool) -> None:
    """Write what may arm, keep the rest beside it, and show both. Raises BaselineError for what is refused."""
    from jidoka_bridge.errors import BaselineError

    from jidoka.monitor.baseline import path_of, save
    from jidoka.monitor.showing import as_lines, as_object, faults_in

    name = learner.model
    learned_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    shown, refused = [], []
    learned = learner.baselines(learned_at)
    for sentence in learner.left_out:
        click.echo(sentence, err=True)
    for baseline in learned:
        path = path_of(plan, name, baseline.recipe, baseline.position)
        kept = path.with_suffix(".refused")
        faults = faults_in(plan, baseline)
        kept.unlink(missing_ok=True)
        if faults:
            save(kept, baseline)
            refused.append((baseline, kept, faults))
            continue
        save(path, baseline)
        shown.append(as_object(plan, _loaded(plan, baseline)))
    if as_json:
        print_json(shown)
    else:
        click.echo("\n".join(line for each in shown for line in as_lines(each)))
        if shown:
            click.echo(
                "Now lay down a part that is known to be good, then one that is known to be bad: "
                "jidoka baseline master --help",
                err=True,
            )
    if refused:
        text = "; ".join(fault for _, _, faults in refused for fault in faults)
        files = ", ".join(str(kept) for _, kept, _ in refused)
        raise BaselineError(
            f"{name}: the baseline is refused: {text}",
            f"Learn again with more records, or when the line has settled. What was learned is in {files}; it can't arm, "
            "and a baseline that was learned earlier stays in force.",
        )


def _loaded(plan: Plan, baseline: Baseline) -> Baseline:
    """The file that was just written, read back as the monitor will: proof that it can be."""
    from jidoka.monitor.baseline import load, path_of

    return load(
        path_of(plan, baseline.model, baseline.recipe, baseline.position), baseline.model, baseline.sha256
    )
